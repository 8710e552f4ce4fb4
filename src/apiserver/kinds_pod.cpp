// Pods: defaults, what may change, and the columns of `kubectl get pods`.
#include "apiserver/kinds.h"
#include "apiserver/render.h"
#include "base/text.h"

namespace apiserver {

using base::cat;
using base::find;
using base::Issues;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

namespace {

constexpr std::int64_t mode_644 = 420;

// ---- defaults (k8s.io/kubernetes/pkg/apis/core/v1/defaults.go) ----

bool pulls_always(std::string_view image) {
  if (image.find('@') != std::string_view::npos) return false;
  auto name = image.substr(image.rfind('/') + 1);
  auto colon = name.find(':');
  return colon == std::string_view::npos || name.substr(colon + 1) == "latest";
}

void default_probe(Json* probe) {
  if (!probe || !probe->is_object()) return;
  set_default(*probe, "timeoutSeconds", 1);
  set_default(*probe, "periodSeconds", 10);
  set_default(*probe, "successThreshold", 1);
  set_default(*probe, "failureThreshold", 3);
  if (auto http = find_mutable(*probe, {"httpGet"}); http && http->is_object()) {
    set_default(*http, "path", "/");
    set_default(*http, "scheme", "HTTP");
  }
}

void default_resources(Json& container) {
  set_default(container, "resources", JsonObject{});
  auto limits = find(container, {"resources", "limits"});
  if (!limits || !limits->is_object()) return;
  auto& requests = base::ensure(container, {"resources", "requests"});
  if (!requests.is_object()) requests.emplace_object();
  for (const auto& [name, value] : limits->get_object()) set_default(requests, name, value);
}

void default_container(Json& container) {
  if (!container.is_object()) return;
  set_default(container, "imagePullPolicy",
              pulls_always(text_at(container, {"image"})) ? "Always" : "IfNotPresent");
  set_default(container, "terminationMessagePath", "/dev/termination-log");
  set_default(container, "terminationMessagePolicy", "File");
  default_resources(container);
  for (std::string_view probe : {"livenessProbe", "readinessProbe", "startupProbe"})
    default_probe(find_mutable(container, {probe}));
  if (auto ports = find_array(container, {"ports"}))
    for (auto& port : *ports)
      if (port.is_object()) set_default(port, "protocol", "TCP");
  if (auto env = find_array(container, {"env"}))
    for (auto& variable : *env)
      if (auto field = find_mutable(variable, {"valueFrom", "fieldRef"});
          field && field->is_object())
        set_default(*field, "apiVersion", "v1");
}

void default_items(Json* source) {
  if (!source) return;
  if (auto items = find_array(*source, {"items"}))
    for (auto& item : *items)
      if (auto field = find_mutable(item, {"fieldRef"}); field && field->is_object())
        set_default(*field, "apiVersion", "v1");
}

void default_volume(Json& volume) {
  if (!volume.is_object()) return;
  if (volume.get_object().size() == 1) volume.get_object()["emptyDir"] = JsonObject{};
  for (std::string_view source : {"secret", "configMap", "downwardAPI", "projected"})
    if (auto at = find_mutable(volume, {source}); at && at->is_object())
      set_default(*at, "defaultMode", mode_644);
  if (auto host = find_mutable(volume, {"hostPath"}); host && host->is_object())
    set_default(*host, "type", "");
  default_items(find_mutable(volume, {"downwardAPI"}));
  if (auto sources = find_array(volume, {"projected", "sources"}))
    for (auto& source : *sources) {
      if (auto token = find_mutable(source, {"serviceAccountToken"}); token && token->is_object())
        set_default(*token, "expirationSeconds", 3600);
      default_items(find_mutable(source, {"downwardAPI"}));
    }
}

// BestEffort, Burstable or Guaranteed, from requests and limits of all containers.
std::string qos_class(const Json& spec) {
  bool any = false, all_guaranteed = true;
  for (std::string_view list_name : {"containers", "initContainers"}) {
    auto list = find_array(spec, {list_name});
    if (!list) continue;
    for (const auto& container : *list)
      for (std::string_view what : {"cpu", "memory"}) {
        auto limit = text_at(container, {"resources", "limits", what});
        auto request = text_at(container, {"resources", "requests", what});
        any = any || !limit.empty() || !request.empty();
        all_guaranteed = all_guaranteed && !limit.empty() && limit == request;
      }
  }
  return !any ? "BestEffort" : all_guaranteed ? "Guaranteed" : "Burstable";
}

void prepare_pod(Json& pod, const Json* before, Part) {
  if (before) return;
  JsonObject status{{"phase", "Pending"}, {"qosClass", qos_class(pod.as_object()["spec"])}};
  pod.as_object()["status"] = std::move(status);
}

void default_pod(Json& pod) { default_pod_spec(base::ensure(pod, {"spec"})); }

// ---- validation ----

void check_names(const JsonArray* list, const std::string& path, Issues& issues) {
  if (!list) return;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto name = text_at((*list)[i], {"name"});
    auto at = cat(path, "[", i, "].name");
    if (name.empty()) {
      issues.push_back({at, "Required value"});
    } else if (!base::is_dns_label(name)) {
      issues.push_back({at, cat("Invalid value: \"", name,
                                "\": a lowercase RFC 1123 label must consist of lower case "
                                "alphanumeric characters or '-', and must start and end with an "
                                "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
                                "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')")});
    } else if (!seen.insert(name).second) {
      issues.push_back({at, cat("Duplicate value: \"", name, "\"")});
    }
  }
}

void check_containers(const Json& spec, std::string_view list_name, const std::string& path,
                      const std::set<std::string>& volumes, Issues& issues) {
  auto list = find_array(spec, {list_name});
  check_names(list, cat(path, ".", list_name), issues);
  if (!list) return;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto& container = (*list)[i];
    auto at = cat(path, ".", list_name, "[", i, "]");
    if (text_at(container, {"image"}).empty()) issues.push_back({at + ".image", "Required value"});
    auto mounts = find_array(container, {"volumeMounts"});
    for (std::size_t k = 0; mounts && k < mounts->size(); ++k) {
      auto name = text_at((*mounts)[k], {"name"});
      if (!volumes.contains(name))
        issues.push_back(
            {cat(at, ".volumeMounts[", k, "].name"), cat("Not found: \"", name, "\"")});
      if (text_at((*mounts)[k], {"mountPath"}).empty())
        issues.push_back({cat(at, ".volumeMounts[", k, "].mountPath"), "Required value"});
    }
  }
}

