// What the fuzzers of the turn readers share: however an answer is cut, it is read in one way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "llm/answer.h"
#include "llm/family.h"
#include "protocol/codec.h"

namespace fuzz {

// The first byte says how large the pieces are, and whether the answer is a stream (letters) or one
// document (digits).
struct Input {
  std::size_t piece;
  std::string_view content_type, bytes;
};
inline Input read_input(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) return {1, "text/event-stream", bytes};
  const auto first = static_cast<unsigned char>(bytes[0]);
  return {1U + first % 64, first & 0x40 ? "text/event-stream" : "application/json",
          bytes.substr(1)};
}

[[noreturn]] inline void fail(std::string_view what, std::string_view one, std::string_view other) {
  const std::string text = base::cat(what, "\n", one, "\n", other, "\n");
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::abort();
}

// The result as text, or the error.
inline std::string read_turn(llm::Family family, const Input& input, std::size_t piece) {
  auto reader = llm::make_reader(family, input.content_type);
  try {
    for (std::size_t at = 0; at < input.bytes.size(); at += piece)
      reader->add(input.bytes.substr(at, piece));
    return protocol::to_text(reader->finish());
  } catch (const base::Error& error) {
    return base::cat(base::name(error.code()), ": ", error.what());
  }
}

inline int check_turn(llm::Family family, const std::uint8_t* data, std::size_t size) {
  const Input input = read_input(data, size);
  const std::string cut = read_turn(family, input, input.piece);
  const std::string whole = read_turn(family, input, input.bytes.size() + 1);
  if (cut != whole) fail("the pieces change the result", cut, whole);
  return 0;
}

}  // namespace fuzz
