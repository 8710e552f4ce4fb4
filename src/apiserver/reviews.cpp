// Kinds that are only created and never stored: who am I, may I, whose token is this.
#include "apiserver/context.h"
#include "base/text.h"

namespace apiserver {

using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

namespace {

JsonArray strings(const std::vector<std::string>& list) {
  JsonArray out;
  for (const auto& text : list) out.emplace_back(text);
  return out;
}

JsonObject describe(const User& user) {
  JsonObject out{{"username", user.name}};
  if (!user.uid.empty()) out["uid"] = user.uid;
  out["groups"] = strings(user.groups);
  if (!user.extra.empty()) {
    JsonObject extra;
    for (const auto& [key, values] : user.extra) extra[key] = strings(values);
    out["extra"] = std::move(extra);
  }
  return out;
}

std::vector<std::string> strings_at(const Json& tree,
                                    std::initializer_list<std::string_view> path) {
  std::vector<std::string> out;
  if (auto list = base::find(tree, path); list && list->is_array())
    for (const auto& element : list->get_array())
      if (element.is_string()) out.emplace_back(element.get_string());
  return out;
}

RequestInfo asked_of(const Json& spec) {
  RequestInfo info;
  if (auto resource = base::find(spec, {"resourceAttributes"})) {
    info.is_resource = true;
    info.verb = text_at(*resource, {"verb"});
    info.group = text_at(*resource, {"group"});
    info.version = text_at(*resource, {"version"});
    info.ns = text_at(*resource, {"namespace"});
    info.resource = text_at(*resource, {"resource"});
    info.subresource = text_at(*resource, {"subresource"});
    info.name = text_at(*resource, {"name"});
  } else {
    info.verb = text_at(spec, {"nonResourceAttributes", "verb"});
    info.path = text_at(spec, {"nonResourceAttributes", "path"});
  }
  return info;
}

JsonObject decide(Context& context, const User& user, const Json& spec) {
  auto info = asked_of(spec);
  JsonObject status{{"allowed", may(context, user, info, {})}};
  return status;
}

User user_in(const Json& spec) {
  User user;
  user.name = text_at(spec, {"user"});
  user.uid = text_at(spec, {"uid"});
  user.groups = strings_at(spec, {"groups"});
  return user;
}

JsonObject review_token(Context& context, const Json& spec) {
  auto audiences = strings_at(spec, {"audiences"});
  if (audiences.empty()) audiences = context.authenticator.settings().audiences;
  auto owner = context.authenticator.review(text_at(spec, {"token"}), audiences);
  if (!owner) return {{"user", JsonObject{}}, {"error", "[invalid bearer token]"}};
  std::vector<std::string> shared;
  for (const auto& audience : owner->audiences)
    if (std::ranges::find(audiences, audience) != audiences.end()) shared.push_back(audience);
  return {{"authenticated", true}, {"user", describe(owner->user)}, {"audiences", strings(shared)}};
}

JsonObject list_rules(Context& context, const User& user, const std::string& ns) {
  JsonArray resources, paths;
  for (const auto& rule : context.rbac.rules_of(user, ns)) {
    if (!rule.resources.empty()) {
      JsonObject entry{{"verbs", strings(rule.verbs)},
                       {"apiGroups", strings(rule.groups)},
                       {"resources", strings(rule.resources)}};
      if (!rule.names.empty()) entry["resourceNames"] = strings(rule.names);
      resources.push_back(std::move(entry));
    }
    if (!rule.paths.empty())
      paths.push_back(
          JsonObject{{"verbs", strings(rule.verbs)}, {"nonResourceURLs", strings(rule.paths)}});
  }
  return {{"resourceRules", std::move(resources)},
          {"nonResourceRules", std::move(paths)},
          {"incomplete", false}};
}

}  // namespace

io::Task<> serve_review(Context& context, Call& call) {
  negotiate(call.exchange.headers().get("Accept"), Forms::object_only);
  auto review = co_await read_json(context, call);
  if (!review.is_object()) throw bad_request("the body of the request must be a JSON object");
  const auto& plural = call.resource->plural;
  auto& object = review.as_object();
  object["kind"] = call.resource->kind;
  object["apiVersion"] = call.resource->api_version();
  base::ensure(review, {"metadata"}) = JsonObject{{"creationTimestamp", nullptr}};
  auto spec = base::ensure(review, {"spec"});
  if (plural == "selfsubjectreviews") {
    object["status"] = JsonObject{{"userInfo", describe(call.user)}};
    object.erase("spec");
  } else if (plural == "selfsubjectaccessreviews") {
    object["status"] = decide(context, call.user, spec);
  } else if (plural == "selfsubjectrulesreviews") {
    object["status"] = list_rules(context, call.user, text_at(spec, {"namespace"}));
  } else if (plural == "tokenreviews") {
    object["status"] = review_token(context, spec);
  } else {
    object["status"] = decide(context, user_in(spec), spec);
  }
  co_await answer(call, 201, base::to_text(review));
}

}  // namespace apiserver
