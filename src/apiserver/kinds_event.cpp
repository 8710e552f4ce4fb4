// Events: stored as core/v1, also served as events.k8s.io/v1.
#include "apiserver/kinds.h"
#include "apiserver/render.h"
#include "base/text.h"

namespace apiserver {

using base::cat;
using base::find;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

namespace {

// core/v1 member → events.k8s.io/v1 member; all others are the same in both.
constexpr std::pair<std::string_view, std::string_view> renamed[] = {
    {"involvedObject", "regarding"},
    {"message", "note"},
    {"source", "deprecatedSource"},
    {"firstTimestamp", "deprecatedFirstTimestamp"},
    {"lastTimestamp", "deprecatedLastTimestamp"},
    {"count", "deprecatedCount"},
    {"reportingComponent", "reportingController"}};

Json rename(const Json& event, bool to_core) {
  JsonObject out;
  for (const auto& [key, value] : event.as_object()) {
    std::string_view name = key;
    for (auto [core, modern] : renamed) {
      if (name != (to_core ? modern : core)) continue;
      name = to_core ? core : modern;
      break;
    }
    out[name] = value;
  }
  out["apiVersion"] = to_core ? "v1" : "events.k8s.io/v1";
  return out;
}

base::Issues validate_event(const Json& event, const Json* before, Part) {
  base::Issues issues;
  if (before) return issues;
  auto ns = text_at(event, {"metadata", "namespace"});
  auto about = text_at(event, {"involvedObject", "namespace"});
  // Events about cluster-scoped objects live in "default".
  if (about.empty() ? ns != "default" : about != ns)
    issues.push_back({"involvedObject.namespace",
                      cat("Invalid value: \"", about, "\": does not match event.namespace")});
  auto series = find(event, {"eventTime"});
  bool modern = series && !series->is_null();
  if (modern)
    for (std::string_view member : {"reportingComponent", "reportingInstance", "action", "reason"})
      if (text_at(event, {member}).empty())
        issues.push_back(
            {std::string(member == "reportingComponent" ? "reportingController" : member),
             "Required value"});
  return issues;
}

std::string first_of(const Json& event, std::initializer_list<std::string_view> members) {
  for (auto member : members)
    if (auto text = text_at(event, {member}); !text.empty()) return text;
  return "";
}

std::string last_seen(const Json& event, base::Time now) {
  if (auto series = text_at(event, {"series", "lastObservedTime"}); !series.empty())
    return age_cell(series, now);
  auto last = first_of(event, {"lastTimestamp", "deprecatedLastTimestamp", "eventTime"});
  auto text = age_cell(last, now);
  return text;
}

JsonArray event_cells(const Json& event, base::Time now) {
  auto about = find(event, {"involvedObject"}) ? std::string_view("involvedObject")
                                               : std::string_view("regarding");
  auto component = text_at(event, {"source", "component"});
  if (component.empty()) component = first_of(event, {"reportingComponent", "reportingController"});
  auto host = text_at(event, {"source", "host"});
  auto source = host.empty() ? component : cat(component, ", ", host);
  auto first = first_of(event, {"firstTimestamp", "deprecatedFirstTimestamp", "eventTime"});
  auto count = base::find_int(event, {"count"})
                   .value_or(base::find_int(event, {"series", "count"}).value_or(1));
  return {
      Json(last_seen(event, now)),
      Json(text_at(event, {"type"})),
      Json(text_at(event, {"reason"})),
      Json(cat(base::lower(text_at(event, {about, "kind"})), "/", text_at(event, {about, "name"}))),
      Json(text_at(event, {about, "fieldPath"})),
      Json(source),
      Json(std::string(base::trim(first_of(event, {"message", "note"})))),
      Json(age_cell(first, now)),
      Json(count),
      Json(text_at(event, {"metadata", "name"}))};
}

Resource make_event(std::string group) {
  auto events = make_resource(std::move(group), "v1", "events", "Event", Scope::namespaced);
  events.short_names = {"ev"};
  events.storage = "events";
  events.validate = validate_event;
  events.columns =
      make_columns({"Last Seen", "Type", "Reason", "Object", "Subobject:wide", "Source:wide",
                    "Message", "First Seen:wide", "Count:wide", "Name:wide"});
  events.columns[0].format = "";
  events.columns[8].type = "integer";
  events.columns[9].format = "name";
  events.cells = event_cells;
  return events;
}

}  // namespace

std::vector<Resource> make_events() {
  auto core = make_event("");
  auto modern = make_event("events.k8s.io");
  for (std::string member :
       {"kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"}) {
    core.selectable.push_back({cat("involvedObject.", member)});
    modern.selectable.push_back({cat("regarding.", member), cat("involvedObject.", member)});
  }
  for (std::string member : {"reason", "type"})
    for (auto events : {&core, &modern}) events->selectable.push_back({member});
  core.selectable.push_back({"reportingComponent"});
  core.selectable.push_back({"source", "source.component|reportingComponent"});
  modern.selectable.push_back({"reportingController", "reportingComponent"});
  modern.to_served = [](const Json& event) { return rename(event, false); };
  modern.to_stored = [](const Json& event) { return rename(event, true); };
  std::vector<Resource> events{std::move(core)};
  events.push_back(std::move(modern));
  return events;
}

}  // namespace apiserver
