// Acting as somebody else (`kubectl --as`), where RBAC lets the asker.
#pragma once

#include <optional>

#include "apiserver/authz.h"
#include "apiserver/user.h"
#include "io/http.h"

namespace apiserver {

// Whom the Impersonate-User, -Group, -Uid and -Extra-… headers name; nothing when there are none.
// StatusError 400, 403.
std::optional<User> impersonated(const Rbac&, const User& asker, const io::Headers&);

}  // namespace apiserver
