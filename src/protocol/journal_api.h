// The journal as Kubernetes shows it: an aggregated API that the gateway serves and an API server
// authorises and passes on, so that RBAC, audit and namespaces hold for what was recorded, too.
//
// clang-format off
//   GET  /apis/journal.sympozium.ai/v1alpha1/namespaces/NS/…
//   GET  runrecords                    → RunRecordList   ?name= &limit= &continue=      the newest first
//   POST runrecords                    ← an export       → RunRecord                    a run of another journal, read-only
//   GET  runrecords/NAME               → RunRecord       by name (its latest run) or UID
//   DELETE runrecords/NAME             → Status          all there is of a run that has ended, or that was deleted before
//   DELETE runrecords/NAME/contents    → Status          what was said in it; that it happened stays, and verifies
//   GET  runrecords/NAME/events        → RunEvent lines  ?after=SEQ &watch=true &timeoutSeconds=
//   GET  runrecords/NAME/export        → an export (journal/export.h)
//   GET  runrecords/NAME/blobs/SHA256  → the bytes of a content that the run names
//   GET  runevents                     → RunEvent lines  ?after=POSITION|end or since=TIME &run= &agent= &limit= &watch=true &timeoutSeconds=
//   GET  rundeltas                     → RunEvent lines  ?run= &watch=true &timeoutSeconds=    answers of model calls under way
//   GET  checkpoints                   → lines           ?after=NUMBER  keys, checkpoints, heads (journal/audit_lines.h)
// clang-format on
//
// Lines are application/x-ndjson. `agent` knows the runs whose AgentRun still exists. A watch that
// ends is taken up behind the last `seq` or `position` seen. Errors are a Kubernetes Status.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "protocol/gateway.h"
#include "schema/schema.h"

namespace protocol {

inline constexpr std::string_view journal_group = "journal.sympozium.ai";
inline constexpr std::string_view journal_version = "v1alpha1";
inline constexpr std::string_view journal_api_version = "journal.sympozium.ai/v1alpha1";

// What the group serves, for discovery and for RBAC.
struct JournalSubresource {
  std::string_view name, kind;
  std::string_view verb = "get";
};
struct JournalResource {
  std::string_view plural, singular, kind;
  std::vector<std::string_view> verbs;
  std::vector<JournalSubresource> subresources;
};
const std::vector<JournalResource>& journal_resources();

// The path of a collection or of what lies below it: journal_path("demo", "runrecords",
// "a/events").
std::string journal_path(std::string_view ns, std::string_view resource,
                         std::string_view below = {});

// Who asks, as an API server says it to whom it passes a request on (front proxy headers).
inline constexpr std::string_view header_remote_user = "X-Remote-User";
inline constexpr std::string_view header_remote_group = "X-Remote-Group";

// `status` of a RunRecord.
struct RunRecordStatus {
  base::Time began;
  std::optional<base::Time> ended;
  std::optional<RunStatus> outcome;  // once it has ended
  std::string error;                 // of an outcome that is one
  std::int64_t attempt = 0, execution = 0;
  std::int64_t events = 0;
  std::int64_t inputTokens = 0, outputTokens = 0, modelCalls = 0, toolCalls = 0;
  bool imported = false;
  std::string forkOf;                    // UID of the run whose beginning it shares
  std::optional<std::int64_t> forkStep;  // … up to this turn
  std::string link;                      // hash of the last event
  static const schema::Struct table;
};

// An event as CloudEvents 1.0 words it (JSON format), with what the journal adds as extensions.
struct RunEvent {
  std::string specversion = "1.0";
  std::string id;       // "<run uid>/<seq>"
  std::string source;   // path of the RunRecord
  std::string type;     // "ai.sympozium.model.intent"
  std::string subject;  // the turn or call; "": the run
  std::string time;     // RFC 3339
  std::string datacontenttype = "application/json";
  base::Json data = nullptr;  // the body; null when it was erased
  std::string run;            // name
  std::int64_t attempt = 1, execution = 0;
  std::optional<std::int64_t> position;  // in the namespace's history
  static const schema::Struct table;
};
inline constexpr std::string_view event_type_prefix = "ai.sympozium.";

// `data` of an event of rundeltas: a piece of an answer while it comes, best effort and never
// journaled; what counts is what the journal has in the end. A watch begins with what calls under
// way have said so far. The event's type is ai.sympozium.model.delta, its id
// "<run uid>/<intent>+<offset>", and "<run uid>/<intent>+end" of the last one of a call.
struct ModelDelta {
  std::int64_t turn = 0;
  std::int64_t intent = 0;  // number of the model.intent: told apart from an earlier try
  std::int64_t offset = 0;  // bytes of the answer's text before this piece
  std::string text;
  std::int64_t lost = 0;  // bytes right before `offset` that were not sent: the reader was slow
  bool ended = false;     // nothing more comes
  std::string outcome;    // with `ended`: id of the committed model.outcome; "": none was
  static const schema::Struct table;
};
inline constexpr std::string_view delta_type = "ai.sympozium.model.delta";

}  // namespace protocol
