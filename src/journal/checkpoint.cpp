#include "journal/checkpoint.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "io/crypto.h"
#include "journal/chain.h"
#include "journal/merkle.h"

namespace journal {

using base::cat;

std::string leaf_text(const Head& head) {
  base::JsonArray fields{head.run, head.seq, head.link};
  if (head.forgotten) fields.emplace_back("forgotten");
  return base::canonical(fields);
}

std::string signed_text(const Checkpoint& checkpoint) {
  const base::Json fields = base::JsonArray{
      "sympozium checkpoint 1", checkpoint.ns,
      checkpoint.number,        std::int64_t{checkpoint.at.time_since_epoch().count()},
      checkpoint.previous,      checkpoint.size,
      checkpoint.root,          checkpoint.key};
  return base::canonical(fields);
}

std::string hash_of(const Checkpoint& checkpoint) {
  return io::sha256_hex(cat(signed_text(checkpoint), "\n", checkpoint.signature));
}

std::vector<std::string> leaf_hashes(std::span<const Head> heads) {
  std::vector<std::string> leaves;
  leaves.reserve(heads.size());
  for (const Head& head : heads) leaves.push_back(leaf_hash(leaf_text(head)));
  return leaves;
}

Checkpoint sign_checkpoint(const std::string& ns, const std::optional<Checkpoint>& before,
                           std::span<const Head> heads, base::Time now,
                           const base::Secret<std::string>& key_pem) {
  Checkpoint checkpoint{.ns = ns,
                        .number = before ? before->number + 1 : 1,
                        .at = now,
                        .previous = before ? hash_of(*before) : first_link(),
                        .size = static_cast<std::int64_t>(heads.size()),
                        .root = base::hex(merkle_root(leaf_hashes(heads))),
                        .key = io::public_key_id(io::public_key_pem(key_pem)),
                        .signature = {}};
  checkpoint.signature = base::hex(io::sign_ed25519(signed_text(checkpoint), key_pem));
  return checkpoint;
}

std::optional<std::string> find_fault(const Checkpoint& checkpoint,
                                      std::span<const AuditKey> keys) {
  const auto key = std::ranges::find(keys, checkpoint.key, &AuditKey::id);
  if (key == keys.end()) return cat("it is signed by key ", checkpoint.key, ", which is not known");
  const auto signature = base::parse_hex(checkpoint.signature);
  bool verified = false;
  try {
    verified = signature && base::hex(*signature) == checkpoint.signature &&
               io::verify_ed25519(signed_text(checkpoint), *signature, key->pem);
  } catch (const base::Error&) {
    // The key is none.
  }
  if (!verified) return cat("it is not what key ", checkpoint.key, " has signed");
  return std::nullopt;
}

}  // namespace journal
