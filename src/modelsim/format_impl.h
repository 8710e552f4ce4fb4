// What the formats share among themselves.
#pragma once

#include "modelsim/format.h"

namespace modelsim {

// "two words" → "two ", "words"
std::vector<std::string> words_of(const std::string& text);
// "call_sim_2_0": the first call of turn 2.
std::string call_id(std::string_view prefix, const Head&, std::size_t index);
// An event whose data tells its type once more.
std::string named_event(std::string_view type, base::JsonObject data);

base::Json encode_response(const Head&, const Reply&);
std::vector<std::string> stream_response(const Head&, const Reply&);
base::Json encode_message(const Head&, const Reply&);
std::vector<std::string> stream_message(const Head&, const Reply&);

}  // namespace modelsim
