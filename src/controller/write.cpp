#include "controller/write.h"

#include "base/text.h"
#include "io/crypto.h"

namespace controller {

namespace {

std::vector<std::string> finalizers_of(const base::Json& object) {
  std::vector<std::string> names;
  const base::Json* list = base::find(object, {"metadata", "finalizers"});
  if (list && list->is_array())
    for (const base::Json& name : list->get_array())
      if (name.is_string()) names.emplace_back(name.get_string());
  return names;
}

base::Json finalizers_patch(const base::Json& object, const std::vector<std::string>& names) {
  base::JsonArray list;
  for (const std::string& name : names) list.emplace_back(name);
  return {{"metadata",
           {{"finalizers", std::move(list)},
            {"resourceVersion", base::text_at(object, {"metadata", "resourceVersion"})}}}};
}

}  // namespace

std::optional<base::Json> plan_status_patch(const base::Json& before, const base::Json& after,
                                            const std::string& resource_version) {
  base::Json diff = base::merge_diff(before, after);
  if (diff.is_object() && diff.get_object().empty()) return {};
  return base::Json{{"metadata", {{"resourceVersion", resource_version}}},
                    {"status", std::move(diff)}};
}

io::Task<Child> create_or_get(kube::Api& api, kube::Ref ref, base::Json object) {
  std::optional<base::Json> made;
  try {
    made = co_await api.create(ref, std::move(object), {});
  } catch (const base::Error& error) {
    if (error.code() != base::Code::exists) throw;
  }
  if (made) co_return Child{std::move(*made), Made::now};
  base::Json there = co_await api.get(std::move(ref), {});
  co_return Child{std::move(there), Made::found};
}

bool is_controlled_by(const base::Json& object, const std::string& owner_uid) {
  const base::Json* owners = base::find(object, {"metadata", "ownerReferences"});
  if (!owners || !owners->is_array()) return false;
  for (const base::Json& owner : owners->get_array())
    if (base::find_bool(owner, {"controller"}).value_or(false) &&
        base::text_at(owner, {"uid"}) == owner_uid)
      return true;
  return false;
}

bool has_finalizer(const base::Json& object, std::string_view finalizer) {
  for (const std::string& name : finalizers_of(object))
    if (name == finalizer) return true;
  return false;
}

std::optional<base::Json> plan_add_finalizer(const base::Json& object, std::string_view finalizer) {
  if (has_finalizer(object, finalizer)) return {};
  auto names = finalizers_of(object);
  names.emplace_back(finalizer);
  return finalizers_patch(object, names);
}

std::optional<base::Json> plan_remove_finalizer(const base::Json& object,
                                                std::string_view finalizer) {
  if (!has_finalizer(object, finalizer)) return {};
  auto names = finalizers_of(object);
  std::erase(names, finalizer);
  return finalizers_patch(object, names);
}

io::Task<bool> remove_if_there(kube::Api& api, kube::Ref ref, kube::RemoveOptions options) {
  bool there = true;
  try {
    co_await api.remove(std::move(ref), std::move(options));
  } catch (const base::Error& error) {
    if (error.code() != base::Code::not_found) throw;
    there = false;
  }
  co_return there;
}

std::string child_name(const std::string& parent, std::string_view suffix) {
  constexpr std::size_t most = 63, kept = 52, digits = 8;
  std::string whole = suffix.empty() ? parent : base::cat(parent, "-", suffix);
  if (whole.size() <= most) return whole;
  std::string head = whole.substr(0, kept);
  while (head.ends_with('-') || head.ends_with('.')) head.pop_back();
  return base::cat(head, "-", io::sha256_hex(whole).substr(0, digits));
}

}  // namespace controller
