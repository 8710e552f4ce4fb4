// metadata of objects: what every kind's create and update do to it (apiserver's rest.BeforeCreate,
// BeforeUpdate, BeforeDelete) and how it is validated.
#pragma once

#include <string>

#include "apiserver/resource.h"
#include "base/clock.h"

namespace apiserver {

// Fills uid, creationTimestamp, generation, namespace; makes the name of a generateName; takes out
// what a client may not set. StatusError 400 when the request contradicts the object.
void begin_object(const Resource&, base::Json& object, std::string_view ns, base::Clock&,
                  base::Random&);
// Keeps what an update may not change, from the stored object; raises the generation when anything
// but metadata and status differs. StatusError 409 for a lost race.
void keep_identity(const Resource&, base::Json& next, const base::Json& before);
// Name, labels, annotations, owners, finalizers.
base::Issues validate_meta(const Resource&, const base::Json& object, const base::Json* before);

// ---- finalizers and deletion ----

std::vector<std::string> finalizers_of(const base::Json& object);
bool is_deleting(const base::Json& object);
// Equal in all but resourceVersion (and managedFields, which we do not keep).
bool same_but_version(const base::Json& a, const base::Json& b);

}  // namespace apiserver
