#include "protocol/gateway.h"

namespace protocol {

using namespace schema;

constexpr Rule may = honoured;
constexpr Rule must = required | honoured;

constexpr Struct RequestedCall::table{
    "RequestedCall",
    &room<RequestedCall>,
    {
        {"id", &RequestedCall::id, must, "the provider's id"},
        {"name", &RequestedCall::name, must, "tool"},
        {"arguments", &RequestedCall::arguments, must, "exact bytes of the model"},
    }};

constexpr Struct Message::table{
    "Message",
    &room<Message>,
    {
        {"role", &Message::role, must, "who speaks"},
        {"content", &Message::content, must, "text"},
        {"toolCalls", &Message::toolCalls, may, "assistant: the calls asked for"},
        {"toolCallId", &Message::toolCallId, may, "tool: which call it answers"},
    }};

constexpr Struct ToolDefinition::table{
    "ToolDefinition",
    &room<ToolDefinition>,
    {
        {"name", &ToolDefinition::name, must, "tool"},
        {"description", &ToolDefinition::description, must, "for the model"},
        {"parameters", &ToolDefinition::parameters, must, "JSON Schema of the arguments"},
    }};

constexpr Struct Usage::table{
    "Usage",
    &room<Usage>,
    {
        {"inputTokens", &Usage::inputTokens, must, "tokens read, as the provider counts"},
        {"outputTokens", &Usage::outputTokens, must, "tokens written, as the provider counts"},
    }};

constexpr Struct Hello::table{"Hello",
                              &room<Hello>,
                              {
                                  {"agent", &Hello::agent, may, "program, for the log"},
                              }};

constexpr Struct OfferedTool::table{
    "OfferedTool",
    &room<OfferedTool>,
    {
        {"name", &OfferedTool::name, must, "tool"},
        {"place", &OfferedTool::place, must, "where it runs"},
        {"targets", &OfferedTool::targets, may, "sidecar: packs that take it, the default first"},
        {"description", &OfferedTool::description, may, "of a pack's own tool"},
        {"parameters", &OfferedTool::parameters, may, "of a pack's own tool: JSON Schema"},
    }};

constexpr Struct PastTurn::table{
    "PastTurn",
    &room<PastTurn>,
    {
        {"turn", &PastTurn::turn, must, "number"},
        {"parent", &PastTurn::parent, must, "the turn it continued; 0: none"},
        {"append", &PastTurn::append, must, "what was said after the parent's answer"},
        {"answer", &PastTurn::answer, must, "what came back"},
    }};

constexpr Struct LostWorkspace::table{
    "LostWorkspace",
    &room<LostWorkspace>,
    {
        {"redo", &LostWorkspace::redo, may, "calls of file tools to run again, in this order"},
        {"lost", &LostWorkspace::lost, may, "calls whose changes are gone"},
    }};

constexpr Struct Welcome::table{
    "Welcome",
    &room<Welcome>,
    {
        {"namespace", &Welcome::ns, must, "of the run"},
        {"name", &Welcome::name, must, "of the run"},
        {"uid", &Welcome::uid, must, "of the run"},
        {"attempt", &Welcome::attempt, must, "pod of the run, from 1"},
        {"execution", &Welcome::execution, must, "start of the agent within it, from 1"},
        {"model", &Welcome::model, must, "model id"},
        {"system", &Welcome::system, may, "system prompt"},
        {"task", &Welcome::task, must, "what to do"},
        {"tools", &Welcome::tools, may, "what the run's lists leave"},
        {"iterations", &Welcome::iterations, must, "model turns at most"},
        {"contextBytes", &Welcome::contextBytes, must,
         "size at which the conversation is compacted"},
        {"resultBytes", &Welcome::resultBytes, must, "of one tool result shown to the model"},
        {"past", &Welcome::past, may, "turns completed by earlier executions"},
        {"workspace", &Welcome::workspace, may, "what went with earlier pods"},
        {"completed", &Welcome::completed, may, "model calls that have their answer"},
        {"say", &Welcome::say, may, "of a fork: what the user says behind the past"},
        {"newSystem", &Welcome::newSystem, may, "of a fork: the system prompt from now on"},
        {"outcome", &Welcome::outcome, may, "committed by an earlier execution"},
    }};

constexpr Struct Turn::table{
    "Turn",
    &room<Turn>,
    {
        {"turn", &Turn::turn, must, "number, from 1"},
        {"parent", &Turn::parent, must, "the turn it continues; 0: none"},
        {"append", &Turn::append, must, "what follows the parent's answer"},
        {"tools", &Turn::tools, may, "empty: as the parent's"},
    }};

constexpr Struct TurnResult::table{"TurnResult",
                                   &room<TurnResult>,
                                   {
                                       {"message", &TurnResult::message, must, "the answer"},
                                       {"usage", &TurnResult::usage, must, "what it cost"},
                                       {"finish", &TurnResult::finish, must, "why it ended"},
                                   }};

constexpr Struct Failure::table{"Failure",
                                &room<Failure>,
                                {
                                    {"code", &Failure::code, must, "for programs"},
                                    {"message", &Failure::message, must, "for people"},
                                }};

constexpr Struct TurnEvent::table{
    "TurnEvent",
    &room<TurnEvent>,
    {
        {"text", &TurnEvent::text, may, "a piece of the answer"},
        {"result", &TurnEvent::result, may, "the whole answer; last line"},
        {"error", &TurnEvent::error, may, "why there is none; last line"},
    }};

constexpr Struct ToolCall::table{"ToolCall",
                                 &room<ToolCall>,
                                 {
                                     {"call", &ToolCall::call, must, "<turn>.<index>"},
                                     {"tool", &ToolCall::tool, must, "tool"},
                                     {"arguments", &ToolCall::arguments, must, "exact bytes"},
                                 }};

constexpr Struct ToolResult::table{
    "ToolResult",
    &room<ToolResult>,
    {
        {"text", &ToolResult::text, must, "what the model reads"},
        {"failed", &ToolResult::failed, may, "it did not go well"},
        {"exitCode", &ToolResult::exitCode, may, "of a command"},
        {"totalBytes", &ToolResult::totalBytes, may, "when the text was cut"},
    }};

constexpr Struct Grant::table{"Grant",
                              &room<Grant>,
                              {
                                  {"call", &Grant::call, must, "<turn>.<index>"},
                                  {"argumentsSha256", &Grant::argumentsSha256, must, "hex"},
                                  {"expiresAt", &Grant::expiresAt, must, "RFC 3339"},
                              }};

constexpr Struct SidecarCommand::table{
    "SidecarCommand",
    &room<SidecarCommand>,
    {
        {"target", &SidecarCommand::target, must, "pack whose sidecar runs it"},
        {"argv", &SidecarCommand::argv, must, "program and arguments"},
        {"input", &SidecarCommand::input, may, "standard input"},
        {"idempotent", &SidecarCommand::idempotent, may,
         "may be run again when nobody saw its end"},
    }};

constexpr Struct Decision::table{"Decision",
                                 &room<Decision>,
                                 {
                                     {"verdict", &Decision::verdict, must, "what may be done"},
                                     {"reason", &Decision::reason, may, "for the model"},
                                     {"grant", &Decision::grant, may, "with allow"},
                                     {"result", &Decision::result, may, "with done"},
                                     {"command", &Decision::command, may, "with allow"},
                                 }};

constexpr Struct ToolOutcome::table{"ToolOutcome",
                                    &room<ToolOutcome>,
                                    {
                                        {"call", &ToolOutcome::call, must, "<turn>.<index>"},
                                        {"result", &ToolOutcome::result, must, "what it gave"},
                                    }};

constexpr Struct Outcome::table{
    "Outcome",
    &room<Outcome>,
    {
        {"status", &Outcome::status, must, "how the run ended"},
        {"text", &Outcome::text, may, "the answer"},
        {"error", &Outcome::error, may, "for people, with status error"},
    }};

}  // namespace protocol
