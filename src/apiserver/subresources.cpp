// pods/binding, pods/eviction, pods/log, serviceaccounts/token, namespaces/finalize.
#include "apiserver/context.h"
#include "apiserver/meta.h"
#include "apiserver/pod_log.h"
#include "base/text.h"

namespace apiserver {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

namespace {

constexpr std::int64_t token_seconds_least = 600;

base::Json plain_success() {
  return JsonObject{{"kind", "Status"},
                    {"apiVersion", "v1"},
                    {"metadata", JsonObject{}},
                    {"status", "Success"},
                    {"code", 201}};
}

// ---- pods/binding ----

void assign_node(Json& pod, const std::string& node, base::Time now) {
  base::ensure(pod, {"spec", "nodeName"}) = node;
  auto& conditions = base::ensure(pod, {"status", "conditions"});
  if (!conditions.is_array()) conditions.emplace_array();
  JsonObject scheduled{{"type", "PodScheduled"},
                       {"status", "True"},
                       {"lastProbeTime", nullptr},
                       {"lastTransitionTime", base::format_time(now)}};
  for (auto& condition : conditions.get_array())
    if (text_at(condition, {"type"}) == "PodScheduled") {
      condition = std::move(scheduled);
      return;
    }
  conditions.get_array().push_back(std::move(scheduled));
}

io::Task<> serve_binding(Context& context, Call& call) {
  auto binding = co_await read_json(context, call);
  auto options = parse_write_options(call.target);
  auto node = text_at(binding, {"target", "name"});
  auto kind = text_at(binding, {"target", "kind"});
  if (node.empty() || (!kind.empty() && kind != "Node"))
    throw invalid(
        {"", "pods", "Binding"}, call.info.name,
        {{node.empty() ? "target.name" : "target.kind",
          node.empty() ? "Required value"
                       : cat("Unsupported value: \"", kind, "\": supported values: \"Node\"")}});
  auto uid = text_at(binding, {"metadata", "uid"});
  const auto subject = call.resource->subject();
  Store::Decide decide = [&](const ObjectPtr& current) -> Store::Outcome {
    if (!current) throw not_found(subject, call.info.name);
    if (!uid.empty() && uid != current->uid)
      throw conflict(subject, call.info.name,
                     cat("Precondition failed: UID in precondition: ", uid,
                         ", UID in object meta: ", current->uid));
    auto pod = current->tree();
    auto bound = text_at(pod, {"spec", "nodeName"});
    if (is_deleting(pod))
      throw conflict(
          subject, call.info.name,
          cat("pod ", call.info.name, " is being deleted, cannot be assigned to a host"));
    if (!bound.empty())
      throw conflict({"", "pods/binding", "Pod"}, call.info.name,
                     cat("pod ", call.info.name, " is already assigned to node \"", bound, "\""));
    assign_node(pod, node, context.clock.now());
    if (options.dry_run) return Store::Keep{};
    return Store::Put{std::move(pod)};
  };
  Key key{call.resource->storage, call.info.ns, call.info.name};
  co_await context.store.write(key, decide);
  co_await answer(call, 201, base::to_text(plain_success()));
}

// ---- pods/eviction ----

io::Task<> serve_eviction(Context& context, Call& call) {
  auto eviction = co_await read_json(context, call);
  auto options = base::find(eviction, {"deleteOptions"});
  auto text = options ? base::to_text(*options) : std::string();
  auto parsed = parse_delete_options(call.target, text);
  Write write{*call.resource, call.info.ns, call.info.name, "", call.user, {}, {}};
  co_await context.verbs.remove(write, parsed);
  co_await answer(call, 201, base::to_text(plain_success()));
}

// ---- serviceaccounts/token ----

const Subject token_subject{"authentication.k8s.io", "tokenrequests", "TokenRequest"};

void bind_to_pod(Context& context, Call& call, const Json& reference,
                 Authenticator::TokenRequest& request) {
  auto name = text_at(reference, {"name"});
  auto uid = text_at(reference, {"uid"});
  auto pod = context.store.find({"pods", call.info.ns, name});
  Subject pods{"", "pods", "Pod"};
  if (!pod) throw not_found(pods, name);
  if (!uid.empty() && uid != pod->uid)
    throw conflict(pods, name,
                   cat("the UID in the bound object reference (", uid,
                       ") does not match the UID in record. The object might have been deleted and "
                       "then recreated"));
  auto tree = pod->tree();
  if (text_at(tree, {"spec", "serviceAccountName"}) != call.info.name)
    throw bad_request(cat("cannot bind token for serviceaccount \"", call.info.name,
                          "\" to pod running with different serviceaccount name."));
  request.pod = name;
  request.pod_uid = pod->uid;
  request.node = text_at(tree, {"spec", "nodeName"});
  if (auto node = context.store.find({"nodes", "", request.node})) request.node_uid = node->uid;
}

// Audiences that a pod's projected volumes name.
bool names_audience(const Json& pod, const std::string& audience) {
  auto volumes = base::find(pod, {"spec", "volumes"});
  if (!volumes || !volumes->is_array()) return false;
  for (const auto& volume : volumes->get_array()) {
    auto sources = base::find(volume, {"projected", "sources"});
    if (!sources || !sources->is_array()) continue;
    for (const auto& source : sources->get_array())
      if (base::find(source, {"serviceAccountToken"}) &&
          text_at(source, {"serviceAccountToken", "audience"}) == audience)
        return true;
  }
  return false;
}

void restrict_token(Context& context, const Call& call,
                    const Authenticator::TokenRequest& request) {
  auto node = node_of(call.user);
  if (node.empty()) return;
  auto refuse = [&](std::string_view why) {
    throw forbidden(call.resource->subject(), call.info.name, why);
  };
  if (request.pod.empty()) refuse(cat("node requested token not bound to a pod"));
  if (request.node != node)
    refuse("node requested token bound to a pod scheduled on a different node");
  auto pod = context.store.find({"pods", request.ns, request.pod})->tree();
  for (const auto& audience : request.audiences)
    if (!names_audience(pod, audience))
      refuse(cat("audience \"", audience, "\" not found in pod spec volume"));
}

io::Task<> serve_token(Context& context, Call& call) {
  auto body = co_await read_json(context, call);
  auto account = context.store.find({"serviceaccounts", call.info.ns, call.info.name});
  if (!account) throw not_found(call.resource->subject(), call.info.name);
  Authenticator::TokenRequest request;
  request.ns = call.info.ns;
  request.account = call.info.name;
  request.account_uid = account->uid;
  if (auto list = base::find(body, {"spec", "audiences"}); list && list->is_array())
    for (const auto& audience : list->get_array())
      if (audience.is_string()) request.audiences.emplace_back(audience.get_string());
  request.seconds = base::find_int(body, {"spec", "expirationSeconds"}).value_or(request.seconds);
  if (request.seconds < token_seconds_least)
    throw invalid(
        token_subject, "",
        {{"spec.expirationSeconds", cat("Invalid value: ", request.seconds,
                                        ": may not specify a duration less than 10 minutes")}});
  if (auto reference = base::find(body, {"spec", "boundObjectRef"});
      reference && reference->is_object()) {
    auto kind = text_at(*reference, {"kind"});
    if (kind != "Pod")
      throw bad_request(cat("cannot bind token to object of type ", kind, ": expected Pod"));
    bind_to_pod(context, call, *reference, request);
  }
  restrict_token(context, call, request);
  auto token = context.authenticator.issue(request);
  auto& object = body.as_object();
  object["kind"] = "TokenRequest";
  object["apiVersion"] = "authentication.k8s.io/v1";
  object["metadata"] = JsonObject{{"name", call.info.name},
                                  {"namespace", call.info.ns},
                                  {"creationTimestamp", base::format_time(context.clock.now())}};
  base::ensure(body, {"spec", "expirationSeconds"}) = request.seconds;
  JsonArray audiences;
  for (const auto& audience :
       request.audiences.empty() ? context.authenticator.settings().audiences : request.audiences)
    audiences.emplace_back(audience);
  base::ensure(body, {"spec", "audiences"}) = std::move(audiences);
  object["status"] =
      JsonObject{{"token", token.text}, {"expirationTimestamp", base::format_time(token.expires)}};
  co_await answer(call, 201, base::to_text(body));
}

// ---- namespaces/finalize ----

// PUT as in Kubernetes; a merge patch says the same for clients that never PUT.
io::Task<> serve_finalize(Context& context, Call& call) {
  auto text = co_await read_body(context, call);
  auto body = base::parse_json(text);
  auto asked = base::find(body, {"spec", "finalizers"});
  Json finalizers = asked ? *asked : Json(JsonArray{});
  Store::Decide decide = [&](const ObjectPtr& current) -> Store::Outcome {
    if (!current) throw not_found(call.resource->subject(), call.info.name);
    auto ns = current->tree();
    auto version = text_at(body, {"metadata", "resourceVersion"});
    if (!version.empty() && version != text_at(ns, {"metadata", "resourceVersion"}))
      throw conflict(call.resource->subject(), call.info.name);
    base::ensure(ns, {"spec", "finalizers"}) = finalizers;
    if (is_deleting(ns) && finalizers_of(ns).empty() && finalizers.is_array() &&
        finalizers.get_array().empty())
      return Store::Remove{std::move(ns)};
    return Store::Put{std::move(ns)};
  };
  Key key{call.resource->storage, "", call.info.name};
  auto object = co_await context.store.write(key, decide);
  co_await answer(call, 200, object->text);
}

}  // namespace

io::Task<> serve_subresource(Context& context, Call& call) {
  auto sub = call.resource->find_subresource(call.info.subresource);
  if (!sub) throw StatusError(404, "NotFound", "the server could not find the requested resource");
  if (std::ranges::find(sub->verbs, call.info.verb) == sub->verbs.end()) throw method_not_allowed();
  if (sub->name == "binding") return serve_binding(context, call);
  if (sub->name == "eviction") return serve_eviction(context, call);
  if (sub->name == "log") return serve_pod_log(context, call);
  if (sub->name == "token") return serve_token(context, call);
  if (sub->name == "finalize") return serve_finalize(context, call);
  throw StatusError(404, "NotFound", "the server could not find the requested resource");
}

}  // namespace apiserver
