#include "apiserver/meta.h"

#include <algorithm>

#include "base/text.h"

namespace apiserver {

using base::cat;
using base::find;
using base::Json;
using base::JsonObject;
using base::text_at;

namespace {

constexpr std::size_t generated_name_length = 63;
constexpr std::size_t generated_suffix = 5;

bool is_label_part(std::string_view text) {  // [A-Za-z0-9] with [-_.] inside, at most 63
  auto alnum = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= 63 && alnum(text.front()) && alnum(text.back()) &&
         std::ranges::all_of(text,
                             [&](char c) { return alnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_qualified_name(std::string_view text) {
  auto slash = text.find('/');
  if (slash == std::string_view::npos) return is_label_part(text);
  return base::is_dns_subdomain(text.substr(0, slash)) && is_label_part(text.substr(slash + 1));
}

constexpr std::string_view qualified_rule =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr std::string_view label_rule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
    "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
constexpr std::string_view subdomain_rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view dns_label_rule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

void check_name(const Resource& resource, std::string_view name, base::Issues& issues) {
  auto refuse = [&](std::string_view why) {
    issues.push_back({"metadata.name", cat("Invalid value: \"", name, "\": ", why)});
  };
  if (resource.path_segment_names) {
    if (name == "." || name == "..") refuse(cat("may not be '", name, "'"));
    for (char c : {'/', '%'})
      if (name.find(c) != std::string_view::npos) refuse(cat("may not contain '", c, "'"));
  } else if (resource.label_names) {
    if (name.size() > 63) refuse("must be no more than 63 bytes");
    if (!base::is_dns_label(name) && name.size() <= 63) refuse(dns_label_rule);
  } else {
    if (name.size() > 253) refuse("must be no more than 253 bytes");
    if (!base::is_dns_subdomain(name) && name.size() <= 253) refuse(subdomain_rule);
  }
}

void check_labels(const Json& object, base::Issues& issues) {
  auto labels = find(object, {"metadata", "labels"});
  if (!labels || !labels->is_object()) return;
  for (const auto& [key, value] : labels->get_object()) {
    if (!is_qualified_name(key))
      issues.push_back({"metadata.labels",
                        cat("Invalid value: \"", std::string_view(key), "\": ", qualified_rule)});
    std::string_view text = value.is_string() ? std::string_view(value.get_string()) : "";
    if (text.size() > 63) {
      issues.push_back(
          {"metadata.labels", cat("Invalid value: \"", text, "\": must be no more than 63 bytes")});
    } else if (!text.empty() && !is_label_part(text)) {
      issues.push_back({"metadata.labels", cat("Invalid value: \"", text, "\": ", label_rule)});
    }
  }
}

void check_annotations(const Json& object, base::Issues& issues) {
  auto annotations = find(object, {"metadata", "annotations"});
  if (!annotations || !annotations->is_object()) return;
  std::size_t total = 0;
  for (const auto& [key, value] : annotations->get_object()) {
    if (!is_qualified_name(base::lower(key)))
      issues.push_back({"metadata.annotations",
                        cat("Invalid value: \"", std::string_view(key), "\": ", qualified_rule)});
    total += key.size() + (value.is_string() ? value.get_string().size() : 0);
  }
  if (total > 256 * 1024)
    issues.push_back({"metadata.annotations", "Too long: may not be more than 262144 bytes"});
}

void check_owners(const Json& object, base::Issues& issues) {
  auto owners = find(object, {"metadata", "ownerReferences"});
  if (!owners || !owners->is_array()) return;
  std::string controller;
  for (std::size_t i = 0; i < owners->get_array().size(); ++i) {
    const auto& owner = owners->get_array()[i];
    for (std::string_view member : {"apiVersion", "kind", "name", "uid"})
      if (text_at(owner, {member}).empty())
        issues.push_back({cat("metadata.ownerReferences[", i, "].", member),
                          cat("Invalid value: \"\": ", member == "apiVersion" ? "version" : member,
                              " must not be empty")});
    if (base::find_bool(owner, {"controller"}).value_or(false)) {
      if (!controller.empty())
        issues.push_back({"metadata.ownerReferences",
                          cat("Invalid value: only one reference can have Controller set to true. "
                              "Found \"true\" in references for ",
                              controller, " and ", text_at(owner, {"name"}))});
      controller = text_at(owner, {"name"});
    }
  }
}

void check_finalizers(const Json& object, const Json* before, base::Issues& issues) {
  auto now = finalizers_of(object);
  for (const auto& finalizer : now)
    if (!is_qualified_name(finalizer))
      issues.push_back(
          {"metadata.finalizers", cat("Invalid value: \"", finalizer, "\": ", qualified_rule)});
  if (!before || !is_deleting(*before)) return;
  auto old = finalizers_of(*before);
  std::vector<std::string> added;
  for (const auto& finalizer : now)
    if (std::ranges::find(old, finalizer) == old.end()) added.push_back(cat("\"", finalizer, "\""));
  if (!added.empty())
    issues.push_back({"metadata.finalizers",
                      cat("Forbidden: no new finalizers can be added if the object is being "
                          "deleted, found new finalizers []string{",
                          base::join(added, ", "), "}")});
}

// A wrong type in metadata would be a decoding error in Kubernetes.
void check_shape(const Json& object) {
  auto metadata = find(object, {"metadata"});
  if (!metadata) return;
  auto wrong = [](std::string_view where, std::string_view want) {
    throw bad_request(cat("cannot restore struct from: metadata.", where, ": expected ", want));
  };
  if (!metadata->is_object()) throw bad_request("metadata: expected an object");
  for (std::string_view text : {"name", "generateName", "namespace", "uid", "resourceVersion"})
    if (auto at = find(*metadata, {text}); at && !at->is_string() && !at->is_null())
      wrong(text, "a string");
  for (std::string_view map : {"labels", "annotations"})
    if (auto at = find(*metadata, {map}); at && !at->is_null()) {
      if (!at->is_object()) wrong(map, "a map of strings");
      for (const auto& member : at->get_object())
        if (!member.value().is_string()) wrong(cat(map, ".", member.key()), "a string");
    }
  for (std::string_view list : {"finalizers", "ownerReferences"})
    if (auto at = find(*metadata, {list}); at && !at->is_null() && !at->is_array())
      wrong(list, "a list");
}

void erase(JsonObject& object, std::initializer_list<std::string_view> members) {
  for (auto member : members) object.erase(member);
}

// Members that are null or empty maps say nothing.
void drop_empty(JsonObject& metadata) {
  for (std::string_view member : {"labels", "annotations", "finalizers", "ownerReferences"}) {
    auto at = metadata.if_contains(member);
    if (at && (at->is_null() || (at->is_object() && at->get_object().empty()) ||
               (at->is_array() && at->get_array().empty())))
      metadata.erase(member);
  }
}

}  // namespace

void begin_object(const Resource& resource, Json& object, std::string_view ns, base::Clock& clock,
                  base::Random& random) {
  check_shape(object);
  auto& metadata = base::ensure(object, {"metadata"});
  if (!metadata.is_object()) metadata.emplace_object();
  auto& meta = metadata.get_object();
  if (!text_at(object, {"metadata", "resourceVersion"}).empty())
    throw bad_request("resourceVersion should not be set on objects to be created");
  auto own = text_at(object, {"metadata", "namespace"});
  if (resource.scope == Scope::namespaced) {
    if (!own.empty() && own != ns)
      throw bad_request(
          "the namespace of the provided object does not match the namespace sent on the request");
    meta["namespace"] = ns;
  } else {
    meta.erase("namespace");
  }
  erase(meta, {"selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields",
               "generation", "resourceVersion"});
  drop_empty(meta);
  auto prefix = text_at(object, {"metadata", "generateName"});
  if (text_at(object, {"metadata", "name"}).empty() && !prefix.empty())
    meta["name"] = prefix.substr(0, generated_name_length - generated_suffix) +
                   base::random_suffix(random, generated_suffix);
  meta["uid"] = base::random_uuid(random);
  meta["creationTimestamp"] = base::format_time(clock.now());
  if (resource.counts_generation) meta["generation"] = 1;
}

void keep_identity(const Resource& resource, Json& next, const Json& before) {
  check_shape(next);
  auto name = text_at(before, {"metadata", "name"});
  auto& metadata = base::ensure(next, {"metadata"});
  if (!metadata.is_object()) metadata.emplace_object();
  auto& meta = metadata.get_object();
  auto version = text_at(next, {"metadata", "resourceVersion"});
  if (!version.empty() && version != "0" &&
      version != text_at(before, {"metadata", "resourceVersion"}))
    throw conflict(resource.subject(), name);
  auto uid = text_at(next, {"metadata", "uid"});
  auto old_uid = text_at(before, {"metadata", "uid"});
  if (!uid.empty() && uid != old_uid)
    throw conflict(
        resource.subject(), name,
        cat("Precondition failed: UID in precondition: ", uid, ", UID in object meta: ", old_uid));
  meta.erase("selfLink");
  meta.erase("managedFields");
  for (std::string_view member :
       {"name", "namespace", "generateName", "uid", "resourceVersion", "creationTimestamp",
        "deletionTimestamp", "deletionGracePeriodSeconds", "generation"}) {
    if (auto old = find(before, {"metadata", member})) {
      meta[member] = *old;
    } else {
      meta.erase(member);
    }
  }
  drop_empty(meta);
}

base::Issues validate_meta(const Resource& resource, const Json& object, const Json* before) {
  base::Issues issues;
  auto name = text_at(object, {"metadata", "name"});
  if (!before) {
    if (name.empty()) {
      issues.push_back({"metadata.name", "Required value: name or generateName is required"});
    } else {
      check_name(resource, name, issues);
    }
  }
  check_labels(object, issues);
  check_annotations(object, issues);
  check_owners(object, issues);
  check_finalizers(object, before, issues);
  return issues;
}

std::vector<std::string> finalizers_of(const Json& object) {
  std::vector<std::string> names;
  if (auto list = find(object, {"metadata", "finalizers"}); list && list->is_array())
    for (const auto& element : list->get_array())
      if (element.is_string()) names.emplace_back(element.get_string());
  return names;
}

bool is_deleting(const Json& object) {
  return !text_at(object, {"metadata", "deletionTimestamp"}).empty();
}

bool same_but_version(const Json& a, const Json& b) {
  auto version = [](const Json& tree) { return find(tree, {"metadata", "resourceVersion"}); };
  if (!version(a) || !version(b) || *version(a) == *version(b)) return a == b;
  Json copy = a;
  base::ensure(copy, {"metadata", "resourceVersion"}) = *version(b);
  return copy == b;
}

}  // namespace apiserver
