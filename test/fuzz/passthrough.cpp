#include "llm/passthrough.h"

#include "turn.h"

namespace {

struct Passed {
  std::string bytes, state;
};

// The second byte of an input chooses the endpoint.
Passed pass(llm::Endpoint endpoint, const fuzz::Input& input, std::size_t piece) {
  llm::Passthrough passthrough(endpoint, input.content_type);
  Passed out;
  bool ended = false;
  auto take = [&](std::vector<llm::Piece> pieces) {
    for (const auto& one : pieces) {
      const bool end = one.place == llm::Piece::Place::end;
      if (ended && !end) fuzz::fail("a middle follows the end", out.bytes, one.bytes);
      ended = end;
      out.bytes += one.bytes;
      out.state += end ? 'e' : 'm';
    }
  };
  try {
    for (std::size_t at = 0; at < input.bytes.size(); at += piece)
      take(passthrough.add(input.bytes.substr(at, piece)));
    take(passthrough.finish());
    if (out.bytes != input.bytes) fuzz::fail("bytes changed", out.bytes, input.bytes);
    out.state += base::cat(passthrough.whole() ? " whole " : " broken ",
                           passthrough.usage().inputTokens, "/", passthrough.usage().outputTokens,
                           " ", passthrough.error() ? "error" : "", passthrough.text());
  } catch (const base::Error& error) {
    out.state = base::cat(base::name(error.code()), ": ", error.what());
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input = fuzz::read_input(data, size);
  if (input.bytes.empty()) return 0;
  const auto endpoint = static_cast<llm::Endpoint>(static_cast<unsigned char>(input.bytes[0]) % 4);
  input.bytes.remove_prefix(1);
  const Passed cut = pass(endpoint, input, input.piece);
  const Passed whole = pass(endpoint, input, input.bytes.size() + 1);
  if (cut.state != whole.state) fuzz::fail("the pieces change the result", cut.state, whole.state);
  return 0;
}
