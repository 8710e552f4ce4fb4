#include "gateway/signer.h"

#include "base/text.h"
#include "io/crypto.h"
#include "io/loop.h"

namespace gateway {

using base::Code;
using base::Error;

namespace {

class Signer {
 public:
  Signer(base::Clock& clock, base::Log& log, journal::Checkpoints& checkpoints,
         base::Secret<std::string> key_pem, SignerSettings settings)
      : clock_(clock),
        log_(log),
        checkpoints_(checkpoints),
        key_pem_(std::move(key_pem)),
        settings_(settings),
        public_key_(io::public_key_pem(key_pem_)),
        key_{io::public_key_id(public_key_), public_key_} {
    io::sign_ed25519("", key_pem_);
    log_.info("signing the journal's checkpoints", {{"key", key_.id}});
  }

  io::Task<> run() {
    for (;;) {
      const auto namespaces = co_await checkpoints_.unsigned_namespaces();
      for (const auto& ns : namespaces) co_await try_to_sign(ns);
      co_await io::sleep(clock_, settings_.interval);
    }
  }

 private:
  io::Task<> try_to_sign(std::string ns) {
    try {
      co_await sign(ns);
    } catch (const Error& error) {
      if (error.code() == Code::cancelled) throw;
      // Another gateway was quicker: what it left comes next time.
      if (error.code() == Code::exists) co_return;
      log_.warn("no checkpoint was signed; it is tried again",
                {{"namespace", ns}, {"error", error.what()}});
    }
  }

  io::Task<> sign(std::string ns) {
    for (bool more = true; more;) {
      auto next = co_await checkpoints_.unsigned_heads(ns, settings_.heads_max);
      if (next.heads.empty()) co_return;
      more = next.heads.size() == settings_.heads_max;
      auto checkpoint =
          journal::sign_checkpoint(ns, next.latest, next.heads, clock_.now(), key_pem_);
      log_.debug("checkpoint", {{"namespace", ns},
                                {"number", std::to_string(checkpoint.number)},
                                {"hash", journal::hash_of(checkpoint)}});
      co_await checkpoints_.add(std::move(checkpoint), std::move(next.heads), key_);
    }
  }

  base::Clock& clock_;
  base::Log& log_;
  journal::Checkpoints& checkpoints_;
  const base::Secret<std::string> key_pem_;
  const SignerSettings settings_;
  const std::string public_key_;
  const journal::AuditKey key_;
};

}  // namespace

io::Task<> sign_checkpoints(base::Clock& clock, base::Log& log, journal::Checkpoints& checkpoints,
                            base::Secret<std::string> key_pem, SignerSettings settings) {
  Signer signer(clock, log, checkpoints, std::move(key_pem), settings);
  co_await signer.run();
}

}  // namespace gateway
