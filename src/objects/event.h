// core/v1 Event: what happened to an object, for people. Not a fact to act on.
#pragma once

#include "objects/meta.h"
#include "schema/kind.h"

namespace objects {

struct ObjectReference {
  std::string apiVersion, kind, name, uid, resourceVersion, fieldPath;
  std::string ns;  // "namespace" on the wire
  bool operator==(const ObjectReference&) const = default;
  static const Struct table;
};
struct EventSource {
  std::string component, host;
  bool operator==(const EventSource&) const = default;
  static const Struct table;
};
struct Event {
  ObjectMeta metadata;
  ObjectReference involvedObject;
  std::string reason, message;
  std::string type;  // Normal, Warning
  EventSource source;
  std::optional<Time> firstTimestamp, lastTimestamp;
  std::int64_t count = 0;
  std::optional<MicroTime> eventTime;
  std::string action, reportingComponent, reportingInstance;
  std::optional<ObjectReference> related;
  std::optional<JsonObject> series;
  bool operator==(const Event&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

}  // namespace objects
