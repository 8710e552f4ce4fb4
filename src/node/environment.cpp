#include "node/environment.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"
#include "node/pod.h"

namespace node {

using base::cat;
using base::Json;

namespace {

void set(Variables& out, const std::string& key, std::string value) {
  auto at = std::ranges::find(out, key, &Variables::value_type::first);
  if (at == out.end())
    out.emplace_back(key, std::move(value));
  else
    at->second = std::move(value);
}

const Json* lookup(const std::map<std::string, Json>& objects, const std::string& wanted) {
  auto at = objects.find(wanted);
  return at == objects.end() ? nullptr : &at->second;
}

std::string secret_text(const Json& value) {
  if (!value.is_string()) return "";
  return base::parse_base64(value.get_string()).value_or("");
}

using Found = std::expected<std::optional<std::string>, std::string>;

Found config_map_value(const Json& pod, const Json& reference, const Sources& sources) {
  const std::string from = base::text_at(reference, {"name"});
  const std::string key = base::text_at(reference, {"key"});
  const bool optional = base::find_bool(reference, {"optional"}).value_or(false);
  const Json* object = lookup(sources.config_maps, from);
  if (!object) {
    if (optional) return std::nullopt;
    return std::unexpected(cat("configmap \"", from, "\" not found"));
  }
  if (auto value = base::find_string(*object, {"data", key})) return value;
  if (optional) return std::nullopt;
  return std::unexpected(cat("couldn't find key ", key, " in ConfigMap ", space(pod), "/", from));
}

Found secret_value(const Json& pod, const Json& reference, const Sources& sources) {
  const std::string from = base::text_at(reference, {"name"});
  const std::string key = base::text_at(reference, {"key"});
  const bool optional = base::find_bool(reference, {"optional"}).value_or(false);
  const Json* object = lookup(sources.secrets, from);
  if (!object) {
    if (optional) return std::nullopt;
    return std::unexpected(cat("secret \"", from, "\" not found"));
  }
  if (const Json* value = base::find(*object, {"data", key})) return secret_text(*value);
  if (optional) return std::nullopt;
  return std::unexpected(cat("couldn't find key ", key, " in Secret ", space(pod), "/", from));
}

Found value_from(const Json& pod, const Json& container, const Json& from, const Sources& sources,
                 const Facts& facts) {
  if (const Json* reference = base::find(from, {"configMapKeyRef"}))
    return config_map_value(pod, *reference, sources);
  if (const Json* reference = base::find(from, {"secretKeyRef"}))
    return secret_value(pod, *reference, sources);
  if (const Json* reference = base::find(from, {"fieldRef"})) {
    const std::string path = base::text_at(*reference, {"fieldPath"});
    if (auto value = field_value(pod, facts, path)) return value;
    return std::unexpected(cat("unsupported fieldPath: ", path));
  }
  if (const Json* reference = base::find(from, {"resourceFieldRef"})) {
    if (auto value = resource_value(pod, facts, *reference, base::text_at(container, {"name"})))
      return value;
    return std::unexpected(
        cat("unsupported resourceFieldRef: ", base::text_at(*reference, {"resource"})));
  }
  return std::unexpected(std::string("unsupported valueFrom"));
}

std::expected<void, std::string> add_all(Variables& out, const Json& source,
                                         const Sources& sources) {
  const std::string prefix = base::text_at(source, {"prefix"});
  const bool is_secret = base::find(source, {"secretRef"}) != nullptr;
  const std::string_view reference = is_secret ? "secretRef" : "configMapRef";
  const std::string from = base::text_at(source, {reference, "name"});
  const Json* object = lookup(is_secret ? sources.secrets : sources.config_maps, from);
  if (!object) {
    if (base::find_bool(source, {reference, "optional"}).value_or(false)) return {};
    return std::unexpected(cat(is_secret ? "secret" : "configmap", " \"", from, "\" not found"));
  }
  const Json* data = base::find(*object, {"data"});
  if (!data || !data->is_object()) return {};
  std::map<std::string, std::string> sorted;
  for (const auto& [key, value] : data->get_object())
    sorted[key] = is_secret ? secret_text(value)
                            : std::string(value.is_string() ? value.get_string().c_str() : "");
  for (auto& [key, value] : sorted) set(out, prefix + key, std::move(value));
  return {};
}

std::vector<std::string> texts(const Json& object, std::string_view field) {
  std::vector<std::string> out;
  for (const auto& item : items(object, {field}))
    if (item.is_string()) out.emplace_back(item.get_string());
  return out;
}

}  // namespace

std::string expand(std::string_view text, const Variables& variables) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
    } else if (text[i + 1] == '$') {
      out += '$';
      ++i;
    } else if (text[i + 1] == '(') {
      const auto end = text.find(')', i + 2);
      if (end == std::string_view::npos) {
        out += text.substr(i);
        break;
      }
      const std::string key(text.substr(i + 2, end - i - 2));
      auto at = std::ranges::find(variables, key, &Variables::value_type::first);
      out += at == variables.end() ? std::string(text.substr(i, end - i + 1)) : at->second;
      i = end;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::expected<Variables, std::string> environment(const Json& pod, const Json& container,
                                                  const Variables& image, const Sources& sources,
                                                  const Facts& facts) {
  Variables out = image;
  for (const auto& source : items(container, {"envFrom"}))
    if (auto added = add_all(out, source, sources); !added) return std::unexpected(added.error());
  for (const auto& variable : items(container, {"env"})) {
    const std::string key = base::text_at(variable, {"name"});
    const Json* from = base::find(variable, {"valueFrom"});
    if (!from) {
      set(out, key, expand(base::text_at(variable, {"value"}), out));
      continue;
    }
    auto value = value_from(pod, container, *from, sources, facts);
    if (!value) return std::unexpected(value.error());
    if (*value) set(out, key, std::move(**value));
  }
  return out;
}

std::vector<std::string> command_line(const Json& container, const Command& image,
                                      const Variables& variables) {
  auto command = texts(container, "command");
  auto arguments = texts(container, "args");
  for (auto* list : {&command, &arguments})
    for (auto& word : *list) word = expand(word, variables);
  if (command.empty()) {
    command = image.entrypoint;
    if (arguments.empty()) arguments = image.arguments;
  }
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace node
