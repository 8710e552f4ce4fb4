#include "apiserver/escalation.h"

#include <algorithm>

#include "base/text.h"

namespace apiserver {

using base::cat;
using base::text_at;

namespace {

constexpr std::string_view rbac_group = "rbac.authorization.k8s.io";

bool has_or_star(const std::vector<std::string>& list, std::string_view wanted) {
  return std::ranges::any_of(list, [&](const auto& own) { return own == "*" || own == wanted; });
}

bool covers_resource(const std::vector<std::string>& list, const std::string& wanted) {
  if (has_or_star(list, wanted)) return true;
  auto slash = wanted.find('/');
  return slash != std::string::npos &&
         std::ranges::find(list, "*" + wanted.substr(slash)) != list.end();
}

bool covers_path(const std::vector<std::string>& list, std::string_view wanted) {
  return std::ranges::any_of(list, [&](std::string_view own) {
    return own == "*" || own == wanted ||
           (own.ends_with('*') && wanted.starts_with(own.substr(0, own.size() - 1)));
  });
}

// One verb on one resource of one group (and one name, "" all), or on one path.
struct Piece {
  std::string verb, group, resource, name, path;
};

std::vector<Piece> pieces_of(const Rule& rule) {
  std::vector<Piece> pieces;
  auto names = rule.names;
  if (names.empty()) names.emplace_back();
  for (const auto& verb : rule.verbs) {
    for (const auto& group : rule.groups)
      for (const auto& resource : rule.resources)
        for (const auto& name : names) pieces.push_back({verb, group, resource, name, ""});
    for (const auto& path : rule.paths) pieces.push_back({verb, "", "", "", path});
  }
  return pieces;
}

bool covers(const Rule& own, const Piece& piece) {
  if (!has_or_star(own.verbs, piece.verb)) return false;
  if (!piece.path.empty()) return covers_path(own.paths, piece.path);
  return has_or_star(own.groups, piece.group) && covers_resource(own.resources, piece.resource) &&
         (own.names.empty() ||
          (!piece.name.empty() && std::ranges::find(own.names, piece.name) != own.names.end()));
}

std::string quoted(const std::vector<std::string>& list) {
  std::vector<std::string> out;
  for (const auto& text : list) out.push_back(cat("\"", text, "\""));
  return cat("[", base::join(out, " "), "]");
}

std::string describe(const Piece& piece) {
  if (!piece.path.empty())
    return cat("{NonResourceURLs:[\"", piece.path, "\"], Verbs:[\"", piece.verb, "\"]}");
  auto text = cat("{APIGroups:[\"", piece.group, "\"], Resources:[\"", piece.resource, "\"]");
  if (!piece.name.empty()) text += cat(", ResourceNames:[\"", piece.name, "\"]");
  return cat(text, ", Verbs:[\"", piece.verb, "\"]}");
}

bool may_anyway(const Rbac& rbac, const Attributes& write, std::string verb, std::string resource,
                std::string name) {
  RequestInfo info;
  info.is_resource = true;
  info.verb = std::move(verb);
  info.group = rbac_group;
  info.version = "v1";
  info.resource = std::move(resource);
  info.ns = write.ns;
  info.name = std::move(name);
  return rbac.allows(write.user, info);
}

}  // namespace

void refuse_escalation(const Rbac& rbac, const Store& store, const Attributes& write) {
  if (write.resource.group != rbac_group || !write.object || write.user.in(group_masters)) return;
  std::vector<Rule> granted;
  const auto& plural = write.resource.plural;
  if (plural == "roles" || plural == "clusterroles") {
    if (may_anyway(rbac, write, "escalate", plural, write.name)) return;
    auto rules = [](const base::Json& role) {
      auto at = base::find(role, {"rules"});
      return at ? *at : base::Json();
    };
    if (write.before && rules(*write.before) == rules(*write.object)) return;
    granted = parse_rules(*write.object);
  } else {
    auto kind = text_at(*write.object, {"roleRef", "kind"});
    auto role = text_at(*write.object, {"roleRef", "name"});
    auto of = kind == "ClusterRole" ? "clusterroles" : "roles";
    if (may_anyway(rbac, write, "bind", of, role)) return;
    Key key{cat(of, ".", rbac_group), kind == "ClusterRole" ? "" : write.ns, role};
    auto stored = store.find(key);
    if (!stored) throw not_found({std::string(rbac_group), of, kind}, role);
    granted = parse_rules(stored->tree());
  }
  auto held = rbac.rules_of(write.user, write.ns);
  std::vector<std::string> missing;
  for (const auto& rule : granted)
    for (const auto& piece : pieces_of(rule))
      if (std::ranges::none_of(held, [&](const Rule& own) { return covers(own, piece); }))
        missing.push_back(describe(piece));
  if (missing.empty()) return;
  throw forbidden(write.resource.subject(), write.name,
                  cat("user \"", write.user.name, "\" (groups=", quoted(write.user.groups),
                      ") is attempting to grant RBAC permissions not currently held:\n",
                      base::join(missing, "\n")));
}

}  // namespace apiserver
