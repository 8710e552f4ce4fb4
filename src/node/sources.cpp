#include "node/sources.h"

#include "base/encoding.h"
#include "base/text.h"
#include "node/pod.h"

namespace node {

using base::Json;

namespace {

void note(std::set<std::string>& out, const Json& object,
          std::initializer_list<std::string_view> path) {
  if (auto found = base::find_string(object, path)) out.insert(*found);
}

// "a=\"1\"\nb=\"2\"" as kubelets write maps into files.
std::string map_lines(const Json* map) {
  std::string out;
  if (!map || !map->is_object()) return out;
  std::map<std::string, std::string> sorted;
  for (const auto& [key, value] : map->get_object())
    if (value.is_string()) sorted[key] = value.get_string();
  for (const auto& [key, value] : sorted) {
    if (!out.empty()) out += '\n';
    out += base::cat(key, "=", base::to_text(Json(value)));
  }
  return out;
}

}  // namespace

Needs needs(const Json& pod) {
  Needs out;
  for (const auto& volume : items(pod, {"spec", "volumes"})) {
    note(out.config_maps, volume, {"configMap", "name"});
    note(out.secrets, volume, {"secret", "secretName"});
    for (const auto& source : items(volume, {"projected", "sources"})) {
      note(out.config_maps, source, {"configMap", "name"});
      note(out.secrets, source, {"secret", "name"});
    }
  }
  for (const auto& container : containers(pod)) {
    for (const auto& variable : items(*container.spec, {"env"})) {
      note(out.config_maps, variable, {"valueFrom", "configMapKeyRef", "name"});
      note(out.secrets, variable, {"valueFrom", "secretKeyRef", "name"});
    }
    for (const auto& source : items(*container.spec, {"envFrom"})) {
      note(out.config_maps, source, {"configMapRef", "name"});
      note(out.secrets, source, {"secretRef", "name"});
    }
  }
  return out;
}

std::vector<TokenNeed> token_needs(const Json& pod) {
  std::vector<TokenNeed> out;
  for (const auto& volume : items(pod, {"spec", "volumes"}))
    for (const auto& source : items(volume, {"projected", "sources"}))
      if (const Json* token = base::find(source, {"serviceAccountToken"}))
        out.push_back({base::text_at(volume, {"name"}), base::text_at(*token, {"path"}),
                       base::text_at(*token, {"audience"}),
                       base::find_int(*token, {"expirationSeconds"}).value_or(3600)});
  return out;
}

std::optional<std::string> field_value(const Json& pod, const Facts& facts, std::string_view path) {
  for (auto [prefix, map] :
       {std::pair{"metadata.labels", "labels"}, std::pair{"metadata.annotations", "annotations"}}) {
    if (path == prefix) return map_lines(base::find(pod, {"metadata", map}));
    const std::string begin = base::cat(prefix, "['");
    if (path.starts_with(begin) && path.ends_with("']")) {
      const auto key = path.substr(begin.size(), path.size() - begin.size() - 2);
      return base::text_at(pod, {"metadata", map, key});
    }
  }
  if (path == "metadata.name") return name(pod);
  if (path == "metadata.namespace") return space(pod);
  if (path == "metadata.uid") return uid(pod);
  if (path == "spec.nodeName") return facts.node_name;
  if (path == "spec.serviceAccountName") return base::text_at(pod, {"spec", "serviceAccountName"});
  if (path == "status.hostIP" || path == "status.hostIPs") return facts.host_ip;
  if (path == "status.podIP" || path == "status.podIPs") return facts.pod_ip;
  return std::nullopt;
}

std::optional<std::string> resource_value(const Json& pod, const Facts& facts,
                                          const Json& reference,
                                          std::string_view default_container) {
  const std::string resource = base::text_at(reference, {"resource"});
  const std::string wanted =
      base::find_string(reference, {"containerName"}).value_or(std::string(default_container));
  const auto dot = resource.find('.');
  if (dot == std::string::npos) return std::nullopt;
  const std::string list = resource.substr(0, dot), what = resource.substr(dot + 1);
  const auto divisor = base::find_string(reference, {"divisor"}).value_or("");
  for (const auto& container : containers(pod)) {
    if (container.name != wanted) continue;
    const bool cpu = what == "cpu";
    auto milli = milli_at(*container.spec, {"resources", list, what});
    if (!milli && list == "limits")  // an absent limit is what the node has
      milli = cpu ? facts.cpu_milli : facts.memory_bytes * 1000;
    std::int64_t by = milli_quantity(divisor).value_or(0);
    if (by <= 0) by = 1000;
    return std::to_string((milli.value_or(0) + by - 1) / by);
  }
  return std::nullopt;
}

}  // namespace node
