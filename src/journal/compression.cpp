#include "journal/compression.h"

#include <zstd.h>

#include "base/error.h"

namespace journal {

namespace {
constexpr std::size_t bytes_min = 512;
constexpr int level = 3;
}  // namespace

std::optional<std::string> compress(std::string_view bytes) {
  if (bytes.size() < bytes_min) return std::nullopt;
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level);
  if (ZSTD_isError(size) || size > bytes.size() - bytes.size() / 8) return std::nullopt;
  out.resize(size);
  return out;
}

std::string decompress(std::string_view compressed, std::size_t size) {
  std::string out(size, '\0');
  if (ZSTD_decompress(out.data(), size, compressed.data(), compressed.size()) != size)
    throw base::Error(base::Code::internal, "a compressed blob is damaged");
  return out;
}

}  // namespace journal
