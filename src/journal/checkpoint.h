// Signed checkpoints of a namespace's runs.
//
// A run is a chain of hashes (chain.h), so its head, the link of its last event, stands for all of
// it. A checkpoint is a Merkle root over the heads that have changed since the one before, which it
// names by its hash; it is signed (Ed25519). So each event of a namespace is under a signature soon
// after it was written, and nobody who has the database and not the key can change one unnoticed.
// Hashes stand for contents: what is erased leaves all this whole.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"

namespace journal {

// A leaf of a checkpoint.
struct Head {
  std::string run;         // Kubernetes UID
  std::int64_t seq = 0;    // of its last event
  std::string link;        // hex, of that event
  bool forgotten = false;  // the run was removed on purpose after this event
  bool operator==(const Head&) const = default;
};

struct Checkpoint {
  std::string ns;
  std::int64_t number = 1;  // from 1, without a gap
  base::Time at;
  std::string previous;   // hex: hash_of the one before, zeros of the first
  std::int64_t size = 0;  // heads
  std::string root;       // hex: merkle_root of their leaves in the order of their runs' UIDs
  std::string key;        // whose signature it is (io::public_key_id)
  std::string signature;  // hex, of signed_text
  bool operator==(const Checkpoint&) const = default;
};

// A key that checkpoints are signed with. Its predecessors are kept.
struct AuditKey {
  std::string id;   // io::public_key_id
  std::string pem;  // the public key
  bool operator==(const AuditKey&) const = default;
};

// RFC 8785 texts:
//   leaf:   [run, seq, link] or [run, seq, link, "forgotten"]
//   signed: ["sympozium checkpoint 1", ns, number, at in ms since 1970, previous, size, root, key]
std::string leaf_text(const Head&);
std::string signed_text(const Checkpoint&);
// Hex SHA-256 of the signed text, a line break and the signature.
std::string hash_of(const Checkpoint&);

std::vector<std::string> leaf_hashes(std::span<const Head>);  // in the order given

// The checkpoint that follows. Heads are sorted by run.
Checkpoint sign_checkpoint(const std::string& ns, const std::optional<Checkpoint>& before,
                           std::span<const Head> heads, base::Time now,
                           const base::Secret<std::string>& key_pem);

// What is wrong with a checkpoint beside its neighbours and its heads: how it is signed.
std::optional<std::string> find_fault(const Checkpoint&, std::span<const AuditKey>);

}  // namespace journal
