#include "objects/event.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

constexpr Struct ObjectReference::table{"ObjectReference", &room<ObjectReference>, {
    {"apiVersion", &ObjectReference::apiVersion, honoured, "API version."},
    {"kind", &ObjectReference::kind, honoured, "Kind."},
    {"namespace", &ObjectReference::ns, honoured, "Namespace."},
    {"name", &ObjectReference::name, honoured, "Name."},
    {"uid", &ObjectReference::uid, honoured, "UID."},
    {"resourceVersion", &ObjectReference::resourceVersion, honoured, "Version."},
    {"fieldPath", &ObjectReference::fieldPath, honoured, "Part of it."},
}};

constexpr Struct EventSource::table{"EventSource", &room<EventSource>, {
    {"component", &EventSource::component, honoured, "Program."},
    {"host", &EventSource::host, honoured, "Node."},
}};

constexpr Struct Event::table{"Event", &room<Event>, {
    {"metadata", &Event::metadata, honoured, "Name, namespace."},
    {"involvedObject", &Event::involvedObject, honoured, "To what it happened."},
    {"reason", &Event::reason, honoured, "What, in one CamelCase word."},
    {"message", &Event::message, honoured, "What, for people."},
    {"type", &Event::type, honoured, "Normal or Warning."},
    {"source", &Event::source, honoured, "Who says so."},
    {"firstTimestamp", &Event::firstTimestamp, honoured, "When it happened first."},
    {"lastTimestamp", &Event::lastTimestamp, honoured, "When it happened last."},
    {"count", &Event::count, honoured, "How often."},
    {"eventTime", &Event::eventTime, honoured, "When it happened, in microseconds."},
    {"action", &Event::action, honoured, "What was done."},
    {"reportingComponent", &Event::reportingComponent, honoured, "Who says so: the controller's name."},
    {"reportingInstance", &Event::reportingInstance, honoured, "Who says so: which of them."},
    {"related", &Event::related, honoured, "Another object in it."},
    {"series", &Event::series, honoured, "Repetitions."},
}, &Event::info};

constexpr KindInfo Event::info{
    .group = "", .version = "v1",
    .kind = "Event", .plural = "events", .singular = "event",
    .short_names = {"ev"},
    .table = &Event::table,
    .doc = "What happened to an object, for people.",
};

}  // namespace objects
