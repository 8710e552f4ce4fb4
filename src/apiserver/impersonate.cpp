#include "apiserver/impersonate.h"

#include "apiserver/status.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apiserver {

using base::cat;

namespace {

constexpr std::string_view prefix = "impersonate-";
constexpr std::string_view extra_prefix = "extra-";
constexpr std::string_view authentication_group = "authentication.k8s.io";

// Each name, group, uid and extra value that is borrowed needs a right of its own.
struct Borrowed {
  std::string group, resource, subresource, ns, name;
};

void authorize(const Rbac& rbac, const User& asker, const Borrowed& part) {
  RequestInfo info;
  info.is_resource = true;
  info.verb = "impersonate";
  info.group = part.group;
  info.resource = part.resource;
  info.subresource = part.subresource;
  info.ns = part.ns;
  info.name = part.name;
  if (!rbac.allows(asker, info))
    throw forbidden({part.group, part.resource, ""}, part.name, describe_refusal(asker, info));
}

// A name of the form system:serviceaccount:NAMESPACE:NAME.
std::optional<std::pair<std::string, std::string>> service_account_in(std::string_view name) {
  if (!name.starts_with(service_account_prefix)) return {};
  auto parts = base::split(name.substr(service_account_prefix.size()), ':');
  if (parts.size() != 2 || !base::is_dns_label(parts[0]) || !base::is_dns_subdomain(parts[1]))
    return {};
  return std::pair{parts[0], parts[1]};
}

// The groups that everybody is in, unless the asker has said which.
void complete_groups(User& user, bool groups_named) {
  if (auto account = service_account_in(user.name); account && !groups_named) {
    user.groups.emplace_back("system:serviceaccounts");
    user.groups.push_back(cat("system:serviceaccounts:", account->first));
  }
  if (user.in(group_unauthenticated)) return;
  if (user.name == user_anonymous) {
    user.groups.emplace_back(group_unauthenticated);
  } else if (!user.in(group_authenticated)) {
    user.groups.emplace_back(group_authenticated);
  }
}

}  // namespace

std::optional<User> impersonated(const Rbac& rbac, const User& asker, const io::Headers& headers) {
  User user;
  std::vector<Borrowed> parts;
  for (const auto& [name, value] : headers.fields()) {
    auto lower = base::lower(name);
    if (!lower.starts_with(prefix)) continue;
    auto what = std::string_view(lower).substr(prefix.size());
    if (what == "user" && !value.empty()) {
      user.name = value;
      if (auto account = service_account_in(value)) {
        parts.push_back({"", "serviceaccounts", "", account->first, account->second});
      } else {
        parts.push_back({"", "users", "", "", value});
      }
    } else if (what == "group") {
      user.groups.push_back(value);
      parts.push_back({"", "groups", "", "", value});
    } else if (what == "uid" && !value.empty()) {
      user.uid = value;
      parts.push_back({std::string(authentication_group), "uids", "", "", value});
    } else if (what.starts_with(extra_prefix)) {
      auto escaped = what.substr(extra_prefix.size());
      auto key = base::url_unescape(escaped).value_or(std::string(escaped));
      user.extra[key].push_back(value);
      parts.push_back({std::string(authentication_group), "userextras", key, "", value});
    }
  }
  if (parts.empty()) return {};
  if (user.name.empty())
    throw bad_request("requested groups, a uid or extras without impersonating a user");
  for (const auto& part : parts) authorize(rbac, asker, part);
  complete_groups(user, !user.groups.empty());
  return user;
}

}  // namespace apiserver
