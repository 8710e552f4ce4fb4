#include "journal/events.h"

namespace journal {

using schema::honoured;
using schema::required;
using schema::room;
using schema::Struct;

constexpr Struct RunBegun::table{
    "RunBegun",
    &room<RunBegun>,
    {
        {"ns", &RunBegun::ns, required | honoured, "Namespace of the run."},
        {"name", &RunBegun::name, required | honoured, "Name of the run."},
        {"policyHash", &RunBegun::policyHash, honoured, "Hex SHA-256 of the resolved policy."},
        {"attempt", &RunBegun::attempt, required | honoured, "The attempt that began it, from 1."},
        {"spec", &RunBegun::spec, honoured, "Blob of the run's spec."},
        {"forkOf", &RunBegun::forkOf, honoured,
         "Of a fork: UID of the run whose beginning it shares."},
        {"forkStep", &RunBegun::forkStep, honoured, "Of a fork: the last turn that it shares."},
    }};

constexpr Struct ExecutionBegun::table{
    "ExecutionBegun",
    &room<ExecutionBegun>,
    {
        {"agent", &ExecutionBegun::agent, honoured, "Program and version of the agent."},
        {"podUid", &ExecutionBegun::podUid, honoured, "Kubernetes UID of the pod that spoke."},
    }};

constexpr Struct ModelIntent::table{
    "ModelIntent",
    &room<ModelIntent>,
    {
        {"turn", &ModelIntent::turn, required | honoured, "Number of the turn, from 1."},
        {"parent", &ModelIntent::parent, required | honoured,
         "The turn that this one continues; 0: none."},
        {"appended", &ModelIntent::appended, required | honoured,
         "Blobs of the messages that follow the parent's answer, in order."},
        {"tools", &ModelIntent::tools, honoured,
         "Blob of the tool definitions; absent: as the parent's."},
        {"parameters", &ModelIntent::parameters, honoured,
         "Model, limits and whatever else shapes the answer."},
        {"requestHash", &ModelIntent::requestHash, honoured,
         "Hex SHA-256 of the bytes that were sent."},
        {"endpoint", &ModelIntent::endpoint, honoured, "Of a foreign agent's call: its path."},
        {"request", &ModelIntent::request, honoured,
         "Of a foreign agent's call: hex SHA-256 of its canonical body."},
        {"given", &ModelIntent::given, honoured,
         "Of a foreign agent's call: blob of its body without conversation and tools."},
        {"gateway", &ModelIntent::gateway, honoured,
         "The gateway that makes the call, where several share the journal."},
    }};

constexpr Struct Diverged::table{
    "Diverged",
    &room<Diverged>,
    {
        {"turn", &Diverged::turn, required | honoured, "Number of the new call."},
        {"recorded", &Diverged::recorded, required | honoured,
         "Number of the completed call that was expected."},
        {"pointer", &Diverged::pointer, honoured,
         "JSON pointer to their first difference; absent: another endpoint."},
    }};

constexpr Struct Recalled::table{
    "Recalled",
    &room<Recalled>,
    {
        {"from", &Recalled::from, required | honoured, "Id of the event: \"<run uid>/<seq>\"."},
        {"ofKind", &Recalled::ofKind, required | honoured, "Its kind."},
        {"ofVersion", &Recalled::ofVersion, required | honoured, "Version of its body's schema."},
        {"about", &Recalled::about, required | honoured, "Its subject: the turn or call."},
        {"body", &Recalled::body, required | honoured, "Its body."},
    }};

constexpr Struct ModelOutcome::table{
    "ModelOutcome",
    &room<ModelOutcome>,
    {
        {"turn", &ModelOutcome::turn, required | honoured, "Number of the turn."},
        {"message", &ModelOutcome::message, honoured, "Blob of the answer; absent with an error."},
        {"contentType", &ModelOutcome::contentType, honoured,
         "Of a foreign agent's call: the blob is the answer's bytes."},
        {"usage", &ModelOutcome::usage, honoured, "Tokens as the provider counts them."},
        {"finish", &ModelOutcome::finish, required | honoured, "Why the model stopped."},
        {"error", &ModelOutcome::error, honoured, "Why there is no answer."},
    }};

constexpr Struct ToolIntent::table{
    "ToolIntent",
    &room<ToolIntent>,
    {
        {"call", &ToolIntent::call, required | honoured, "\"<turn>.<index>\"."},
        {"tool", &ToolIntent::tool, required | honoured, "Name of the tool."},
        {"argumentsSha256", &ToolIntent::argumentsSha256, required | honoured,
         "Hex SHA-256 of the exact bytes of the arguments."},
        {"decision", &ToolIntent::decision, required | honoured, "allow: it is about to run."},
        {"reason", &ToolIntent::reason, honoured, "Why it was denied, for people."},
        {"bridge", &ToolIntent::bridge, honoured, "Which start of the bridge was given the grant."},
    }};

constexpr Struct ToolOutcome::table{
    "ToolOutcome",
    &room<ToolOutcome>,
    {
        {"call", &ToolOutcome::call, required | honoured, "\"<turn>.<index>\"."},
        {"result", &ToolOutcome::result, required | honoured, "Blob of the result."},
    }};

constexpr Struct RunOutcome::table{
    "RunOutcome",
    &room<RunOutcome>,
    {
        {"status", &RunOutcome::status, required | honoured, "success or error."},
        {"text", &RunOutcome::text, honoured, "Blob of the answer; absent when there is none."},
        {"error", &RunOutcome::error, honoured, "What went wrong, for people."},
    }};

}  // namespace journal
