#include "apiserver/patch.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "apiserver/status.h"
#include "base/text.h"

namespace apiserver {

using base::Json;
using base::JsonArray;
using base::JsonObject;

// ---- RFC 6902 ----

namespace {

std::vector<std::string> parse_pointer(const std::string& pointer) {
  if (pointer.empty()) return {};
  if (pointer[0] != '/')
    throw bad_request(base::cat("json patch: path \"", pointer, "\" must begin with '/'"));
  std::vector<std::string> steps;
  for (auto& step : base::split(std::string_view(pointer).substr(1), '/')) {
    std::string plain;
    for (std::size_t i = 0; i < step.size(); ++i) {
      if (step[i] == '~' && i + 1 < step.size()) {
        plain += step[++i] == '1' ? '/' : '~';
      } else {
        plain += step[i];
      }
    }
    steps.push_back(std::move(plain));
  }
  if (steps.empty()) steps.emplace_back();  // "/" names the member ""
  return steps;
}

[[noreturn]] void cannot_apply(std::string_view op, std::string_view path, std::string_view why) {
  throw StatusError(
      422, "Invalid",
      base::cat("the server rejected our request due to an error in our request: ", op,
                " operation does not apply: doc is missing path: \"", path, "\": ", why));
}

std::optional<std::size_t> index_of(const JsonArray& array, const std::string& step) {
  auto number = base::parse_int(step);
  if (!number || *number < 0 || std::size_t(*number) >= array.size()) return {};
  return std::size_t(*number);
}

Json* step_into(Json* at, const std::string& step) {
  if (auto object = at->if_object()) return object->if_contains(step);
  if (auto array = at->if_array())
    if (auto index = index_of(*array, step)) return &(*array)[*index];
  return nullptr;
}

Json* locate(Json& target, const std::vector<std::string>& steps, std::size_t count) {
  Json* at = &target;
  for (std::size_t i = 0; at && i < count; ++i) at = step_into(at, steps[i]);
  return at;
}

void add_at(Json& target, const std::string& path, Json value, std::string_view op) {
  auto steps = parse_pointer(path);
  if (steps.empty()) {
    target = std::move(value);
    return;
  }
  Json* parent = locate(target, steps, steps.size() - 1);
  if (parent && parent->is_object()) {
    parent->get_object()[steps.back()] = std::move(value);
  } else if (parent && parent->is_array()) {
    auto& array = parent->get_array();
    auto number = steps.back() == "-" ? std::optional<std::int64_t>(array.size())
                                      : base::parse_int(steps.back());
    if (!number || *number < 0 || std::size_t(*number) > array.size())
      cannot_apply(op, path, "index out of bounds");
    array.insert(array.begin() + *number, std::move(value));
  } else {
    cannot_apply(op, path, "missing value");
  }
}

Json remove_at(Json& target, const std::string& path, std::string_view op) {
  auto steps = parse_pointer(path);
  Json* parent = steps.empty() ? nullptr : locate(target, steps, steps.size() - 1);
  if (parent && parent->is_object()) {
    auto& object = parent->get_object();
    if (auto at = object.find(steps.back()); at != object.end()) {
      Json value = std::move(at->value());
      object.stable_erase(at);
      return value;
    }
  } else if (parent && parent->is_array()) {
    auto& array = parent->get_array();
    if (auto index = index_of(array, steps.back())) {
      Json value = std::move(array[*index]);
      array.erase(array.begin() + *index);
      return value;
    }
  }
  cannot_apply(op, path, "missing value");
}

}  // namespace

void json_patch(Json& target, const Json& patch) {
  if (!patch.is_array()) throw bad_request("json patch: expected an array of operations");
  if (patch.get_array().size() > 10000)
    throw StatusError(413, "RequestEntityTooLarge",
                      "The allowed maximum operations in a JSON patch is 10000");
  for (const auto& operation : patch.get_array()) {
    auto op = base::text_at(operation, {"op"});
    auto path = base::text_at(operation, {"path"});
    auto from = base::text_at(operation, {"from"});
    auto value = base::find(operation, {"value"});
    if ((op == "add" || op == "replace" || op == "test") && !value)
      throw bad_request(base::cat("json patch: ", op, " needs a value"));
    if (op == "add") {
      add_at(target, path, *value, op);
    } else if (op == "remove") {
      remove_at(target, path, op);
    } else if (op == "replace") {
      auto steps = parse_pointer(path);
      auto at = locate(target, steps, steps.size());
      if (!at) cannot_apply(op, path, "missing value");
      *at = *value;
    } else if (op == "move") {
      add_at(target, path, remove_at(target, from, op), op);
    } else if (op == "copy") {
      auto steps = parse_pointer(from);
      auto at = locate(target, steps, steps.size());
      if (!at) cannot_apply(op, from, "missing value");
      add_at(target, path, Json(*at), op);
    } else if (op == "test") {
      auto steps = parse_pointer(path);
      auto at = locate(target, steps, steps.size());
      if (!at ? !value->is_null() : *at != *value)
        throw StatusError(422, "Invalid",
                          base::cat("the server rejected our request due to an error in our "
                                    "request: testing path ",
                                    path, " failed"));
    } else {
      throw bad_request(base::cat("json patch: unknown operation \"", op, "\""));
    }
  }
}

// ---- strategic merge ----

namespace {

void erase_if(JsonArray& list, auto condition) {
  auto rest = std::remove_if(list.begin(), list.end(), condition);
  list.erase(rest, list.end());
}

struct MergeKey {
  std::string_view parent;  // the member that holds the list's owner; "" any
  std::string_view list;
  std::string_view key;  // "" : a list of primitives that merges
};

// patchMergeKey and patchStrategy of k8s.io/api, for what the served core kinds contain. First
// match wins; `parent` tells lists of the same name apart.
constexpr MergeKey merge_keys[] = {
    {"", "containers", "name"},
    {"", "initContainers", "name"},
    {"", "ephemeralContainers", "name"},
    {"", "env", "name"},
    {"", "volumeMounts", "mountPath"},
    {"", "volumeDevices", "devicePath"},
    {"", "volumes", "name"},
    {"", "imagePullSecrets", "name"},
    {"", "hostAliases", "ip"},
    {"", "topologySpreadConstraints", "topologyKey"},
    {"", "schedulingGates", "name"},
    {"", "resourceClaims", "name"},
    {"containers", "ports", "containerPort"},
    {"initContainers", "ports", "containerPort"},
    {"", "conditions", "type"},
    {"", "addresses", "type"},
    {"", "secrets", "name"},
    {"", "ownerReferences", "uid"},
    {"", "finalizers", ""},
    {"", "podIPs", "ip"},
    {"", "hostIPs", "ip"},
    {"spec", "podCIDRs", ""},
};

const MergeKey* merge_key_of(std::string_view parent, std::string_view list) {
  for (const auto& entry : merge_keys)
    if (entry.list == list && (entry.parent.empty() || entry.parent == parent)) return &entry;
  return nullptr;
}

void merge_object(JsonObject& target, const JsonObject& patch, std::string_view parent);

bool is_directive(std::string_view key) { return key.starts_with('$'); }

// A value that came by patch and has nothing to merge with: directives do not stay in it.
Json without_directives(const Json& value) {
  if (auto object = value.if_object()) {
    JsonObject out;
    for (const auto& [key, member] : *object)
      if (!is_directive(key) && !member.is_null()) out[key] = without_directives(member);
    return out;
  }
  if (auto array = value.if_array()) {
    JsonArray out;
    for (const auto& element : *array)
      if (base::text_at(element, {"$patch"}) != "delete")
        out.push_back(without_directives(element));
    return out;
  }
  return value;
}

Json* find_element(JsonArray& list, std::string_view key, const Json& wanted) {
  for (auto& element : list) {
    auto at = key.empty() ? &element : base::find(element, {key});
    if (at && *at == wanted) return &element;
  }
  return nullptr;
}

void merge_list(JsonArray& target, const JsonArray& patch, const MergeKey& by) {
  for (const auto& element : patch)
    if (base::text_at(element, {"$patch"}) == "replace") {
      target = without_directives(patch).as_array();
      erase_if(target,
               [](const Json& left) { return left.is_object() && left.get_object().empty(); });
      return;
    }
  for (const auto& element : patch) {
    if (by.key.empty()) {
      if (!find_element(target, "", element)) target.push_back(element);
      continue;
    }
    auto wanted = base::find(element, {by.key});
    if (!wanted)
      throw bad_request(base::cat("map: ", base::to_text(element),
                                  " does not contain declared merge key: ", by.key));
    auto at = find_element(target, by.key, *wanted);
    if (base::text_at(element, {"$patch"}) == "delete") {
      if (at) target.erase(target.begin() + (at - target.data()));
    } else if (at) {
      merge_object(at->as_object(), element.as_object(), by.list);
    } else {
      target.push_back(without_directives(element));
    }
  }
}

// `$setElementOrder/list`: the named elements in this order, others keep their places behind what
// preceded them.
void reorder(JsonArray& target, const JsonArray& order, std::string_view key) {
  auto rank = [&](const Json& element) -> std::size_t {
    auto own = key.empty() ? &element : base::find(element, {key});
    for (std::size_t i = 0; own && i < order.size(); ++i) {
      auto wanted = key.empty() ? &order[i] : base::find(order[i], {key});
      if (wanted && *wanted == *own) return i;
    }
    return order.size();
  };
  std::vector<std::size_t> places;
  std::vector<Json> named;
  for (std::size_t i = 0; i < target.size(); ++i)
    if (rank(target[i]) < order.size()) {
      places.push_back(i);
      named.push_back(target[i]);
    }
  std::ranges::sort(named, {}, rank);
  for (std::size_t i = 0; i < places.size(); ++i) target[places[i]] = named[i];
}

void apply_directives(JsonObject& target, const JsonObject& patch, std::string_view parent) {
  for (const auto& [key, value] : patch) {
    std::string_view name = key;
    if (name == "$retainKeys" && value.is_array()) {
      std::vector<std::string> gone;
      for (const auto& member : target)
        if (std::ranges::none_of(value.get_array(), [&](const Json& kept) {
              return kept.is_string() && std::string_view(kept.get_string()) == member.key();
            }))
          gone.emplace_back(member.key());
      for (const auto& member : gone) target.erase(member);
    } else if (name.starts_with("$deleteFromPrimitiveList/") && value.is_array()) {
      auto list = target.if_contains(name.substr(name.find('/') + 1));
      if (list && list->is_array())
        for (const auto& gone : value.get_array())
          erase_if(list->get_array(), [&](const Json& element) { return element == gone; });
    } else if (name.starts_with("$setElementOrder/") && value.is_array()) {
      auto list_name = name.substr(name.find('/') + 1);
      auto list = target.if_contains(list_name);
      auto by = merge_key_of(parent, list_name);
      if (list && list->is_array())
        reorder(list->get_array(), value.get_array(), by ? by->key : "");
    }
  }
}

void merge_object(JsonObject& target, const JsonObject& patch, std::string_view parent) {
  if (auto directive = patch.if_contains("$patch")) {
    if (*directive == "replace") {
      target = without_directives(patch).as_object();
      return;
    }
    if (*directive == "delete") {
      target.clear();
      return;
    }
    if (*directive != "merge")
      throw bad_request(base::cat("unknown patch type: ", base::to_text(*directive)));
  }
  for (const auto& [key, value] : patch) {
    if (is_directive(key)) continue;
    auto at = target.if_contains(key);
    if (value.is_null()) {
      if (at) target.stable_erase(target.find(key));
    } else if (at && at->is_object() && value.is_object()) {
      merge_object(at->get_object(), value.get_object(), key);
    } else if (auto by = merge_key_of(parent, key);
               by && value.is_array() && (!at || at->is_array())) {
      if (!at) target[key] = JsonArray{};
      merge_list(target[key].get_array(), value.get_array(), *by);
    } else {
      target[key] = without_directives(value);
    }
  }
  apply_directives(target, patch, parent);
}

}  // namespace

void strategic_merge_patch(Json& target, const Json& patch) {
  if (!patch.is_object()) throw bad_request("strategic merge patch: expected an object");
  if (!target.is_object()) target.emplace_object();
  merge_object(target.get_object(), patch.get_object(), "");
}

}  // namespace apiserver
