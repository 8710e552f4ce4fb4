#include "turn.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::check_turn(llm::Family::openai, data, size);
}
