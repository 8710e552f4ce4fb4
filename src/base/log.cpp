#include "base/log.h"

#include <unistd.h>

#include "base/json.h"
#include "base/text.h"

namespace base {

namespace {

std::string_view name(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warn: return "warn";
    case Level::error: return "error";
  }
  return "error";
}

// What others say to us may stand in a value; it shall not fill the disk.
constexpr std::size_t value_bytes_max = 8 * 1024;

}  // namespace

void StreamLog::write(Level level, std::string_view message, const Fields& fields) {
  if (level < least_) return;
  std::string line;
  if (form_ == Form::json) {
    JsonObject object{{"time", format_time_millis(clock_.now())},
                      {"level", name(level)},
                      {"msg", message},
                      {"component", component_}};
    for (const auto& [key, value] : fields) object[key] = clip(value, value_bytes_max);
    line = to_text(object);
  } else {
    line = format_time_millis(clock_.now()).substr(11, 12);
    ((((line += ' ') += name(level)) += ' ') += component_) += ": ";
    line += message;
    for (const auto& [key, value] : fields)
      (((line += ' ') += key) += '=') += clip(value, value_bytes_max);
  }
  line += '\n';
  // One write per line, so that lines of several processes on one stream stay whole; a full pipe
  // loses a line, not the program.
  [[maybe_unused]] auto written = ::write(fd_, line.data(), line.size());
}

}  // namespace base
