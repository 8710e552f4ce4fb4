#include "executor/request.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "executor/executor.h"

namespace executor {

using base::cat;
using base::Json;

namespace {

constexpr std::string_view request_prefix = "exec-request-", claimed_prefix = "exec-claimed-",
                           result_prefix = "exec-result-", suffix = ".json";

std::optional<std::string> find_id(std::string_view file, std::string_view prefix) {
  if (!file.starts_with(prefix) || !file.ends_with(suffix)) return {};
  file.remove_prefix(prefix.size());
  file.remove_suffix(suffix.size());
  return std::string(file);
}

std::vector<std::string> strings_at(const Json& json, std::string_view name) {
  std::vector<std::string> out;
  if (auto list = base::find(json, {name}); list && list->is_array())
    for (const auto& item : list->get_array())
      if (item.is_string()) out.emplace_back(item.get_string());
  return out;
}

// argv as given, its program looked for by the shell; else the shell with the command, to which
// args are appended as positional parameters.
std::vector<std::string> command_line(const Json& json, const std::string& shell) {
  if (auto argv = strings_at(json, "argv"); !argv.empty()) {
    std::vector<std::string> line{shell, "-c", "exec \"$@\"", shell};
    std::ranges::move(argv, std::back_inserter(line));
    return line;
  }
  std::vector<std::string> line{shell, "-c", base::text_at(json, {"command"}), shell};
  std::ranges::copy(strings_at(json, "args"), std::back_inserter(line));
  return line;
}

}  // namespace

std::optional<std::string> find_request_id(std::string_view file) {
  return find_id(file, request_prefix);
}

std::optional<std::string> find_claimed_id(std::string_view file) {
  return find_id(file, claimed_prefix);
}

std::string claimed_file(std::string_view id) { return cat(claimed_prefix, id, suffix); }
std::string result_file(std::string_view id) { return cat(result_prefix, id, suffix); }

Request parse_request(const std::string& text, const std::string& shell) {
  const Json json = base::parse_json(text);
  Request request;
  request.target = base::text_at(json, {"target"});
  request.work_dir = base::text_at(json, {"workDir"});
  request.input = base::text_at(json, {"stdin"});
  request.call_id = base::text_at(json, {"_meta", "callId"});
  request.argv = command_line(json, shell);
  request.idempotent = base::find_bool(json, {"idempotent"}).value_or(false);
  const auto seconds = base::find_int(json, {"timeout"}).value_or(timeout_seconds_default);
  request.timeout = std::chrono::seconds(std::clamp<std::int64_t>(seconds, 1, timeout_seconds_max));
  if (request.argv.size() == 4 && request.argv[2].empty())
    throw base::Error(base::Code::invalid, "the request has neither a command nor argv");
  return request;
}

}  // namespace executor
