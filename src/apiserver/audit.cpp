#include "apiserver/audit.h"

#include "apiserver/context.h"

namespace apiserver {

using base::JsonArray;
using base::JsonObject;

namespace {

JsonArray strings(const std::vector<std::string>& list) {
  JsonArray out;
  for (const auto& text : list) out.emplace_back(text);
  return out;
}

JsonObject describe_user(const User& user) {
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

JsonObject describe_object(const Call& call) {
  const auto& info = call.info;
  JsonObject out{{"resource", info.resource}};
  if (!info.ns.empty()) out["namespace"] = info.ns;
  const auto& name = info.name.empty() ? call.answer_name : info.name;
  if (!name.empty()) out["name"] = name;
  if (!info.group.empty()) out["apiGroup"] = info.group;
  out["apiVersion"] = info.version;
  if (!info.subresource.empty()) out["subresource"] = info.subresource;
  return out;
}

std::string address_of(const io::Peer& peer) {
  return peer.address.substr(0, peer.address.rfind(':'));
}

}  // namespace

void Audit::write(const Call& call, AuditStage stage) const {
  if (!sink_) return;
  JsonObject status{{"metadata", JsonObject{}}};
  for (auto member : {"status", "message", "reason"})
    if (auto value = call.answer.if_contains(member)) status[member] = *value;
  status["code"] = stage == AuditStage::started ? 200 : call.status;
  JsonObject event{{"kind", "Event"},
                   {"apiVersion", "audit.k8s.io/v1"},
                   {"level", "Metadata"},
                   {"auditID", base::random_uuid(random_)},
                   {"stage", stage == AuditStage::started ? "ResponseStarted" : "ResponseComplete"},
                   {"requestURI", call.exchange.target()},
                   {"verb", call.info.verb},
                   {"user", describe_user(call.asker ? *call.asker : call.user)},
                   {"sourceIPs", JsonArray{address_of(call.exchange.peer())}},
                   {"userAgent", call.exchange.headers().get("User-Agent")}};
  if (call.asker) event["impersonatedUser"] = describe_user(call.user);
  if (call.info.is_resource) event["objectRef"] = describe_object(call);
  event["responseStatus"] = std::move(status);
  event["requestReceivedTimestamp"] = base::format_micro_time(call.received);
  event["stageTimestamp"] = base::format_micro_time(clock_.now());
  sink_(base::to_text(event));
}

}  // namespace apiserver
