// Jobs: defaults, generated selector and labels, immutability, and the columns of `kubectl get
// jobs`.
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

constexpr std::string_view label_uid = "batch.kubernetes.io/controller-uid";
constexpr std::string_view label_name = "batch.kubernetes.io/job-name";

bool has_condition(const Json& job, std::string_view type) {
  auto list = find_array(job, {"status", "conditions"});
  if (!list) return false;
  for (const auto& condition : *list)
    if (text_at(condition, {"type"}) == type && text_at(condition, {"status"}) == "True")
      return true;
  return false;
}

void default_job(Json& job) {
  auto& spec = base::ensure(job, {"spec"});
  if (!spec.is_object()) spec.emplace_object();
  auto& members = spec.get_object();
  if (!members.contains("completions") && !members.contains("parallelism")) {
    members["completions"] = 1;
    members["parallelism"] = 1;
  }
  set_default(spec, "parallelism", 1);
  set_default(spec, "backoffLimit", 6);
  set_default(spec, "completionMode", "NonIndexed");
  set_default(spec, "suspend", false);
  set_default(spec, "podReplacementPolicy",
              members.contains("podFailurePolicy") ? "Failed" : "TerminatingOrFailed");
  default_pod_spec(base::ensure(spec, {"template", "spec"}));
}

// pkg/registry/batch/job/strategy.go generateSelector: a job selects the pods that carry its uid.
void generate_selector(Json& job) {
  if (base::find_bool(job, {"spec", "manualSelector"}).value_or(false)) return;
  auto uid = text_at(job, {"metadata", "uid"});
  auto name = text_at(job, {"metadata", "name"});
  auto& labels = base::ensure(job, {"spec", "template", "metadata", "labels"});
  if (!labels.is_object()) labels.emplace_object();
  for (std::string_view key : {label_uid, std::string_view("controller-uid")})
    labels.get_object()[key] = uid;
  for (std::string_view key : {label_name, std::string_view("job-name")})
    labels.get_object()[key] = name;
  base::ensure(job, {"spec", "selector", "matchLabels"}) = JsonObject{{label_uid, uid}};
}

void prepare_job(Json& job, const Json* before, Part) {
  if (before) return;
  job.as_object()["status"] = JsonObject{};
  generate_selector(job);
}

void check_immutable(const Json& job, const Json& before, std::string_view member, Issues& issues) {
  auto now = find(job, {"spec", member});
  auto old = find(before, {"spec", member});
  if ((now ? *now : Json()) != (old ? *old : Json()))
    issues.push_back(
        {cat("spec.", member),
         cat("Invalid value: ", now ? base::to_text(*now) : "null", ": field is immutable")});
}

// The template of a suspended job that has not started may be tuned by a queue controller
// (KEP-2926): its node selector, labels, annotations, tolerations.
Json comparable_template(const Json& job, bool tunable) {
  auto at = find(job, {"spec", "template"});
  Json out = at ? *at : Json();
  if (!tunable || !out.is_object()) return out;
  auto& metadata = base::ensure(out, {"metadata"});
  metadata = nullptr;
  if (auto spec = find_mutable(out, {"spec"}); spec && spec->is_object())
    for (std::string_view member : {"nodeSelector", "tolerations", "affinity", "schedulingGates"})
      spec->get_object().erase(member);
  return out;
}

