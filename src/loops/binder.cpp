#include "loops/binder.h"

#include <algorithm>

#include "base/text.h"
#include "objects/kinds.h"
#include "objects/pod.h"

namespace loops {

using base::cat;
using base::find;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

namespace {

const JsonArray* find_array(const Json& object, std::initializer_list<std::string_view> path) {
  auto at = find(object, path);
  return at ? at->if_array() : nullptr;
}

bool tolerates(const Json& pod, const NodeFacts::Taint& taint) {
  auto list = find_array(pod, {"spec", "tolerations"});
  return list && std::ranges::any_of(*list, [&](const Json& toleration) {
           auto key = text_at(toleration, {"key"});
           auto effect = text_at(toleration, {"effect"});
           bool any_value = text_at(toleration, {"operator"}) == "Exists";
           return (key.empty() ? any_value : key == taint.key) &&
                  (effect.empty() || effect == taint.effect) &&
                  (any_value || text_at(toleration, {"value"}) == taint.value);
         });
}

kube::WatchSettings watch_all(std::string_view plural) {
  kube::WatchSettings settings;
  settings.collection.kind = objects::find_kind("", plural);
  return settings;
}

}  // namespace

NodeFacts read_node(const Json& node) {
  NodeFacts facts;
  facts.name = text_at(node, {"metadata", "name"});
  facts.unschedulable = base::find_bool(node, {"spec", "unschedulable"}).value_or(false);
  if (auto conditions = find_array(node, {"status", "conditions"}))
    for (const auto& condition : *conditions)
      if (text_at(condition, {"type"}) == "Ready")
        facts.ready = text_at(condition, {"status"}) == "True";
  if (auto labels = find(node, {"metadata", "labels"}); labels && labels->is_object())
    for (const auto& [key, value] : labels->get_object())
      if (value.is_string()) facts.labels[key] = value.get_string();
  if (auto taints = find_array(node, {"spec", "taints"}))
    for (const auto& taint : *taints)
      facts.taints.push_back(
          {text_at(taint, {"key"}), text_at(taint, {"value"}), text_at(taint, {"effect"})});
  return facts;
}

std::string why_not(const Json& pod, const NodeFacts& node) {
  if (node.unschedulable) return "node(s) were unschedulable";
  if (!node.ready) return "node(s) were not ready";
  for (const auto& taint : node.taints)
    if ((taint.effect == "NoSchedule" || taint.effect == "NoExecute") && !tolerates(pod, taint))
      return cat("node(s) had untolerated taint {", taint.key, ": ", taint.value, "}");
  if (auto wanted = find(pod, {"spec", "nodeSelector"}); wanted && wanted->is_object())
    for (const auto& [key, value] : wanted->get_object()) {
      auto label = node.labels.find(std::string(key));
      if (label == node.labels.end() || !value.is_string() || value.get_string() != label->second)
        return "node(s) didn't match Pod's node affinity/selector";
    }
  return "";
}

Placement place(const Json& pod, const std::vector<NodeFacts>& nodes,
                const std::map<std::string, std::size_t>& pods_on) {
  const NodeFacts* best = nullptr;
  auto load = [&](const NodeFacts& node) {
    auto at = pods_on.find(node.name);
    return at == pods_on.end() ? 0 : at->second;
  };
  std::map<std::string, std::size_t> reasons;
  for (const auto& node : nodes) {
    auto why = why_not(pod, node);
    if (!why.empty()) {
      ++reasons[why];
    } else if (!best || load(node) < load(*best)) {
      best = &node;
    }
  }
  if (best) return {best->name, ""};
  std::vector<std::string> parts;
  for (const auto& [why, count] : reasons) parts.push_back(cat(count, " ", why));
  auto message = cat("0/", nodes.size(), " nodes are available");
  if (!parts.empty()) message += ": " + base::join(parts, ", ");
  return {"", message + "."};
}

Binder::PodFacts Binder::read(const Json& pod) {
  PodFacts facts;
  facts.node = text_at(pod, {"spec", "nodeName"});
  facts.phase = text_at(pod, {"status", "phase"});
  auto scheduler = text_at(pod, {"spec", "schedulerName"});
  auto gates = find_array(pod, {"spec", "schedulingGates"});
  facts.waits = facts.node.empty() && text_at(pod, {"metadata", "deletionTimestamp"}).empty() &&
                (scheduler.empty() || scheduler == "default-scheduler") &&
                (!gates || gates->empty()) && facts.phase != "Failed" && facts.phase != "Succeeded";
  if (facts.waits) facts.tree = pod;
  return facts;
}

Binder::Binder(io::Loop& loop, base::Clock& clock, base::Random& random, base::Log& log,
               controller::Metrics& metrics, kube::Api& api)
    : loop_(loop),
      clock_(clock),
      random_(random),
      log_(log),
      api_(api),
      nodes_(log, read_node),
      pods_(log, read),
      events_(clock, random, log, api, "binder"),
      work_(loop, clock, random, log, metrics, "binder",
            [this](Key key) { return reconcile(key); }) {
  nodes_.on_change([this](const Key&, const NodeFacts* before, const NodeFacts* now) {
    node_changed(before, now);
  });
  pods_.on_change([this](const Key& key, const PodFacts* before, const PodFacts* now) {
    pod_changed(key, before, now);
  });
}

// A node that is other than it was may fit whoever waits.
void Binder::node_changed(const NodeFacts* before, const NodeFacts* now) {
  if (!now || (before && *before == *now)) return;
  for (const auto& [key, pod] : pods_.list())
    if (pod->waits) work_.add(key);
}

void Binder::pod_changed(const Key& key, const PodFacts* before, const PodFacts* now) {
  auto runs_on = [](const PodFacts* pod) {
    return pod && pod->phase != "Succeeded" && pod->phase != "Failed" ? pod->node : "";
  };
  if (auto node = runs_on(before); !node.empty()) --pods_on_[node];
  if (auto node = runs_on(now); !node.empty()) ++pods_on_[node];
  if (now && now->waits) work_.add(key);
}

io::Task<controller::Result> Binder::reconcile(Key key) {
  auto pod = pods_.find(key);
  if (!pod || !pod->waits) co_return controller::Result{};
  std::vector<NodeFacts> nodes;
  for (const auto& [name, node] : nodes_.list()) nodes.push_back(*node);
  auto placement = place(pod->tree, nodes, pods_on_);
  if (placement.node.empty()) {
    auto tree = pod->tree;
    auto message = placement.message;
    co_await say_unschedulable(key, std::move(tree), std::move(message));
    co_return controller::Result{};  // a node that changes brings it back
  }
  Json binding = JsonObject{
      {"apiVersion", "v1"},
      {"kind", "Binding"},
      {"metadata",
       JsonObject{{"name", key.name}, {"uid", text_at(pod->tree, {"metadata", "uid"})}}},
      {"target", JsonObject{{"apiVersion", "v1"}, {"kind", "Node"}, {"name", placement.node}}}};
  kube::Ref ref{objects::find_kind("", "pods"), key.ns, key.name, "binding"};
  try {
    co_await api_.create(ref, std::move(binding), {});
  } catch (const base::Error& error) {
    // Bound by somebody, or gone: our watch will tell.
    if (error.code() != base::Code::conflict && error.code() != base::Code::not_found) throw;
  }
  co_return controller::Result{};
}

io::Task<> Binder::say_unschedulable(Key key, Json pod, std::string message) {
  JsonArray conditions;
  if (auto list = find_array(pod, {"status", "conditions"})) conditions = *list;
  for (const auto& condition : conditions)
    if (text_at(condition, {"type"}) == "PodScheduled" &&
        text_at(condition, {"message"}) == message)
      co_return;
  JsonObject unschedulable{
      {"type", "PodScheduled"},    {"status", "False"},
      {"lastProbeTime", nullptr},  {"lastTransitionTime", base::format_time(clock_.now())},
      {"reason", "Unschedulable"}, {"message", message}};
  auto at = std::ranges::find_if(conditions, [](const Json& condition) {
    return text_at(condition, {"type"}) == "PodScheduled";
  });
  if (at == conditions.end()) {
    conditions.push_back(std::move(unschedulable));
  } else {
    *at = std::move(unschedulable);
  }
  Json patch = JsonObject{
      {"metadata", JsonObject{{"resourceVersion", text_at(pod, {"metadata", "resourceVersion"})}}},
      {"status", JsonObject{{"conditions", std::move(conditions)}}}};
  kube::Ref ref{objects::find_kind("", "pods"), key.ns, key.name, "status"};
  co_await api_.patch(ref, std::move(patch), {});
  objects::ObjectMeta about;
  about.name = key.name;
  about.ns = key.ns;
  about.uid = text_at(pod, {"metadata", "uid"});
  events_.record(*ref.kind, about, controller::EventType::warning, "FailedScheduling", message);
}

io::Task<> Binder::run() {
  io::TaskGroup group(loop_);
  kube::Watcher node_watch(clock_, random_, log_, api_, watch_all("nodes"), nodes_);
  kube::Watcher pod_watch(clock_, random_, log_, api_, watch_all("pods"), pods_);
  group.spawn("nodes", node_watch.run());
  group.spawn("pods", pod_watch.run());
  group.spawn("events", events_.run());
  std::exception_ptr error;
  try {
    co_await nodes_.synced();
    co_await pods_.synced();
    co_await work_.run();
  } catch (...) {
    error = std::current_exception();
  }
  group.stop();
  co_await group.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace loops