void check_choice(const Json& spec, std::string_view member, const std::string& path,
                  std::initializer_list<std::string_view> allowed, Issues& issues) {
  auto value = text_at(spec, {member});
  std::vector<std::string> quoted;
  for (auto choice : allowed) {
    if (choice == value) return;
    quoted.push_back(cat("\"", choice, "\""));
  }
  std::ranges::sort(quoted);
  issues.push_back(
      {cat(path, ".", member),
       cat("Unsupported value: \"", value, "\": supported values: ", base::join(quoted, ", "))});
}

// What an update may change in a spec, taken out of both sides before they are compared.
Json frozen_spec(const Json& pod) {
  auto at = find(pod, {"spec"});
  Json spec = at ? *at : Json(JsonObject{});
  for (std::string_view list_name : {"containers", "initContainers"})
    if (auto list = find_array(spec, {list_name}))
      for (auto& container : *list)
        if (container.is_object()) container.get_object()["image"] = "";
  if (spec.is_object())
    for (std::string_view member :
         {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds",
          "schedulingGates", "ephemeralContainers"})
      spec.get_object().erase(member);
  return spec;
}

Issues validate_pod(const Json& pod, const Json* before, Part part) {
  if (!before) {
    auto spec = find(pod, {"spec"});
    return spec ? validate_pod_spec(*spec, "spec") : Issues{{"spec", "Required value"}};
  }
  if (part == Part::status) return {};
  if (frozen_spec(pod) != frozen_spec(*before))
    return {{"spec",
             "Forbidden: pod updates may not change fields other than "
             "`spec.containers[*].image`,`spec.initContainers[*].image`,"
             "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
             "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
             "previously negative)"}};
  return {};
}

// ---- columns (k8s.io/kubernetes/pkg/printers/internalversion printPod) ----

std::int64_t number_at(const Json& tree, std::initializer_list<std::string_view> path) {
  return base::find_int(tree, path).value_or(0);
}

bool condition_is_true(const Json& pod, std::string_view type) {
  auto list = find_array(pod, {"status", "conditions"});
  if (!list) return false;
  for (const auto& condition : *list)
    if (text_at(condition, {"type"}) == type) return text_at(condition, {"status"}) == "True";
  return false;
}

