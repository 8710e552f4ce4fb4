// What stands between an authorized write and the store: mutating and validating plugins, as
// functions over one description of the write.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apiserver/resource.h"
#include "apiserver/store.h"
#include "apiserver/user.h"

namespace apiserver {

enum class Operation : unsigned char { create, update, remove };

struct Attributes {
  Operation operation;
  const User& user;
  const Resource& resource;
  std::string subresource, ns, name;
  base::Json* object;        // may be changed; null: remove
  const base::Json* before;  // null: create
  bool dry_run = false;
  std::vector<std::string>& warnings;  // sent as `Warning:` headers
};

// Throws StatusError to refuse. Runs inside the write, so it sees the state that the write
// replaces; it does not wait for anything.
using Admission = std::function<void(Attributes&)>;

// Kubernetes' built-in plugins that the served kinds need: NamespaceLifecycle, ServiceAccount,
// DefaultTolerationSeconds, Priority, NodeRestriction.
Admission make_builtin_admission(const Store&, base::Random&);

}  // namespace apiserver
