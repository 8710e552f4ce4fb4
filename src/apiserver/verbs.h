// The verbs of the Kubernetes API on one object, without HTTP: create, update, patch, delete.
#pragma once

#include <string>
#include <vector>

#include "apiserver/admission.h"
#include "apiserver/request.h"
#include "apiserver/resource.h"
#include "apiserver/store.h"
#include "apiserver/user.h"
#include "base/clock.h"

namespace apiserver {

enum class PatchType : unsigned char { merge, json, strategic };

// One write to be done. `warnings` collects what the client should be told.
struct Write {
  const Resource& resource;
  std::string ns, name, subresource;
  User user;
  WriteOptions options;
  std::vector<std::string> warnings;
};

class Verbs {
 public:
  Verbs(Store&, base::Clock&, base::Random&, Admission);

  // The state after the write. They throw StatusError.
  io::Task<ObjectPtr> create(Write&, base::Json object);
  io::Task<ObjectPtr> update(Write&, base::Json object);
  io::Task<ObjectPtr> patch(Write&, base::Json patch, PatchType);
  struct Removal {
    ObjectPtr object;
    bool gone;  // else it waits for finalizers or its grace period
  };
  io::Task<Removal> remove(Write&, DeleteOptions);

  Key key_of(const Write&) const;
  ObjectPtr get(const Write&) const;  // StatusError 404

 private:
  using Edit = std::function<base::Json(const base::Json& before)>;
  io::Task<ObjectPtr> change(Write&, Edit);
  Store::Outcome decide_change(Write&, const Edit&, const ObjectPtr& current,
                               std::optional<base::Json>& dry);
  // Unknown fields of a body, or of what a patch makes: an error, a warning or nothing, as the
  // client asked; our kinds never keep them. Inert fields: a warning.
  void check_fields(Write&, base::Json& object, const base::Json* patch);
  // That it is of the resource's kind; then its type leads, as lists expect it (render.cpp).
  void settle_type(const Write&, base::Json& object) const;

  Store& store_;
  base::Clock& clock_;
  base::Random& random_;
  Admission admission_;
};

// An object that a dry run would have stored.
ObjectPtr make_unstored(const Key&, const base::Json&);

}  // namespace apiserver