bool is_sidecar(const Json& pod, const std::string& name) {
  auto list = find_array(pod, {"spec", "initContainers"});
  if (!list) return false;
  for (const auto& container : *list)
    if (text_at(container, {"name"}) == name)
      return text_at(container, {"restartPolicy"}) == "Always";
  return false;
}

std::string ended_text(const Json& terminated) {
  auto reason = text_at(terminated, {"reason"});
  if (!reason.empty()) return reason;
  if (auto signal = number_at(terminated, {"signal"})) return cat("Signal:", signal);
  return cat("ExitCode:", number_at(terminated, {"exitCode"}));
}

struct PodView {
  std::string reason;
  std::int64_t ready = 0, total = 0, restarts = 0;
  std::string last_restart;

  void count_restarts(const Json& status) {
    restarts += number_at(status, {"restartCount"});
    last_restart =
        std::max(last_restart, text_at(status, {"lastState", "terminated", "finishedAt"}));
  }
};

// True while an init container is not through.
bool view_init(const Json& pod, PodView& view, std::int64_t& sidecar_restarts) {
  auto statuses = find_array(pod, {"status", "initContainerStatuses"});
  auto specs = find_array(pod, {"spec", "initContainers"});
  if (!statuses) return false;
  for (std::size_t i = 0; i < statuses->size(); ++i) {
    const auto& status = (*statuses)[i];
    view.count_restarts(status);
    bool sidecar = is_sidecar(pod, text_at(status, {"name"}));
    if (sidecar) sidecar_restarts += number_at(status, {"restartCount"});
    auto terminated = find(status, {"state", "terminated"});
    if (terminated && number_at(*terminated, {"exitCode"}) == 0) continue;
    if (sidecar && base::find_bool(status, {"started"}).value_or(false)) {
      if (base::find_bool(status, {"ready"}).value_or(false)) ++view.ready;
      continue;
    }
    auto waiting = text_at(status, {"state", "waiting", "reason"});
    if (terminated) {
      view.reason = "Init:" + ended_text(*terminated);
    } else if (!waiting.empty() && waiting != "PodInitializing") {
      view.reason = "Init:" + waiting;
    } else {
      view.reason = cat("Init:", i, "/", specs ? specs->size() : 0);
    }
    return true;
  }
  return false;
}

void view_main(const Json& pod, PodView& view) {
  auto statuses = find_array(pod, {"status", "containerStatuses"});
  if (!statuses) return;
  bool running = false;
  for (auto at = statuses->rbegin(); at != statuses->rend(); ++at) {
    view.count_restarts(*at);
    auto waiting = text_at(*at, {"state", "waiting", "reason"});
    auto terminated = find(*at, {"state", "terminated"});
    if (!waiting.empty()) {
      view.reason = waiting;
    } else if (terminated) {
      view.reason = ended_text(*terminated);
    } else if (base::find_bool(*at, {"ready"}).value_or(false) && find(*at, {"state", "running"})) {
      running = true;
      ++view.ready;
    }
  }
  if (view.reason == "Completed" && running)
    view.reason = condition_is_true(pod, "Ready") ? "Running" : "NotReady";
}

PodView view_of(const Json& pod) {
  PodView view;
  auto phase = text_at(pod, {"status", "phase"});
  view.reason = text_at(pod, {"status", "reason"});
  if (view.reason.empty()) view.reason = phase;
  auto main = find_array(pod, {"spec", "containers"});
  view.total = main ? std::int64_t(main->size()) : 0;
  if (auto init = find_array(pod, {"spec", "initContainers"}))
    for (const auto& container : *init)
      if (text_at(container, {"restartPolicy"}) == "Always") ++view.total;
  std::int64_t sidecar_restarts = 0;
  bool initializing = view_init(pod, view, sidecar_restarts);
  if (!initializing || condition_is_true(pod, "Initialized")) {
    view.restarts = sidecar_restarts;
    view_main(pod, view);
  }
  if (!text_at(pod, {"metadata", "deletionTimestamp"}).empty()) {
    if (text_at(pod, {"status", "reason"}) == "NodeLost") {
      view.reason = "Unknown";
    } else if (phase != "Succeeded" && phase != "Failed") {
      view.reason = "Terminating";
    }
  }
  return view;
}

std::string or_none(std::string text) { return text.empty() ? "<none>" : text; }

