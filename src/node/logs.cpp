#include "node/logs.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"

namespace node {

namespace {

std::optional<std::int64_t> number(const io::Target& target, std::string_view name) {
  if (!target.has(name)) return std::nullopt;
  const auto found = base::parse_int(target.get(name));
  if (!found || *found < 0)
    throw base::Error(
        base::Code::invalid,
        base::cat(name, ": expected a number of at least 0, not \"", target.get(name), "\""));
  return found;
}

bool flag(const io::Target& target, std::string_view name) {
  const auto value = target.get(name);
  return value == "true" || value == "1";
}

// Where the last `lines` lines of a text begin.
std::size_t start_of_tail(std::string_view text, std::int64_t lines) {
  if (lines == 0) return text.size();
  std::size_t end = text.size();
  if (text.ends_with('\n')) --end;  // it ends the last line and begins none
  for (; lines > 0 && end > 0; --lines) {
    const auto before = text.rfind('\n', end - 1);
    if (before == std::string_view::npos) return 0;
    end = before;
  }
  return lines > 0 ? 0 : end + 1;
}

}  // namespace

LogOptions parse_log_options(const io::Target& target, base::Time now) {
  LogOptions out;
  out.follow = flag(target, "follow");
  out.previous = flag(target, "previous");
  out.timestamps = flag(target, "timestamps");
  out.tail_lines = number(target, "tailLines");
  out.limit_bytes = number(target, "limitBytes");
  if (auto seconds = number(target, "sinceSeconds"))
    out.since = now - std::chrono::seconds(*seconds);
  if (target.has("sinceTime")) {
    out.since = base::parse_time(target.get("sinceTime"));
    if (!out.since) throw base::Error(base::Code::invalid, "sinceTime: expected an RFC 3339 time");
  }
  return out;
}

std::string LogDecoder::add(std::string_view bytes) {
  begun_ += bytes;
  std::string out;
  std::size_t at = 0;
  for (auto end = begun_.find('\n'); end != std::string::npos; end = begun_.find('\n', at)) {
    const std::string_view line(begun_.data() + at, end - at);
    at = end + 1;
    const auto stream = line.find(' ');
    if (stream == std::string_view::npos) continue;
    const auto tag = line.find(' ', stream + 1);
    if (tag == std::string_view::npos || tag + 2 >= line.size() + 1) continue;
    const auto text = tag + 3 <= line.size() ? line.substr(tag + 3) : std::string_view();
    if (!inside_) {
      shown_ =
          !options_.since ||
          base::parse_time(line.substr(0, stream)).value_or(*options_.since) >= *options_.since;
      if (shown_ && options_.timestamps) out.append(line.substr(0, stream)).append(" ");
    }
    inside_ = line[tag + 1] == 'P';
    if (!shown_) continue;
    out += text;
    if (!inside_) out += '\n';
  }
  begun_.erase(0, at);
  return out;
}

std::string read_log(const std::vector<std::string>& files, const LogOptions& options) {
  LogDecoder decoder(options);
  std::string out;
  for (const auto& file : files) out += decoder.add(io::find_file(file).value_or(""));
  if (options.tail_lines) out.erase(0, start_of_tail(out, *options.tail_lines));
  if (options.limit_bytes && out.size() > static_cast<std::size_t>(*options.limit_bytes))
    out.resize(static_cast<std::size_t>(*options.limit_bytes));
  return out;
}

}  // namespace node
