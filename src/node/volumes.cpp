#include "node/volumes.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"
#include "node/pod.h"
#include "node/resources.h"
#include "node/security.h"

namespace node {

using base::cat;
using base::Json;

namespace {

constexpr std::int64_t default_file_mode = 0644;

struct Builder {
  const Json& pod;
  const Sources& sources;
  const Tokens& tokens;
  const Facts& facts;
  std::string volume;
  std::vector<VolumeFile> files;
  std::string error;

  unsigned mode(const Json& item, std::int64_t by_default) {
    return static_cast<unsigned>(base::find_int(item, {"mode"}).value_or(by_default));
  }

  void fail(const std::string& what) {
    if (error.empty()) error = cat("MountVolume.SetUp failed for volume \"", volume, "\" : ", what);
  }

  void add(std::string path, std::string bytes, unsigned bits) {
    const bool leaves =
        path.starts_with('/') || cat("/", path, "/").find("/../") != std::string::npos;
    if (path.empty() || leaves) return fail(cat("invalid path \"", path, "\""));
    std::erase_if(files, [&](const VolumeFile& file) { return file.path == path; });
    files.push_back({std::move(path), std::move(bytes), bits});
  }

  // ConfigMap or Secret: all keys, or those that `items` names.
  void keys(const Json& source, const std::string& from, std::int64_t by_default,
            const std::map<std::string, Json>& objects, std::string_view kind) {
    const bool optional = base::find_bool(source, {"optional"}).value_or(false);
    auto at = objects.find(from);
    if (at == objects.end()) {
      if (!optional) fail(cat(kind, " \"", from, "\" not found"));
      return;
    }
    auto value = [&](std::string_view key) -> std::optional<std::string> {
      const bool secret = kind == "secret";
      if (auto text = base::find_string(at->second, {"data", key}))
        return secret ? base::parse_base64(*text) : text;
      if (auto text = base::find_string(at->second, {"binaryData", key}))
        return base::parse_base64(*text);
      return std::nullopt;
    };
    const auto& wanted = items(source, {"items"});
    for (const auto& item : wanted) {
      const std::string key = base::text_at(item, {"key"});
      if (auto bytes = value(key))
        add(base::text_at(item, {"path"}), *bytes, mode(item, by_default));
      else if (!optional)
        fail(
            cat("references non-existent ", kind == "secret" ? "secret" : "config", " key: ", key));
    }
    if (!wanted.empty()) return;
    for (auto list : {"data", "binaryData"})
      if (const Json* data = base::find(at->second, {list}); data && data->is_object())
        for (const auto& [key, ignored] : data->get_object())
          add(std::string(key), value(key).value_or(""), static_cast<unsigned>(by_default));
  }

  void downward(const Json& source, std::int64_t by_default) {
    for (const auto& item : items(source, {"items"})) {
      std::optional<std::string> value;
      if (auto path = base::find_string(item, {"fieldRef", "fieldPath"}))
        value = field_value(pod, facts, *path);
      else if (const Json* reference = base::find(item, {"resourceFieldRef"}))
        value = resource_value(pod, facts, *reference, "");
      if (value)
        add(base::text_at(item, {"path"}), *value, mode(item, by_default));
      else
        fail("unsupported downward API item " + base::text_at(item, {"path"}));
    }
  }

  void token(const Json& source, std::int64_t by_default) {
    const std::string path = base::text_at(source, {"path"});
    auto at = tokens.find(cat(volume, "/", path));
    if (at == tokens.end()) return fail("failed to fetch token");
    const bool owned = common_user(pod) || fs_group(pod);
    add(path, at->second.reveal(), owned ? 0600 : static_cast<unsigned>(by_default));
  }

  void projected(const Json& source) {
    const auto bits = base::find_int(source, {"defaultMode"}).value_or(default_file_mode);
    for (const auto& part : items(source, {"sources"})) {
      if (const Json* found = base::find(part, {"configMap"}))
        keys(*found, base::text_at(*found, {"name"}), bits, sources.config_maps, "configmap");
      if (const Json* found = base::find(part, {"secret"}))
        keys(*found, base::text_at(*found, {"name"}), bits, sources.secrets, "secret");
      if (const Json* found = base::find(part, {"downwardAPI"})) downward(*found, bits);
      if (const Json* found = base::find(part, {"serviceAccountToken"})) token(*found, bits);
    }
  }
};

std::int64_t memory_size(const Json& pod, const Json& empty_dir, const Facts& facts) {
  const std::int64_t most = pod_memory_limit(pod).value_or(facts.memory_bytes);
  const auto limit = quantity_at(empty_dir, {"sizeLimit"});
  return limit && *limit > 0 ? std::min(*limit, most) : most;
}

}  // namespace

unsigned file_mode(unsigned planned, const Json& pod) {
  return fs_group(pod) ? planned | 0440 : planned;
}

std::expected<std::vector<VolumePlan>, std::string> plan_volumes(const Json& pod,
                                                                 const Sources& sources,
                                                                 const Tokens& tokens,
                                                                 const Facts& facts) {
  std::vector<VolumePlan> out;
  for (const auto& volume : items(pod, {"spec", "volumes"})) {
    VolumePlan plan{VolumePlan::Kind::files, base::text_at(volume, {"name"}), 0, {}};
    Builder builder{pod, sources, tokens, facts, plan.name, {}, {}};
    auto default_mode = [&](std::string_view kind) {
      return base::find_int(volume, {kind, "defaultMode"}).value_or(default_file_mode);
    };
    if (const Json* dir = base::find(volume, {"emptyDir"})) {
      const bool memory = base::text_at(*dir, {"medium"}) == "Memory";
      plan.kind = memory ? VolumePlan::Kind::memory : VolumePlan::Kind::disk;
      plan.limit =
          memory ? memory_size(pod, *dir, facts) : quantity_at(*dir, {"sizeLimit"}).value_or(0);
    } else if (const Json* map = base::find(volume, {"configMap"})) {
      builder.keys(*map, base::text_at(*map, {"name"}), default_mode("configMap"),
                   sources.config_maps, "configmap");
    } else if (const Json* secret = base::find(volume, {"secret"})) {
      builder.keys(*secret, base::text_at(*secret, {"secretName"}), default_mode("secret"),
                   sources.secrets, "secret");
    } else if (const Json* downward = base::find(volume, {"downwardAPI"})) {
      builder.downward(*downward, default_mode("downwardAPI"));
    } else if (const Json* projected = base::find(volume, {"projected"})) {
      builder.projected(*projected);
    } else if (base::find(volume, {"csi"})) {
      plan.kind = VolumePlan::Kind::gateway;
    }
    if (!builder.error.empty()) return std::unexpected(builder.error);
    plan.files = std::move(builder.files);
    std::ranges::sort(plan.files, {}, &VolumeFile::path);
    out.push_back(std::move(plan));
  }
  return out;
}

}  // namespace node
