#include "cli/three_way.h"

namespace cli {

using base::Json;
using base::JsonObject;

namespace {

// Whether `live` says all that `wanted` says, and perhaps more within objects.
bool covers(const Json& live, const Json& wanted) {
  if (wanted.is_object()) {
    if (!live.is_object()) return false;
    for (const auto& [key, value] : wanted.get_object()) {
      const Json* there = live.get_object().if_contains(key);
      if (!there || !covers(*there, value)) return false;
    }
    return true;
  }
  if (wanted.is_array()) {
    if (!live.is_array() || live.get_array().size() != wanted.get_array().size()) return false;
    for (std::size_t i = 0; i < wanted.get_array().size(); ++i)
      if (!covers(live.get_array()[i], wanted.get_array()[i])) return false;
    return true;
  }
  return live == wanted;
}

bool same_value(const Json& live, const Json& wanted, const Json* last) {
  if (live == wanted) return true;
  // Longer only by defaults, unless this apply takes something out of it.
  return last && *last == wanted && covers(live, wanted);
}

JsonObject diff(const JsonObject& live, const JsonObject& wanted, const JsonObject& last) {
  static const JsonObject nothing;
  JsonObject patch;
  for (const auto& [key, value] : wanted) {
    const Json* there = live.if_contains(key);
    const Json* before = last.if_contains(key);
    if (value.is_null()) {  // null in a file means: not set
      if (there && !there->is_null()) patch[key] = nullptr;
    } else if (value.is_object() && there && there->is_object()) {
      auto below = diff(there->get_object(), value.get_object(),
                        before && before->is_object() ? before->get_object() : nothing);
      if (!below.empty()) patch[key] = std::move(below);
    } else if (!there || !same_value(*there, value, before)) {
      patch[key] = value;
    }
  }
  for (const auto& [key, value] : last)
    if (!wanted.contains(key) && live.contains(key)) patch[key] = nullptr;
  return patch;
}

const JsonObject& object_or_nothing(const Json& tree) {
  static const JsonObject nothing;
  return tree.is_object() ? tree.get_object() : nothing;
}

Json last_applied(const Json& live) {
  const std::string text =
      base::text_at(live, {"metadata", "annotations", annotation_last_applied});
  try {
    return text.empty() ? Json(JsonObject{}) : base::parse_json(text);
  } catch (const base::Error&) {
    return JsonObject{};  // somebody wrote something else there: nothing is known
  }
}

}  // namespace

Json with_last_applied(Json object) {
  Json remembered = object;
  if (base::find(remembered, {"metadata", "annotations"}))
    if (auto* annotations = base::ensure(remembered, {"metadata", "annotations"}).if_object())
      annotations->erase(annotation_last_applied);
  if (base::text_at(object, {"kind"}) == "Secret")
    for (std::string_view part : {"data", "stringData"})
      if (base::find(remembered, {part}))
        for (auto& member : object_or_nothing(*base::find(remembered, {part})))
          base::ensure(remembered, {part, member.key()}) = "";
  remembered.get_object().erase("status");
  base::ensure(object, {"metadata", "annotations", annotation_last_applied}) =
      base::canonical(remembered);
  return object;
}

Json plan_apply(const Json& live, const Json& desired) {
  JsonObject wanted = object_or_nothing(desired);
  wanted.erase("status");  // not ours to say
  return diff(object_or_nothing(live), wanted, object_or_nothing(last_applied(live)));
}

}  // namespace cli
