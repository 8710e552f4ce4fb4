// Requests and answers that go through us as their bytes: an agent's own client speaks to the
// provider, we look on. OpenAI chat completions, responses and embeddings, Anthropic messages.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "llm/answer.h"
#include "llm/family.h"
#include "llm/request.h"
#include "protocol/gateway.h"

namespace llm {

// Whether the client is to see the chunk that only tells the usage of a streamed chat completion.
enum class UsageChunk : bool { forwarded, hidden };

struct Prepared {
  base::Json body;  // for the provider
  Delivery delivery = Delivery::whole;
  UsageChunk usage_chunk = UsageChunk::forwarded;  // hidden: we asked for it, the client did not
};
// Puts the run's model in, asks for the usage of streamed chat completions, and sends `store:
// false` with responses; every other member stays as the client wrote it. Error(invalid) that names
// the member and the fix: no JSON object, or what needs state at the provider (of responses:
// previous_response_id, conversation, background, item_reference; of messages: thread).
Prepared prepare_request(Endpoint, const base::Json& body, const std::string& model);

// The exact bytes of one event of a stream, its empty line included, or a whole answer.
struct Piece {
  // The end is what a client acts on: it is forwarded only after the answer is committed. It begins
  // with the event that tells the answer's or a tool call's completion, and nothing after it is
  // `middle` again.
  enum class Place : bool { middle, end };
  std::string bytes;
  Place place = Place::middle;
  bool operator==(const Piece&) const = default;
};

// Looks on while an answer passes. Pieces come out unchanged and in order, however the answer was
// cut; only a hidden usage chunk is missing.
class Passthrough {
 public:
  // `content_type` of the answer: text/event-stream is read as a stream, anything else as one JSON
  // document, which is a single piece when it is over.
  Passthrough(Endpoint, std::string_view content_type,
              UsageChunk usage_chunk = UsageChunk::forwarded);
  ~Passthrough();
  Passthrough(Passthrough&&) noexcept;

  // Error(invalid) when an event or a whole answer is beyond measure.
  std::vector<Piece> add(std::string_view bytes);
  // The answer is over: what was left, always of the end.
  std::vector<Piece> finish();

  // Nothing may follow in this answer: `[DONE]`, response.completed, message_stop and the like.
  bool is_done() const;
  // Nothing is missing and no error was reported. Of a whole answer: after finish().
  bool whole() const;
  const std::optional<ProviderError>& error() const;  // reported inside the answer
  const protocol::Usage& usage() const;               // as far as it is known
  const std::string& text() const;  // what was said, best effort: the first MiB of it

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A failure in the words of the endpoint's API: the body of an answer, and an event that ends a
// stream.
std::string make_error(Endpoint, const protocol::Failure&);
std::string error_event(Endpoint, const protocol::Failure&);

}  // namespace llm
