#include "controller/events.h"

#include <array>

#include "base/encoding.h"
#include "base/text.h"
#include "io/loop.h"
#include "objects/event.h"

namespace controller {

namespace {

constexpr base::Duration same_for{10 * 60'000};
constexpr std::size_t message_max = 1024;  // Kubernetes' own limit

}  // namespace

Events::Events(base::Clock& clock, base::Random& random, base::Log& log, kube::Api& api,
               std::string component)
    : clock_(clock), random_(random), log_(log), api_(api), component_(std::move(component)) {}

void Events::record(const schema::KindInfo& kind, const objects::ObjectMeta& about, EventType type,
                    std::string reason, std::string message) {
  message = std::string(base::clip(message, message_max));
  Record record{kind.api_version(),
                std::string(kind.kind),
                about.ns,
                about.name,
                about.uid,
                about.resourceVersion,
                type == EventType::normal ? "Normal" : "Warning",
                std::move(reason),
                std::move(message)};
  const std::string object = about.ns + "/" + about.name;
  if (!pending_.try_push(std::move(record))) log_.warn("event dropped", {{"object", object}});
}

io::Task<> Events::run() {
  for (;;) {
    std::optional<Record> record = co_await pending_.pop();
    if (!record) co_return;
    const std::string about = record->ns + "/" + record->name;
    try {
      co_await write(std::move(*record));
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
      log_.warn("event not written", {{"object", about}, {"error", error.what()}});
    }
  }
}

io::Task<> Events::write(Record record) {
  forget_old();
  const bool counted = co_await count(record);
  if (!counted) co_await begin(std::move(record));
}

// False when there is no Event for it, or no more.
io::Task<bool> Events::count(Record record) {
  const auto known = series_.find(record.identity());
  if (known == series_.end()) co_return false;
  Series& series = known->second;
  series.count += 1;
  series.last = clock_.steady();
  kube::Ref ref{&objects::Event::info, place_of(record), series.name, {}};
  base::Json patch{{"count", series.count}, {"lastTimestamp", base::format_time(clock_.now())}};
  try {
    co_await api_.patch(std::move(ref), std::move(patch), {});
  } catch (const base::Error& error) {
    if (error.code() != base::Code::not_found) throw;
    co_return false;
  }
  co_return true;
}

io::Task<> Events::begin(Record record) {
  std::array<std::uint8_t, 8> chance;
  random_.fill(chance);
  const std::string digits =
      base::hex({reinterpret_cast<const char*>(chance.data()), chance.size()});
  std::string name = base::cat(base::clip(record.name, 230), ".", digits);
  base::Json event = make(record, name);
  kube::Ref ref{&objects::Event::info, place_of(record), {}, {}};
  co_await api_.create(std::move(ref), std::move(event), {});
  series_[record.identity()] = {std::move(name), 1, clock_.steady()};
}

// Events about what has no namespace are in "default".
std::string Events::place_of(const Record& record) {
  return record.ns.empty() ? "default" : record.ns;
}

base::Json Events::make(const Record& record, const std::string& name) const {
  const std::string now = base::format_time(clock_.now());
  return {{"apiVersion", "v1"},
          {"kind", "Event"},
          {"metadata", {{"name", name}, {"namespace", place_of(record)}}},
          {"involvedObject",
           {{"apiVersion", record.api_version},
            {"kind", record.kind},
            {"namespace", record.ns},
            {"name", record.name},
            {"uid", record.uid},
            {"resourceVersion", record.resource_version}}},
          {"type", record.type},
          {"reason", record.reason},
          {"message", record.message},
          {"source", {{"component", component_}}},
          {"reportingComponent", component_},
          {"firstTimestamp", now},
          {"lastTimestamp", now},
          {"count", 1}};
}

void Events::forget_old() {
  const base::Instant oldest = clock_.steady() - same_for;
  std::erase_if(series_, [&](const auto& entry) { return entry.second.last < oldest; });
}

}  // namespace controller
