#include "apiserver/verbs.h"

#include <algorithm>

#include "apiserver/kinds.h"
#include "apiserver/meta.h"
#include "apiserver/patch.h"
#include "base/text.h"

namespace apiserver {

using base::cat;
using base::Json;
using base::JsonObject;
using base::text_at;

namespace {

constexpr int generated_name_tries = 8;

void raise_generation(const Resource& resource, Json& next, const Json& before) {
  if (!resource.counts_generation) return;
  auto old = base::find_int(before, {"metadata", "generation"}).value_or(0);
  auto rest = [](const Json& tree) {
    auto copy = tree.as_object();
    copy.erase("metadata");
    copy.erase("status");
    return copy;
  };
  bool changed = rest(next) != rest(before);
  base::ensure(next, {"metadata", "generation"}) =
      std::max<std::int64_t>(old, 1) + (changed ? 1 : 0);
}

// A write of one part takes the other part from the stored object.
void keep_other_part(const Resource& resource, Json& next, const Json& before, Part part) {
  if (!resource.has_status) return;
  auto& object = next.as_object();
  auto take = [&](std::string_view member) {
    if (auto old = base::find(before, {member})) {
      object[member] = *old;
    } else {
      object.erase(member);
    }
  };
  if (part == Part::main) {
    take("status");
    return;
  }
  std::vector<std::string> members;
  for (const auto& member : object) members.emplace_back(member.key());
  for (const auto& member : before.as_object()) members.emplace_back(member.key());
  for (const auto& member : members)
    if (member != "status" && member != "metadata") take(member);
  auto metadata = before.as_object().at("metadata");
  if (!resource.custom)
    for (std::string_view member : {"labels", "annotations"})
      if (auto value = base::find(next, {"metadata", member}))
        metadata.as_object()[member] = *value;
  object["metadata"] = std::move(metadata);
}

bool waits_for_nothing(const Resource& resource, const Json& object) {
  if (!is_deleting(object) || !finalizers_of(object).empty()) return false;
  if (resource.plural == "namespaces" && resource.group.empty()) {
    auto finalizers = base::find(object, {"spec", "finalizers"});
    if (finalizers && finalizers->is_array() && !finalizers->get_array().empty()) return false;
  }
  auto grace = base::find_int(object, {"metadata", "deletionGracePeriodSeconds"});
  return !resource.graceful || (grace && *grace == 0);
}

}  // namespace

ObjectPtr make_unstored(const Key& key, const Json& tree) {
  auto object = std::make_shared<Object>();
  object->key = key;
  object->uid = text_at(tree, {"metadata", "uid"});
  object->text = base::to_text(tree);
  return object;
}

Verbs::Verbs(Store& store, base::Clock& clock, base::Random& random, Admission admission)
    : store_(store), clock_(clock), random_(random), admission_(std::move(admission)) {}

Key Verbs::key_of(const Write& write) const {
  return {write.resource.storage, write.ns, write.name};
}

ObjectPtr Verbs::get(const Write& write) const {
  auto object = store_.find(key_of(write));
  if (!object) throw not_found(write.resource.subject(), write.name);
  return object;
}

void Verbs::settle_type(const Write& write, Json& object) const {
  if (!object.is_object()) throw bad_request("the body of the request must be a JSON object");
  const auto& resource = write.resource;
  if (!resource.custom) {  // the path says it already
    set_default(object, "kind", Json(resource.kind));
    set_default(object, "apiVersion", Json(resource.api_version()));
  }
  auto kind = text_at(object, {"kind"});
  auto version = text_at(object, {"apiVersion"});
  if (kind.empty() || version.empty())
    throw bad_request(cat("Object 'Kind' or 'apiVersion' is missing in '",
                          base::clip(base::to_text(object), 200), "'"));
  if (kind != resource.kind)
    throw bad_request(cat(kind, " in version \"", version, "\" cannot be handled as a ",
                          resource.kind, ": converting (", version, ".", kind, ") to (",
                          resource.api_version(), ".", resource.kind, "): unknown conversion"));
  if (version != resource.api_version())
    throw bad_request(cat("the API version in the data (", version,
                          ") does not match the expected API version (", resource.api_version(),
                          ")"));
}

void Verbs::check_fields(Write& write, Json& object, const Json* patch) {
  const auto& resource = write.resource;
  if (write.options.field_validation != FieldValidation::ignore && resource.unknown_fields) {
    auto unknown = resource.unknown_fields(object);
    std::vector<std::string> lines;
    for (const auto& issue : unknown) lines.push_back(cat("unknown field \"", issue.path, "\""));
    if (patch && !lines.empty() && write.options.field_validation == FieldValidation::strict)
      throw invalid({}, "",
                    {{"patch", cat("Invalid value: ", base::to_text(*patch),
                                   ": strict decoding error: ", base::join(lines, ", "))}});
    if (!lines.empty() && write.options.field_validation == FieldValidation::strict)
      throw bad_request(cat(resource.kind, " in version \"", resource.version,
                            "\" cannot be handled as a ", resource.kind,
                            ": strict decoding error: ", base::join(lines, ", ")));
    for (auto& line : lines) write.warnings.push_back(std::move(line));
  }
  if (resource.prune) resource.prune(object);
  if (write.subresource.empty() && resource.inert_fields)
    for (const auto& issue : resource.inert_fields(object))
      write.warnings.push_back(cat(issue.path, " ", issue.message));
}

io::Task<ObjectPtr> Verbs::create(Write& write, Json object) {
  const auto& resource = write.resource;
  settle_type(write, object);
  if (resource.to_stored) {
    object = resource.to_stored(object);
  } else {
    check_fields(write, object, nullptr);
  }
  auto given_name = text_at(object, {"metadata", "name"});
  if (!write.name.empty() && !given_name.empty() && given_name != write.name)
    throw bad_request(cat("the name of the object (", given_name,
                          ") does not match the name on the URL (", write.name, ")"));
  bool generated = given_name.empty();
  for (int attempt = 1;; ++attempt) {
    Json made = object;
    begin_object(resource, made, write.ns, clock_, random_);
    write.name = text_at(made, {"metadata", "name"});
    if (resource.has_status && resource.custom) made.as_object().erase("status");
    if (resource.defaults) resource.defaults(made);
    if (resource.prepare) resource.prepare(made, nullptr, Part::main);
    bool taken = false;
    std::optional<Json> dry;
    Store::Decide decide = [&](const ObjectPtr& current) -> Store::Outcome {
      Attributes attributes{
          Operation::create,     write.user,    resource, "", write.ns, write.name, &made, nullptr,
          write.options.dry_run, write.warnings};
      if (admission_) admission_(attributes);
      auto issues = validate_meta(resource, made, nullptr);
      if (resource.validate)
        for (auto& issue : resource.validate(made, nullptr, Part::main)) issues.push_back(issue);
      if (!issues.empty()) throw invalid(resource.subject(), write.name, issues);
      if (current) {
        taken = true;
        return Store::Keep{};
      }
      if (write.options.dry_run) {
        dry = made;
        return Store::Keep{};
      }
      return Store::Put{std::move(made)};
    };
    auto key = key_of(write);
    auto stored = co_await store_.write(key, decide);
    if (dry) co_return make_unstored(key, *dry);
    if (!taken) co_return stored;
    if (!generated || attempt == generated_name_tries)
      throw already_exists(resource.subject(), write.name);
  }
}

Store::Outcome Verbs::decide_change(Write& write, const Edit& edit, const ObjectPtr& current,
                                    std::optional<Json>& dry) {
  const auto& resource = write.resource;
  if (!current) throw not_found(resource.subject(), write.name);
  auto part = write.subresource == "status" ? Part::status : Part::main;
  auto before = current->tree();
  auto next = edit(before);
  auto name = text_at(next, {"metadata", "name"});
  if (name != write.name)
    throw bad_request(cat("the name of the object (", name,
                          ") does not match the name on the URL (", write.name, ")"));
  auto ns = text_at(next, {"metadata", "namespace"});
  if (!ns.empty() && ns != write.ns)
    throw bad_request(
        "the namespace of the provided object does not match the namespace sent on the request");
  if (resource.defaults) resource.defaults(next);
  keep_identity(resource, next, before);
  if (write.subresource.empty() || write.subresource == "status")
    keep_other_part(resource, next, before, part);
  if (resource.prepare) resource.prepare(next, &before, part);
  raise_generation(resource, next, before);
  Attributes attributes{
      Operation::update, write.user, resource, write.subresource,     write.ns,
      write.name,        &next,      &before,  write.options.dry_run, write.warnings};
  if (admission_) admission_(attributes);
  auto issues = validate_meta(resource, next, &before);
  if (resource.validate)
    for (auto& issue : resource.validate(next, &before, part)) issues.push_back(issue);
  if (!issues.empty()) throw invalid(resource.subject(), write.name, issues);
  if (write.options.dry_run) {
    dry = std::move(next);
    return Store::Keep{};
  }
  if (waits_for_nothing(resource, next)) return Store::Remove{std::move(next)};
  if (same_but_version(next, before)) return Store::Keep{};
  return Store::Put{std::move(next)};
}

io::Task<ObjectPtr> Verbs::change(Write& write, Edit edit) {
  std::optional<Json> dry;
  Store::Decide decide = [&](const ObjectPtr& current) {
    return decide_change(write, edit, current, dry);
  };
  auto key = key_of(write);
  auto stored = co_await store_.write(key, decide);
  co_return dry ? make_unstored(key, *dry) : stored;
}

io::Task<ObjectPtr> Verbs::update(Write& write, Json object) {
  const auto& resource = write.resource;
  settle_type(write, object);
  if (resource.to_stored) {
    object = resource.to_stored(object);
  } else {
    check_fields(write, object, nullptr);
  }
  if (!resource.unconditional_update && text_at(object, {"metadata", "resourceVersion"}).empty())
    throw invalid(
        resource.subject(), write.name,
        {{"metadata.resourceVersion", "Invalid value: 0: must be specified for an update"}});
  Edit edit = [object](const Json&) { return object; };
  co_return co_await change(write, edit);
}

io::Task<ObjectPtr> Verbs::patch(Write& write, Json patch, PatchType type) {
  Edit edit = [this, &write, patch = std::move(patch), type](const Json& stored) {
    const auto& resource = write.resource;
    if (auto uid = text_at(patch, {"metadata", "uid"});
        !uid.empty() && uid != text_at(stored, {"metadata", "uid"}))
      throw invalid(resource.subject(), write.name,
                    {{"metadata.uid", cat("Invalid value: \"", uid, "\": field is immutable")}});
    Json next = resource.to_served ? resource.to_served(stored) : stored;
    switch (type) {
      case PatchType::merge: base::merge_patch(next, patch); break;
      case PatchType::json: json_patch(next, patch); break;
      case PatchType::strategic: strategic_merge_patch(next, patch); break;
    }
    settle_type(write, next);
    if (resource.to_stored) return resource.to_stored(next);
    check_fields(write, next, &patch);
    return next;
  };
  co_return co_await change(write, edit);
}

namespace {

// The finalizer that makes the garbage collector act before the object goes.
std::string_view propagation_finalizer(std::string_view policy) {
  if (policy == "Foreground") return "foregroundDeletion";
  if (policy == "Orphan") return "orphan";
  return "";
}

std::int64_t grace_of(const Resource& resource, const Json& object, const DeleteOptions& options) {
  if (!resource.graceful) return 0;
  auto phase = text_at(object, {"status", "phase"});
  if (text_at(object, {"spec", "nodeName"}).empty() || phase == "Succeeded" || phase == "Failed")
    return 0;
  if (options.grace_seconds) return *options.grace_seconds;
  return base::find_int(object, {"spec", "terminationGracePeriodSeconds"}).value_or(30);
}

// Deletion as marked on the object; true when it changed anything.
bool mark_deleted(const Resource& resource, Json& object, const DeleteOptions& options,
                  base::Time now) {
  auto grace = grace_of(resource, object, options);
  auto finalizer = propagation_finalizer(options.propagation);
  auto finalizers = finalizers_of(object);
  bool changed = false;
  if (!options.propagation.empty() && !is_deleting(object)) {
    std::erase_if(finalizers, [&](const std::string& name) {
      return (name == "foregroundDeletion" || name == "orphan") && name != finalizer;
    });
  }
  if (!finalizer.empty() && std::ranges::find(finalizers, finalizer) == finalizers.end() &&
      !is_deleting(object))
    finalizers.emplace_back(finalizer);
  if (finalizers != finalizers_of(object)) {
    base::JsonArray list;
    for (const auto& name : finalizers) list.emplace_back(name);
    base::ensure(object, {"metadata", "finalizers"}) = std::move(list);
    changed = true;
  }
  auto old = base::find_int(object, {"metadata", "deletionGracePeriodSeconds"});
  if (is_deleting(object) && old && *old <= grace) return changed;  // never made longer
  base::ensure(object, {"metadata", "deletionTimestamp"}) =
      base::format_time(now + std::chrono::seconds(grace));
  base::ensure(object, {"metadata", "deletionGracePeriodSeconds"}) = grace;
  if (auto generation = base::find_int(object, {"metadata", "generation"});
      generation && resource.counts_generation && !old)
    base::ensure(object, {"metadata", "generation"}) = *generation + 1;
  return true;
}

}  // namespace

io::Task<Verbs::Removal> Verbs::remove(Write& write, DeleteOptions options) {
  const auto& resource = write.resource;
  bool gone = false;
  std::optional<Json> dry;
  Store::Decide decide = [&](const ObjectPtr& current) -> Store::Outcome {
    if (!current) throw not_found(resource.subject(), write.name);
    auto before = current->tree();
    if (!options.uid.empty() && options.uid != current->uid)
      throw conflict(
          resource.subject(), write.name,
          cat("the UID in the precondition (", options.uid, ") does not match the UID in record (",
              current->uid, "). The object might have been deleted and then recreated"));
    auto version = text_at(before, {"metadata", "resourceVersion"});
    if (!options.resource_version.empty() && options.resource_version != version)
      throw conflict(resource.subject(), write.name,
                     cat("the ResourceVersion in the precondition (", options.resource_version,
                         ") does not match the ResourceVersion in record (", version,
                         "). The object might have been modified"));
    Attributes attributes{
        Operation::remove,     write.user,    resource, "", write.ns, write.name, nullptr, &before,
        write.options.dry_run, write.warnings};
    if (admission_) admission_(attributes);
    Json next = before;
    bool changed = mark_deleted(resource, next, options, clock_.now());
    if (resource.plural == "namespaces" && resource.group.empty())
      base::ensure(next, {"status", "phase"}) = "Terminating";
    gone = waits_for_nothing(resource, next);
    if (options.dry_run || write.options.dry_run) {
      dry = std::move(next);
      return Store::Keep{};
    }
    // What goes at once was never "being deleted".
    if (gone) return Store::Remove{resource.graceful || is_deleting(before) ? next : before};
    if (!changed) return Store::Keep{};
    return Store::Put{std::move(next)};
  };
  auto key = key_of(write);
  auto object = co_await store_.write(key, decide);
  if (dry) object = make_unstored(key, *dry);
  co_return Removal{object, gone};
}

}  // namespace apiserver
