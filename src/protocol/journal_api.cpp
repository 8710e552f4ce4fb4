#include "protocol/journal_api.h"

#include "base/text.h"

namespace protocol {

using schema::honoured;
using schema::required;
using schema::room;
using schema::Struct;

constexpr Struct RunRecordStatus::table{
    "RunRecordStatus",
    &room<RunRecordStatus>,
    {
        {"began", &RunRecordStatus::began, required | honoured, "Time of its first event."},
        {"ended", &RunRecordStatus::ended, honoured, "Time of its outcome."},
        {"outcome", &RunRecordStatus::outcome, honoured, "success or error."},
        {"error", &RunRecordStatus::error, honoured, "What went wrong, for people."},
        {"attempt", &RunRecordStatus::attempt, required | honoured, "Pods that it had."},
        {"execution", &RunRecordStatus::execution, required | honoured,
         "Starts of the agent in the last one."},
        {"events", &RunRecordStatus::events, required | honoured, "Events that were recorded."},
        {"inputTokens", &RunRecordStatus::inputTokens, required | honoured, "Tokens read."},
        {"outputTokens", &RunRecordStatus::outputTokens, required | honoured, "Tokens written."},
        {"modelCalls", &RunRecordStatus::modelCalls, required | honoured,
         "Calls that left; one made again counts again."},
        {"toolCalls", &RunRecordStatus::toolCalls, required | honoured,
         "Calls that were allowed; one made again counts once."},
        {"imported", &RunRecordStatus::imported, honoured,
         "Written by another journal; read-only."},
        {"forkOf", &RunRecordStatus::forkOf, honoured,
         "Of a fork: UID of the run whose beginning it shares."},
        {"forkStep", &RunRecordStatus::forkStep, honoured,
         "Of a fork: the last turn that it shares; no sum counts them."},
        {"link", &RunRecordStatus::link, required | honoured, "Hex hash of the last event."},
    }};

constexpr Struct RunEvent::table{
    "RunEvent",
    &room<RunEvent>,
    {
        {"specversion", &RunEvent::specversion, required | honoured, "1.0"},
        {"id", &RunEvent::id, required | honoured, "<run uid>/<seq>"},
        {"source", &RunEvent::source, required | honoured, "Path of the RunRecord."},
        {"type", &RunEvent::type, required | honoured, "ai.sympozium. and the kind."},
        {"subject", &RunEvent::subject, honoured, "The turn or call; absent: the whole run."},
        {"time", &RunEvent::time, required | honoured, "RFC 3339, when it was committed."},
        {"datacontenttype", &RunEvent::datacontenttype, required | honoured, "Of `data`."},
        {"data", &RunEvent::data, honoured, "The event's body; absent when it was erased."},
        {"run", &RunEvent::run, required | honoured, "Name of the run."},
        {"attempt", &RunEvent::attempt, required | honoured, "Which pod, from 1."},
        {"execution", &RunEvent::execution, required | honoured,
         "Which start of the agent in it, from 1; 0: none yet."},
        {"position", &RunEvent::position, honoured, "In the namespace's history."},
    }};

constexpr Struct ModelDelta::table{
    "ModelDelta",
    &room<ModelDelta>,
    {
        {"turn", &ModelDelta::turn, required | honoured, "Number of the turn, from 1."},
        {"intent", &ModelDelta::intent, required | honoured, "Number of its model.intent."},
        {"offset", &ModelDelta::offset, required | honoured,
         "Bytes of the answer's text before this piece."},
        {"text", &ModelDelta::text, honoured, "The piece."},
        {"lost", &ModelDelta::lost, honoured, "Bytes right before it that were not sent."},
        {"ended", &ModelDelta::ended, honoured, "Nothing more comes of this answer."},
        {"outcome", &ModelDelta::outcome, honoured, "Id of the committed model.outcome."},
    }};

const std::vector<JournalResource>& journal_resources() {
  static const std::vector<JournalResource> all{
      {"runrecords",
       "runrecord",
       "RunRecord",
       {"create", "delete", "get", "list"},
       {{"events", "RunEvent"},
        {"export", "RunRecord"},
        {"blobs", "RunRecord"},
        {"contents", "RunRecord", "delete"}}},
      {"runevents", "runevent", "RunEvent", {"list", "watch"}, {}},
      {"rundeltas", "rundelta", "RunEvent", {"list", "watch"}, {}},
      {"checkpoints", "checkpoint", "Checkpoint", {"list"}, {}}};
  return all;
}

std::string journal_path(std::string_view ns, std::string_view resource, std::string_view below) {
  return base::cat("/apis/", journal_api_version, "/namespaces/", ns, "/", resource,
                   below.empty() ? "" : "/", below);
}

}  // namespace protocol
