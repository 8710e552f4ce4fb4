#include "apiserver/list.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"

namespace apiserver {

using base::cat;

namespace {

constexpr std::size_t page_scan = 512;  // objects looked at together while a page is filled

std::string encode_position(const Position& position) {
  base::JsonObject token{{"v", "meta.k8s.io/v1"},
                         {"rv", position.version.value_or(-1)},
                         {"ns", position.after.ns},
                         {"name", position.after.name}};
  return base::base64url(base::to_text(token));
}

Position decode_position(std::string_view token, const std::string& storage) {
  auto refuse = [] {
    return bad_request("continue key is not valid: it was not made by this server");
  };
  auto text = base::parse_base64url(token);
  if (!text) throw refuse();
  try {
    auto tree = base::parse_json(*text);
    if (base::text_at(tree, {"v"}) != "meta.k8s.io/v1") throw refuse();
    auto version = base::find_int(tree, {"rv"});
    if (version && *version < 0) version.reset();
    return {version, {storage, base::text_at(tree, {"ns"}), base::text_at(tree, {"name"})}};
  } catch (const base::Error&) {
    throw refuse();
  }
}

// As k8s.io/apimachinery validates ListOptions.
void check_list_options(const io::Target& target) {
  auto version = target.get("resourceVersion");
  auto match = target.get("resourceVersionMatch");
  base::Issues issues;
  auto forbid = [&](std::string_view field, std::string_view why) {
    issues.push_back({std::string(field), cat("Forbidden: ", why)});
  };
  if (!match.empty()) {
    if (version.empty())
      forbid("resourceVersionMatch",
             "resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (!target.get("continue").empty())
      forbid("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided");
    if (match != "Exact" && match != "NotOlderThan")
      issues.push_back(
          {"resourceVersionMatch", cat("Unsupported value: \"", match,
                                       "\": supported values: \"Exact\", \"NotOlderThan\", \"\"")});
    if (match == "Exact" && version == "0")
      forbid("resourceVersionMatch",
             "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  }
  if (target.has("sendInitialEvents"))
    forbid("sendInitialEvents", "sendInitialEvents is forbidden for list");
  if (!issues.empty()) throw invalid({"meta.k8s.io", "", "ListOptions"}, "", issues);
}

}  // namespace

FieldSelector field_selector_of(const Call& call) {
  auto selector = parse_field_selector(call.target.get("fieldSelector"));
  const auto& known = call.resource->selectable;
  for (auto& [key, op, values] : selector.requirements) {
    if (key == "metadata.name" || key == "metadata.namespace") continue;
    auto at = std::ranges::find(known, key, &Selectable::name);
    if (at == known.end()) throw bad_request(cat("field label not supported: ", key));
    key = at->path;
  }
  return selector;
}

ListRequest parse_list(const Context& context, const Call& call) {
  const auto& target = call.target;
  const auto& storage = call.resource->storage;
  ListRequest list{parse_label_selector(target.get("labelSelector")), field_selector_of(call),
                   call.resource->scope == Scope::namespaced ? call.info.ns : "",
                   query_number(target, "limit").value_or(0)};
  check_list_options(target);
  list.from.after = {storage, list.ns, ""};
  auto version = target.get("resourceVersion");
  auto match = target.get("resourceVersionMatch");
  bool any_version = version.empty() || version == "0";
  if (auto token = target.get("continue"); !token.empty()) {
    if (!any_version)
      throw bad_request("specifying resource version is not allowed when using continue");
    list.from = decode_position(token, storage);
    list.continues = true;
  }
  if (!any_version) {
    auto number = base::parse_int(version);
    if (!number)
      throw bad_request(cat("Invalid value: \"", version, "\": resourceVersion is no number"));
    if (*number > context.store.version())
      throw too_large_version(*number, context.store.version());
    // A page without `resourceVersionMatch` is exact, too, as it was before that parameter came.
    if (match == "Exact" || (match.empty() && list.limit > 0)) list.from.version = *number;
  }
  return list;
}

namespace {

bool selected(const ListRequest& list, const Object& object) {
  return list.labels.matches(object.labels) && list.fields.matches(object.fields);
}

// What was there at the version of a list, or is there now.
std::vector<ObjectPtr> objects_after(const Store& store, const ListRequest& list, const Key& after,
                                     std::size_t limit) {
  const auto& version = list.from.version;
  if (!version) return store.list_after(after.storage, list.ns, after, limit);
  auto then = store.list_after_at(after.storage, list.ns, *version, after, limit);
  if (then) return *std::move(then);
  if (!list.continues) throw expired("The resourceVersion for the provided list is too old.");
  auto error = expired(
      "The provided continue parameter is too old to display a consistent list result. You can "
      "start a new list without the continue parameter, or use the continue token in this response "
      "to retrieve the remainder of the results. Continuing with the provided token results in an "
      "inconsistent list - objects that were created, modified, or deleted between the time the "
      "first chunk was returned and now may show up in the list.");
  error.next = encode_position({{}, after});
  throw error;
}

std::vector<ObjectPtr> select_objects(const Store& store, const ListRequest& list) {
  std::vector<ObjectPtr> page;
  auto after = list.from.after;
  for (;;) {
    auto some = objects_after(store, list, after, page_scan);
    if (some.empty()) return page;
    for (const auto& object : some)
      if (selected(list, *object)) {
        page.push_back(object);
        if (list.limit > 0 && page.size() == std::size_t(list.limit)) return page;
      }
    after = some.back()->key;
  }
}

}  // namespace

ListPage make_page(const Context& context, const ListRequest& list) {
  const auto& store = context.store;
  auto version = list.from.version.value_or(store.version());
  ListPage page{select_objects(store, list), {version, "", 0}};
  if (list.limit <= 0 || page.objects.size() < std::size_t(list.limit)) return page;
  const auto& last = page.objects.back()->key;
  auto rest = objects_after(store, list, last, std::size_t(-1));
  if (rest.empty()) return page;
  page.meta.next = encode_position({version, last});
  if (list.labels.requirements.empty() && list.fields.requirements.empty())
    page.meta.remaining = std::int64_t(rest.size());
  return page;
}

}  // namespace apiserver
