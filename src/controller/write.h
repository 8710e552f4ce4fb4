// How reconcilers write: small patches that carry what they were decided on.
#pragma once

#include <optional>
#include <string>

#include "controller/key.h"
#include "kube/api.h"

namespace controller {

// The merge patch of the status subresource that turns `before` into `after` (both encoded the same
// way), with the revision that `before` was read at as precondition. Nothing when they are equal.
std::optional<base::Json> plan_status_patch(const base::Json& before, const base::Json& after,
                                            const std::string& resource_version);

// Where a child stands that its parent's status names before it is made (the write order that
// survives a crash after any line): the name into the status → the child → what is observed of it.
enum class ChildStep : unsigned char {
  record,   // write its name into the parent's status
  create,   // recorded; nothing was ever observed of it: make it (the name is taken: it is ours,
            // look again)
  observe,  // it is there
  lost,     // something was observed of it and it is gone: never make it again
};
struct ChildFacts {
  bool recorded = false;  // its name is in the parent's status
  bool observed = false;  // the parent's status holds something learnt from it
  bool exists = false;    // now, by a look that is not older than the parent's
};
constexpr ChildStep plan_child(ChildFacts facts) {
  if (facts.exists && facts.recorded) return ChildStep::observe;
  if (!facts.recorded) return ChildStep::record;
  return facts.observed ? ChildStep::lost : ChildStep::create;
}

// Creates, or finds that it is there already (by name; the caller checks whose it is). Returns what
// is there.
enum class Made : bool { found, now };
struct Child {
  base::Json object;
  Made made;
};
io::Task<Child> create_or_get(kube::Api&, kube::Ref, base::Json object);

// True when `object` has an ownerReference with this uid and controller: true.
bool is_controlled_by(const base::Json& object, const std::string& owner_uid);

// Finalizers: the patch that adds or removes one, with the object's revision as precondition;
// nothing when it is so already.
bool has_finalizer(const base::Json& object, std::string_view finalizer);
std::optional<base::Json> plan_add_finalizer(const base::Json& object, std::string_view finalizer);
std::optional<base::Json> plan_remove_finalizer(const base::Json& object,
                                                std::string_view finalizer);

// Removes; gone already is fine. False when there was nothing.
io::Task<bool> remove_if_there(kube::Api&, kube::Ref, kube::RemoveOptions);

// A child's name: "<parent>-<suffix>", or `parent` alone without suffix. Longer than 63: cut to 52,
// then "-" and 8 hex digits of the SHA-256 of the whole.
std::string child_name(const std::string& parent, std::string_view suffix);

}  // namespace controller
