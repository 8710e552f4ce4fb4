// A web page as text for a model.
#pragma once

#include <string>
#include <string_view>

namespace gateway {

// What a reader would see, roughly: no scripts, styles or comments; a line per block, a dash before
// list items, references decoded, white space collapsed. Any bytes are taken; the text is valid
// UTF-8 when they are.
std::string html_to_text(std::string_view html);

}  // namespace gateway
