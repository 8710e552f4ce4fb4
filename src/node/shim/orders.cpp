#include "node/shim/orders.h"

#include <array>

namespace node::shim {

namespace {

constexpr std::array state_names{"starting", "running", "exited", "failed", "removed"};

std::string text(const base::Json& json, std::string_view key) {
  auto found = base::find_string(json, {key});
  if (!found || found->empty())
    throw base::Error(base::Code::invalid, std::string(key) + ": a text is required");
  return *found;
}

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

}  // namespace

std::string encode(const Order& order) {
  base::JsonObject out;
  std::visit(
      Overloaded{[&](const Run& run) {
                   out = {{"do", "run"}, {"id", run.id}, {"bundle", run.bundle}, {"log", run.log}};
                 },
                 [&](const Kill& kill) {
                   out = {{"do", "kill"}, {"id", kill.id}, {"signal", kill.signal}};
                 },
                 [&](const Remove& remove) { out = {{"do", "remove"}, {"id", remove.id}}; }},
      order);
  return base::to_text(out);
}

std::string encode(const Record& record) {
  base::JsonObject out{{"id", record.id},
                       {"state", state_names[static_cast<std::size_t>(record.state)]}};
  if (record.pid) out["pid"] = record.pid;
  if (record.started_at_ms) out["startedAt"] = record.started_at_ms;
  if (record.finished_at_ms) out["finishedAt"] = record.finished_at_ms;
  if (record.exit_code) out["exitCode"] = record.exit_code;
  if (record.signal) out["signal"] = record.signal;
  if (!record.message.empty()) out["message"] = record.message;
  return base::to_text(out);
}

Order decode_order(std::string_view line) {
  const base::Json json = base::parse_json(line);
  const std::string what = text(json, "do");
  if (what == "run") return Run{text(json, "id"), text(json, "bundle"), text(json, "log")};
  if (what == "kill")
    return Kill{text(json, "id"), static_cast<int>(base::find_int(json, {"signal"}).value_or(15))};
  if (what == "remove") return Remove{text(json, "id")};
  throw base::Error(base::Code::invalid, "do: unknown order \"" + what + "\"");
}

std::optional<Record> decode_record(std::string_view line) {
  const base::Json json = base::parse_json(line);
  if (base::find_bool(json, {"ready"}).value_or(false)) return std::nullopt;
  Record record;
  record.id = text(json, "id");
  const std::string state = text(json, "state");
  auto at = std::ranges::find(state_names, state);
  if (at == state_names.end())
    throw base::Error(base::Code::invalid, "state: unknown value \"" + state + "\"");
  record.state = static_cast<State>(at - state_names.begin());
  auto number = [&](std::string_view key) { return base::find_int(json, {key}).value_or(0); };
  record.pid = static_cast<int>(number("pid"));
  record.started_at_ms = number("startedAt");
  record.finished_at_ms = number("finishedAt");
  record.exit_code = static_cast<int>(number("exitCode"));
  record.signal = static_cast<int>(number("signal"));
  record.message = base::text_at(json, {"message"});
  return record;
}

}  // namespace node::shim
