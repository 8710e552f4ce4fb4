// What of a request decides on the answer, whatever API it is asked in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "llm/family.h"

namespace modelsim {

struct Question {
  std::string task;  // first user message
  std::string last;  // content of the last message or tool result
  std::int64_t turn = 1;
};
// Error(invalid) that names the member. Not for embeddings.
Question read_question(llm::Endpoint, const base::Json& request);

// The texts of an embeddings request; tokens stand as their numbers.
std::vector<std::string> read_inputs(const base::Json& request);

}  // namespace modelsim
