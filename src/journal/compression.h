// zstd for blobs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace journal {

// Nothing when it is not worth it: below 512 bytes, or when it would not save an eighth.
std::optional<std::string> compress(std::string_view bytes);
// Error(internal) when it is not `size` bytes in the end.
std::string decompress(std::string_view compressed, std::size_t size);

}  // namespace journal
