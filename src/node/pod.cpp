#include "node/pod.h"

#include <cmath>

#include "base/text.h"

namespace node {

using base::Json;

const base::JsonArray& items(const Json& json, std::initializer_list<std::string_view> path) {
  static const base::JsonArray none;
  const Json* found = base::find(json, path);
  return found && found->is_array() ? found->get_array() : none;
}

const Json* named(const base::JsonArray& list, std::string_view wanted) {
  for (const auto& item : list)
    if (base::find_string(item, {"name"}) == wanted) return &item;
  return nullptr;
}

std::vector<Container> containers(const Json& pod) {
  std::vector<Container> out;
  for (const auto& spec : items(pod, {"spec", "initContainers"})) {
    const bool sidecar = base::text_at(spec, {"restartPolicy"}) == "Always";
    out.push_back({sidecar ? Role::sidecar : Role::init, base::text_at(spec, {"name"}), &spec});
  }
  for (const auto& spec : items(pod, {"spec", "containers"}))
    out.push_back({Role::main, base::text_at(spec, {"name"}), &spec});
  return out;
}

std::string uid(const Json& object) { return base::text_at(object, {"metadata", "uid"}); }
std::string name(const Json& object) { return base::text_at(object, {"metadata", "name"}); }
std::string space(const Json& object) { return base::text_at(object, {"metadata", "namespace"}); }
std::string title(const Json& object) { return space(object) + "/" + name(object); }

std::string hostname_of(const Json& pod) {
  std::string out = base::find_string(pod, {"spec", "hostname"}).value_or(name(pod)).substr(0, 63);
  while (out.ends_with('-') || out.ends_with('.')) out.pop_back();
  return out;
}

std::string restart_policy(const Json& pod) {
  return base::find_string(pod, {"spec", "restartPolicy"}).value_or("Always");
}

bool is_deleted(const Json& pod) {
  return base::find_string(pod, {"metadata", "deletionTimestamp"}).has_value();
}

std::int64_t grace_seconds(const Json& pod) {
  if (auto given = base::find_int(pod, {"metadata", "deletionGracePeriodSeconds"})) return *given;
  return base::find_int(pod, {"spec", "terminationGracePeriodSeconds"}).value_or(30);
}

namespace {

// Suffixes of apimachinery's resource.Quantity as powers of ten or of 1024.
std::optional<long double> scale(std::string_view suffix) {
  if (suffix.empty()) return 1;
  if (suffix == "m") return 1e-3L;
  if (suffix == "u") return 1e-6L;
  if (suffix == "n") return 1e-9L;
  const std::string_view letters = "kMGTPE";
  const std::string_view binary = "KMGTPE";
  if (suffix.size() == 1)
    if (auto at = letters.find(suffix[0]); at != std::string_view::npos)
      return std::pow(1000.0L, static_cast<int>(at) + 1);
  if (suffix.size() == 2 && suffix[1] == 'i')
    if (auto at = binary.find(suffix[0]); at != std::string_view::npos)
      return std::pow(1024.0L, static_cast<int>(at) + 1);
  if (suffix[0] == 'e' || suffix[0] == 'E')
    if (auto exponent = base::parse_int(suffix.substr(1))) return std::pow(10.0L, *exponent);
  return std::nullopt;
}

std::optional<std::int64_t> scaled(std::string_view text, long double by) {
  const auto digits = text.find_first_not_of("0123456789.+-");
  const std::string number(text.substr(0, digits));
  const auto factor = scale(digits == std::string_view::npos ? "" : text.substr(digits));
  if (number.empty() || !factor) return std::nullopt;
  char* end = nullptr;
  const long double value = std::strtold(number.c_str(), &end) * *factor * by;
  if (*end != 0 || std::fabs(value) > 9e18L) return std::nullopt;
  return static_cast<std::int64_t>(std::ceil(value - 1e-9L));
}

std::string written(const Json& json, std::initializer_list<std::string_view> path) {
  const Json* found = base::find(json, path);
  if (!found) return "";
  return found->is_string() ? std::string(found->get_string()) : base::to_text(*found);
}

}  // namespace

std::optional<std::int64_t> quantity(std::string_view text) { return scaled(text, 1); }
std::optional<std::int64_t> milli_quantity(std::string_view text) { return scaled(text, 1000); }

std::optional<std::int64_t> quantity_at(const Json& json,
                                        std::initializer_list<std::string_view> path) {
  return quantity(written(json, path));
}

std::optional<std::int64_t> milli_at(const Json& json,
                                     std::initializer_list<std::string_view> path) {
  return milli_quantity(written(json, path));
}

}  // namespace node
