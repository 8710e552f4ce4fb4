#include "journal/merkle.h"

#include <bit>

#include "base/text.h"
#include "io/crypto.h"

namespace journal {

namespace {

std::string node_hash(std::string_view left, std::string_view right) {
  return io::sha256(base::cat("\x01", left, right));
}

// The size of the left one of two subtrees.
std::size_t split(std::size_t size) { return std::bit_floor(size - 1); }

}  // namespace

std::string leaf_hash(std::string_view bytes) {
  return io::sha256(base::cat(std::string_view("\0", 1), bytes));
}

std::string merkle_root(std::span<const std::string> leaves) {
  if (leaves.empty()) return io::sha256("");
  if (leaves.size() == 1) return leaves[0];
  const std::size_t left = split(leaves.size());
  return node_hash(merkle_root(leaves.first(left)), merkle_root(leaves.subspan(left)));
}

std::vector<std::string> inclusion_path(std::span<const std::string> leaves, std::size_t index) {
  if (leaves.size() <= 1) return {};
  const std::size_t left = split(leaves.size());
  const bool in_left = index < left;
  auto path = in_left ? inclusion_path(leaves.first(left), index)
                      : inclusion_path(leaves.subspan(left), index - left);
  path.push_back(merkle_root(in_left ? leaves.subspan(left) : leaves.first(left)));
  return path;
}

std::optional<std::string> root_of_path(std::string leaf, std::size_t index, std::size_t size,
                                        std::span<const std::string> path) {
  if (index >= size) return std::nullopt;
  if (size == 1) return path.empty() ? std::optional(std::move(leaf)) : std::nullopt;
  if (path.empty()) return std::nullopt;
  const std::size_t left = split(size);
  const bool in_left = index < left;
  const auto inner = root_of_path(std::move(leaf), in_left ? index : index - left,
                                  in_left ? left : size - left, path.first(path.size() - 1));
  if (!inner) return std::nullopt;
  return in_left ? node_hash(*inner, path.back()) : node_hash(path.back(), *inner);
}

}  // namespace journal
