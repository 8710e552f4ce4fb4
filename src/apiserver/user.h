// Who asks.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace apiserver {

struct User {
  std::string name, uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
  bool in(std::string_view group) const { return std::ranges::find(groups, group) != groups.end(); }
};

inline constexpr std::string_view group_masters = "system:masters";
inline constexpr std::string_view group_authenticated = "system:authenticated";
inline constexpr std::string_view group_unauthenticated = "system:unauthenticated";
inline constexpr std::string_view group_nodes = "system:nodes";
inline constexpr std::string_view user_anonymous = "system:anonymous";
inline constexpr std::string_view node_prefix = "system:node:";
inline constexpr std::string_view service_account_prefix = "system:serviceaccount:";

}  // namespace apiserver
