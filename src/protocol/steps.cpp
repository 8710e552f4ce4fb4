#include "protocol/steps.h"

namespace protocol {

using namespace schema;

constexpr Rule may = honoured;
constexpr Rule must = required | honoured;

constexpr Struct Step::table{"Step",
                             &room<Step>,
                             {
                                 {"time", &Step::time, must, "when it ended, RFC 3339"},
                                 {"type", &Step::type, must, "what happened"},
                                 {"turn", &Step::turn, may, "number of the model turn, from 1"},
                                 {"call", &Step::call, may, "tool: <turn>.<index>"},
                                 {"tool", &Step::tool, may, "tool: its name"},
                                 {"text", &Step::text, may, "words about it"},
                                 {"failed", &Step::failed, may, "it did not go well"},
                                 {"ms", &Step::ms, may, "how long it took"},
                                 {"inputTokens", &Step::inputTokens, may, "turn: tokens read"},
                                 {"outputTokens", &Step::outputTokens, may, "turn: tokens written"},
                             }};

}  // namespace protocol
