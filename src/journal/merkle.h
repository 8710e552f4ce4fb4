// Merkle trees over SHA-256 as RFC 9162 §2.1 builds them (Certificate Transparency; the hashes are
// those of RFC 6962): a leaf is SHA-256(0x00 ‖ bytes), a node SHA-256(0x01 ‖ left ‖ right), a tree
// of n leaves is split at the largest power of two below n. Hashes are 32 raw bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace journal {

std::string leaf_hash(std::string_view bytes);
std::string merkle_root(std::span<const std::string> leaves);  // of leaf hashes

// What leads from a leaf to the root, beginning with the leaf's neighbour (§2.1.3.1).
std::vector<std::string> inclusion_path(std::span<const std::string> leaves, std::size_t index);
// The root to which a path leads (§2.1.3.2); nothing when it is none of a tree of this size.
std::optional<std::string> root_of_path(std::string leaf, std::size_t index, std::size_t size,
                                        std::span<const std::string> path);

}  // namespace journal
