// Signs what the journal has: a checkpoint of each namespace whose runs went on
// (journal/checkpoint.h).
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "journal/checkpoints.h"

namespace gateway {

struct SignerSettings {
  base::Duration interval{10'000};  // between the checkpoints of a namespace that goes on
  std::size_t heads_max = 10'000;   // of one checkpoint
};

// Waits for something unsigned, signs it, waits for the interval; until cancelled. Of several
// gateways on one journal each signs with a key of its own, and all make one chain. Error(invalid)
// at once when the key is none of Ed25519.
io::Task<> sign_checkpoints(base::Clock&, base::Log&, journal::Checkpoints&,
                            base::Secret<std::string> key_pem, SignerSettings = {});

}  // namespace gateway
