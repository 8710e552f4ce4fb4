// One model call: credentials, limits, retries, the provider's stream.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "io/loop.h"
#include "kube/api.h"
#include "protocol/gateway.h"

namespace gateway {

// Where a run's model calls go: its spec.model and the namespace of its Secret.
struct ProviderTarget {
  std::string ns;        // of the run
  std::string provider;  // "openai", …: chooses the key's name in the Secret, and the base URL when
                         // that is empty
  std::string base_url;  // "" : the provider's own
  std::string secret;    // spec.model.authSecretRef; "" only for loopback
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
};

class Providers {
 public:
  Providers(io::Loop&, base::Clock&, base::Random&, base::Log&, kube::Api&, ProviderSettings);
  ~Providers();

  // `request`: the body of a chat completions request that asks for a stream (llm/request.h).
  // `on_text` gets each piece of text as it comes. Only here is anything retried: what is worth it,
  // `tries` times, with pauses. A stream that breaks off after it spoke is asked for once more in
  // silence, so that no text comes twice; the result may then say something else than what was
  // handed on. Its usage is that of all tries, as far as the provider told it. Throws
  // ProviderFailed with words that name cause and fix; Error(cancelled) when stopped.
  io::Task<protocol::TurnResult> call(ProviderTarget, std::string request,
                                      std::function<void(std::string_view)> on_text);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gateway
