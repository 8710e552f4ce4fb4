#include "cli/live.h"

#include "base/text.h"
#include "cli/render.h"

namespace cli {

using base::cat;

namespace {

constexpr std::size_t remembered_bytes = 4096;  // a step tells less of an answer

std::string indented(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

}  // namespace

std::string LiveText::add(const protocol::ModelDelta& delta) {
  Shown& shown = turns_[delta.turn];
  if (shown.told) return "";
  std::string out;
  if (shown.intent != delta.intent) {  // asked anew
    if (open_ == delta.turn) out = close();
    shown = {.intent = delta.intent, .text = {}};
  }
  const auto end = delta.offset + static_cast<std::int64_t>(delta.text.size());
  if (end > shown.reached) {
    std::string_view fresh = delta.text;
    const bool gap = delta.offset > shown.reached;
    if (!gap) fresh.remove_prefix(static_cast<std::size_t>(shown.reached - delta.offset));
    if (open_ != delta.turn) out += cat(close(), stamped_(cat("… turn ", delta.turn)), "\n  ");
    out += cat(gap ? "[…] " : "", indented(fresh));
    if (!gap && shown.text.size() < remembered_bytes) shown.text += fresh;
    open_ = delta.turn;
    shown.reached = end;
  }
  if (delta.ended && open_ == delta.turn) out += close();
  return out;
}

std::string LiveText::close() {
  if (open_ == 0) return "";
  open_ = 0;
  return "\n";
}

std::string LiveText::rest_of(const std::string& line) {
  if (!line.starts_with('{')) return line;
  base::Json step;
  try {
    step = base::parse_json(line);
  } catch (const base::Error&) {
    return line;
  }
  if (base::text_at(step, {"type"}) != "turn") return line;
  Shown& shown = turns_[base::find_int(step, {"turn"}).value_or(0)];
  shown.told = true;
  // A step clips a long text.
  const std::string text = base::text_at(step, {"text"});
  if (text.empty() || !shown.text.starts_with(text)) return line;
  step.as_object()["text"] = "";
  return base::to_text(step);
}

}  // namespace cli
