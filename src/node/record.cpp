#include "node/record.h"

#include <algorithm>
#include <array>

namespace node {

using base::Json;
using base::JsonObject;

namespace {

constexpr std::int64_t first_delay_ms = 10'000, most_delay_ms = 300'000, healthy_ms = 600'000;
constexpr std::array states{"waiting", "starting", "running", "ended"};
constexpr std::array whys{"completed", "deleted", "failed"};

std::int64_t count(base::Time time) { return time.time_since_epoch().count(); }
base::Time time_at(const Json& json, std::string_view key) {
  return base::Time(base::Duration(base::find_int(json, {key}).value_or(0)));
}

template <class Names>
std::size_t index_of(const Names& names, const Json& json, std::string_view key) {
  auto at = std::ranges::find(names, base::text_at(json, {key}));
  if (at == names.end())
    throw base::Error(base::Code::invalid, std::string(key) + ": unknown value");
  return static_cast<std::size_t>(at - names.begin());
}

Json encode(const Ended& ended) {
  return JsonObject{{"id", ended.id},
                    {"exitCode", ended.exit_code},
                    {"signal", ended.signal},
                    {"reason", ended.reason},
                    {"message", ended.message},
                    {"started", count(ended.started)},
                    {"finished", count(ended.finished)}};
}

Ended decode_ended(const Json& json) {
  return {base::text_at(json, {"id"}),
          static_cast<int>(base::find_int(json, {"exitCode"}).value_or(0)),
          static_cast<int>(base::find_int(json, {"signal"}).value_or(0)),
          base::text_at(json, {"reason"}),
          base::text_at(json, {"message"}),
          time_at(json, "started"),
          time_at(json, "finished")};
}

Json encode(const ContainerRecord& record) {
  JsonObject out{{"state", states[static_cast<std::size_t>(record.state)]},
                 {"id", record.id},
                 {"attempts", record.attempts},
                 {"started", count(record.started)},
                 {"delayMs", record.delay_ms}};
  if (record.ended) out["ended"] = encode(*record.ended);
  if (record.last) out["last"] = encode(*record.last);
  if (record.told_to_stop) out["toldToStop"] = count(*record.told_to_stop);
  return out;
}

ContainerRecord decode_container(const Json& json) {
  ContainerRecord out;
  out.state = static_cast<ContainerRecord::State>(index_of(states, json, "state"));
  out.id = base::text_at(json, {"id"});
  out.attempts = base::find_int(json, {"attempts"}).value_or(0);
  out.started = time_at(json, "started");
  out.delay_ms = base::find_int(json, {"delayMs"}).value_or(-1);
  if (const Json* ended = base::find(json, {"ended"})) out.ended = decode_ended(*ended);
  if (const Json* last = base::find(json, {"last"})) out.last = decode_ended(*last);
  if (base::find(json, {"toldToStop"})) out.told_to_stop = time_at(json, "toldToStop");
  return out;
}

}  // namespace

Json encode(const PodRecord& record) {
  JsonObject containers;
  for (const auto& [name, container] : record.containers) containers[name] = encode(container);
  JsonObject out{
      {"readyToStart", record.ready_to_start}, {"over", record.over}, {"containers", containers}};
  if (record.started) out["started"] = count(*record.started);
  if (record.ending)
    out["ending"] = {{"why", whys[static_cast<std::size_t>(record.ending->why)]},
                     {"reason", record.ending->reason},
                     {"message", record.ending->message},
                     {"since", count(record.ending->since)}};
  return out;
}

PodRecord decode_record(const Json& json) {
  PodRecord out;
  if (base::find(json, {"started"})) out.started = time_at(json, "started");
  out.ready_to_start = base::find_bool(json, {"readyToStart"}).value_or(false);
  out.over = base::find_bool(json, {"over"}).value_or(false);
  if (const Json* ending = base::find(json, {"ending"}))
    out.ending = Ending{static_cast<Ending::Why>(index_of(whys, *ending, "why")),
                        base::text_at(*ending, {"reason"}), base::text_at(*ending, {"message"}),
                        time_at(*ending, "since")};
  const Json* containers = base::find(json, {"containers"});
  if (!containers || !containers->is_object())
    throw base::Error(base::Code::invalid, "containers: an object is required");
  for (const auto& [name, container] : containers->get_object())
    out.containers[name] = decode_container(container);
  return out;
}

void note_end(ContainerRecord& record, Ended ended) {
  const auto life = ended.finished - ended.started;
  if (record.delay_ms < 0 || life.count() >= healthy_ms)
    record.delay_ms = 0;
  else if (record.delay_ms == 0)
    record.delay_ms = first_delay_ms;
  else
    record.delay_ms = std::min(record.delay_ms * 2, most_delay_ms);
  record.state = ContainerRecord::State::ended;
  record.ended = std::move(ended);
  record.told_to_stop.reset();
}

}  // namespace node
