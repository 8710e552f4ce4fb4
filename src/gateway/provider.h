// One model call: credentials, limits, retries, the provider's stream.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "io/conn.h"
#include "io/loop.h"
#include "kube/api.h"
#include "llm/passthrough.h"
#include "protocol/gateway.h"

namespace gateway {

// Where a run's model calls go: its spec.model and the namespace of its Secret.
struct ProviderTarget {
  std::string ns;        // of the run
  std::string provider;  // "openai", …: chooses the key's name in the Secret, and the base URL when
                         // that is empty
  std::string base_url;  // "" : the provider's own
  std::string secret;    // spec.model.authSecretRef; "" only for loopback
  std::string model = {};  // of azure-openai: the deployment that the path names
};

// The call came to an end that repeating cannot change.
struct ProviderFailed {
  protocol::Failure failure;
  protocol::Usage usage;  // as far as it is known
};

struct ProviderSettings {
  int tries = 5;                         // of one call, the first included
  std::size_t calls_at_once = 64;        // per key
  base::Duration first_byte{300'000};    // until the answer's header
  base::Duration silence{120'000};       // between two pieces of it
  base::Duration longest_pause{60'000};  // that Retry-After may ask for
  std::string ca_pem;                    // "" : the system's roots
  // How a provider's host is reached.
  std::function<std::unique_ptr<io::Dialer>(std::string host, std::uint16_t port)> dialer =
      io::host_dialer;
};

// A request that an agent's own client made (llm::prepare_request).
struct PassedRequest {
  llm::Endpoint endpoint{};
  std::string body;
  llm::UsageChunk usage_chunk = llm::UsageChunk::forwarded;
  // What of the client's request shapes the answer beside its body.
  std::string query;                                         // "beta=true", "" without
  std::vector<std::pair<std::string, std::string>> headers;  // anthropic-version, anthropic-beta
};
struct PassedAnswer {
  std::string content_type;
  std::string bytes;  // whole, as the client is to see them
  protocol::Usage usage;
};
// An answer as it comes: its type once, then what may be seen before it is committed. The end,
// which a client acts on, is in the PassedAnswer only.
struct PassedSink {
  std::function<void(std::string_view content_type)> begin;
  std::function<void(std::string_view bytes)> add;
  std::function<void(std::string_view text)> say;  // what of it is text for people, as it comes
};

class Providers {
 public:
  Providers(io::Loop&, base::Clock&, base::Random&, base::Log&, kube::Api&, ProviderSettings);
  ~Providers();

  // `request`: the body of a turn of the provider's family that asks for a stream (llm/family.h).
  // `on_text` gets each piece of text as it comes. Only here is anything retried: what is worth it,
  // `tries` times, with pauses. A stream that breaks off after it spoke is asked for once more in
  // silence, so that no text comes twice; the result may then say something else than what was
  // handed on. Its usage is that of all tries, as far as the provider told it. Throws
  // ProviderFailed with words that name cause and fix; Error(cancelled) when stopped.
  io::Task<protocol::TurnResult> call(ProviderTarget, std::string request,
                                      std::function<void(std::string_view)> on_text);

  // The same for a request that passes as its bytes. ProviderFailed also when the provider is of a
  // family that does not speak its endpoint.
  io::Task<PassedAnswer> pass(ProviderTarget, PassedRequest, PassedSink);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gateway