Issues validate_job(const Json& job, const Json* before, Part part) {
  Issues issues;
  if (before && part == Part::status) return issues;
  for (std::string_view member : {"parallelism", "completions", "backoffLimit",
                                  "activeDeadlineSeconds", "ttlSecondsAfterFinished"})
    if (auto number = base::find_int(job, {"spec", member}); number && *number < 0)
      issues.push_back({cat("spec.", member),
                        cat("Invalid value: ", *number, ": must be greater than or equal to 0")});
  auto policy = text_at(job, {"spec", "template", "spec", "restartPolicy"});
  if (policy != "OnFailure" && policy != "Never")
    issues.push_back({"spec.template.spec.restartPolicy",
                      "Required value: valid values: \"OnFailure\", \"Never\""});
  if (before) {
    bool tunable = base::find_bool(*before, {"spec", "suspend"}).value_or(false) &&
                   text_at(*before, {"status", "startTime"}).empty();
    check_immutable(job, *before, "selector", issues);
    check_immutable(job, *before, "completions", issues);
    check_immutable(job, *before, "completionMode", issues);
    check_immutable(job, *before, "podFailurePolicy", issues);
    if (comparable_template(job, tunable) != comparable_template(*before, tunable))
      issues.push_back({"spec.template", "Invalid value: field is immutable"});
    return issues;
  }
  if (auto spec = find(job, {"spec", "template", "spec"}))
    for (auto& issue : validate_pod_spec(*spec, "spec.template.spec")) issues.push_back(issue);
  return issues;
}

std::string job_state(const Json& job) {
  if (has_condition(job, "Complete")) return "Complete";
  if (has_condition(job, "Failed")) return "Failed";
  if (!text_at(job, {"metadata", "deletionTimestamp"}).empty()) return "Terminating";
  if (has_condition(job, "Suspended")) return "Suspended";
  if (has_condition(job, "FailureTarget")) return "FailureTarget";
  if (has_condition(job, "SuccessCriteriaMet")) return "SuccessCriteriaMet";
  return "Running";
}

std::string completions_text(const Json& job) {
  auto succeeded = base::find_int(job, {"status", "succeeded"}).value_or(0);
  if (auto completions = base::find_int(job, {"spec", "completions"}))
    return cat(succeeded, "/", *completions);
  auto parallelism = base::find_int(job, {"spec", "parallelism"}).value_or(0);
  return parallelism > 1 ? cat(succeeded, "/1 of ", parallelism) : cat(succeeded, "/1");
}

std::string duration_text(const Json& job, base::Time now) {
  auto start = base::parse_time(text_at(job, {"status", "startTime"}));
  if (!start) return "";
  auto end = base::parse_time(text_at(job, {"status", "completionTime"}));
  if (!end) return age_cell(text_at(job, {"status", "startTime"}), now);
  return format_age(std::chrono::duration_cast<base::Duration>(*end - *start));
}

JsonArray job_cells(const Json& job, base::Time now) {
  std::vector<std::string> names, images, selector;
  if (auto list = find_array(job, {"spec", "template", "spec", "containers"}))
    for (const auto& container : *list) {
      names.push_back(text_at(container, {"name"}));
      images.push_back(text_at(container, {"image"}));
    }
  if (auto labels = find(job, {"spec", "selector", "matchLabels"}); labels && labels->is_object())
    for (const auto& [key, value] : labels->get_object())
      selector.push_back(cat(std::string_view(key), "=",
                             value.is_string() ? std::string_view(value.get_string()) : ""));
  return {Json(text_at(job, {"metadata", "name"})),
          Json(job_state(job)),
          Json(completions_text(job)),
          Json(duration_text(job, now)),
          Json(age_of(job, now)),
          Json(base::join(names, ",")),
          Json(base::join(images, ",")),
          Json(base::join(selector, ","))};
}

}  // namespace

Resource make_jobs() {
  auto jobs = make_resource("batch", "v1", "jobs", "Job", Scope::namespaced);
  jobs.categories = {"all"};
  jobs.subresources = {status_of_kind("Job")};
  jobs.selectable = {{"status.successful", "status.succeeded", "0"}};
  jobs.has_status = true;
  jobs.counts_generation = true;
  jobs.defaults = default_job;
  jobs.prepare = prepare_job;
  jobs.validate = validate_job;
  jobs.columns = make_columns({"Name", "Status", "Completions", "Duration", "Age",
                               "Containers:wide", "Images:wide", "Selector:wide"});
  jobs.cells = job_cells;
  return jobs;
}

}  // namespace apiserver
