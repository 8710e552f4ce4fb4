// Parts of a JSON text, found without parsing it: for answers of which one part cannot be parsed.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace kube {

// The value of a member of this object; nothing when it has none of that name (written without
// escapes).
std::optional<std::string_view> member_text(std::string_view object, std::string_view name);

// The elements of this array; none when it is no array.
std::vector<std::string_view> element_texts(std::string_view array);

}  // namespace kube