JsonArray pod_cells(const Json& pod, base::Time now) {
  auto view = view_of(pod);
  auto restarts = std::to_string(view.restarts);
  if (view.restarts && !view.last_restart.empty())
    restarts += cat(" (", age_cell(view.last_restart, now), " ago)");
  auto ip = text_at(pod, {"status", "podIP"});
  auto gates = find_array(pod, {"spec", "readinessGates"});
  std::size_t open_gates = 0;
  if (gates)
    for (const auto& gate : *gates)
      if (condition_is_true(pod, text_at(gate, {"conditionType"}))) ++open_gates;
  return {Json(text_at(pod, {"metadata", "name"})),
          Json(cat(view.ready, "/", view.total)),
          Json(view.reason),
          Json(restarts),
          Json(age_of(pod, now)),
          Json(or_none(ip)),
          Json(or_none(text_at(pod, {"spec", "nodeName"}))),
          Json(or_none(text_at(pod, {"status", "nominatedNodeName"}))),
          Json(gates && !gates->empty() ? cat(open_gates, "/", gates->size()) : "<none>")};
}

}  // namespace

void default_pod_spec(Json& spec) {
  if (!spec.is_object()) spec.emplace_object();
  for (std::string_view list_name : {"initContainers", "containers"})
    if (auto list = find_array(spec, {list_name}))
      for (auto& container : *list) default_container(container);
  if (auto volumes = find_array(spec, {"volumes"}))
    for (auto& volume : *volumes) default_volume(volume);
  set_default(spec, "restartPolicy", "Always");
  set_default(spec, "terminationGracePeriodSeconds", 30);
  set_default(spec, "dnsPolicy", "ClusterFirst");
  set_default(spec, "securityContext", JsonObject{});
  set_default(spec, "schedulerName", "default-scheduler");
  set_default(spec, "enableServiceLinks", true);
  if (auto account = text_at(spec, {"serviceAccountName"}); !account.empty())
    spec.get_object()["serviceAccount"] = account;
}

Issues validate_pod_spec(const Json& spec, const std::string& path) {
  Issues issues;
  std::set<std::string> volumes;
  auto list = find_array(spec, {"volumes"});
  check_names(list, path + ".volumes", issues);
  if (list)
    for (const auto& volume : *list) volumes.insert(text_at(volume, {"name"}));
  volumes.erase("");
  auto containers = find_array(spec, {"containers"});
  if (!containers || containers->empty())
    issues.push_back({path + ".containers", "Required value"});
  check_containers(spec, "initContainers", path, volumes, issues);
  check_containers(spec, "containers", path, volumes, issues);
  check_choice(spec, "restartPolicy", path, {"Always", "OnFailure", "Never"}, issues);
  check_choice(spec, "dnsPolicy", path,
               {"ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"}, issues);
  if (auto grace = base::find_int(spec, {"terminationGracePeriodSeconds"}); grace && *grace < 0)
    issues.push_back({path + ".terminationGracePeriodSeconds",
                      cat("Invalid value: ", *grace, ": must be greater than or equal to 0")});
  return issues;
}

Resource make_pods() {
  auto pods = make_resource("", "v1", "pods", "Pod", Scope::namespaced);
  pods.short_names = {"po"};
  pods.categories = {"all"};
  pods.subresources = {{"binding", "Binding", "", "", {"create"}},
                       {"eviction", "Eviction", "policy", "v1", {"create"}},
                       {"log", "Pod", "", "", {"get"}},
                       status_of_kind("Pod")};
  pods.selectable = {{"spec.nodeName"},
                     {"spec.restartPolicy"},
                     {"spec.schedulerName"},
                     {"spec.serviceAccountName"},
                     {"spec.hostNetwork", "spec.hostNetwork", "false"},
                     {"status.phase"},
                     {"status.podIP"},
                     {"status.nominatedNodeName"}};
  pods.has_status = true;
  pods.counts_generation = true;
  pods.returns_deleted = true;
  pods.graceful = true;
  pods.defaults = default_pod;
  pods.prepare = prepare_pod;
  pods.validate = validate_pod;
  pods.columns = make_columns({"Name", "Ready", "Status", "Restarts", "Age", "IP:wide", "Node:wide",
                               "Nominated Node:wide", "Readiness Gates:wide"});
  pods.cells = pod_cells;
  return pods;
}

}  // namespace apiserver
