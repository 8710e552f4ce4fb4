#include "base/log.h"

#include <unistd.h>

#include "base/json.h"

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

}  // namespace

void StreamLog::write(Level level, std::string_view message, const Fields& fields) {
  if (level < least_) return;
  std::string line;
  if (form_ == Form::json) {
    JsonObject object{{"time", format_time_millis(clock_.now())},
                      {"level", name(level)},
                      {"msg", message},
                      {"component", component_}};
    for (const auto& [key, value] : fields) object[key] = value;
    line = to_text(object);
  } else {
    line = format_time_millis(clock_.now()).substr(11, 12);
    ((((line += ' ') += name(level)) += ' ') += component_) += ": ";
    line += message;
    for (const auto& [key, value] : fields) (((line += ' ') += key) += '=') += value;
  }
  line += '\n';
  // One write per line, so that lines of several processes on one stream stay whole; a full pipe
  // loses a line, not the program.
  [[maybe_unused]] auto written = ::write(fd_, line.data(), line.size());
}

}  // namespace base
