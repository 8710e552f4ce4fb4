#include "loops/job_plan.h"

#include <algorithm>

#include "base/text.h"
#include "io/crypto.h"

namespace loops {

using base::cat;
using base::find;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

namespace {

constexpr base::Duration backoff_first{10'000}, backoff_most{600'000};
constexpr std::size_t pod_name_max = 63;

const JsonArray* find_array(const Json& object, std::initializer_list<std::string_view> path) {
  auto at = find(object, path);
  return at ? at->if_array() : nullptr;
}

std::vector<std::string> texts_at(const Json& object,
                                  std::initializer_list<std::string_view> path) {
  std::vector<std::string> out;
  if (auto list = find_array(object, path))
    for (const auto& element : *list)
      if (element.is_string()) out.emplace_back(element.get_string());
  return out;
}

bool has_condition(const Json& job, std::string_view type) {
  if (auto list = find_array(job, {"status", "conditions"}))
    for (const auto& condition : *list)
      if (text_at(condition, {"type"}) == type) return text_at(condition, {"status"}) == "True";
  return false;
}

bool is_terminal(const PodFacts& pod) { return pod.phase == "Succeeded" || pod.phase == "Failed"; }

// A replacement must wait for phase Failed when the Job says so; a pod that no node runs fails by
// its deletion.
bool has_failed(const PodFacts& pod, bool only_failed_phase) {
  if (pod.phase == "Failed") return true;
  return pod.deleting && pod.phase != "Succeeded" && (!only_failed_phase || !pod.bound);
}

bool has(const std::vector<std::string>& list, const std::string& text) {
  return std::ranges::find(list, text) != list.end();
}

JsonArray to_array(const std::vector<std::string>& list) {
  JsonArray out;
  for (const auto& text : list) out.emplace_back(text);
  return out;
}

struct Verdict {
  std::string type, reason, message;  // type: Complete or Failed; "" : goes on
};

class Planner {
 public:
  Planner(const Json& job, const std::vector<PodFacts>& pods, base::Time now,
          std::optional<base::Time> last_failure)
      : job_(job), pods_(pods), now_(now), last_failure_(last_failure) {
    auto at = find(job, {"status"});
    plan_.status = at && at->is_object() ? *at : Json(JsonObject{});
    only_failed_ = text_at(job, {"spec", "podReplacementPolicy"}) == "Failed";
    suspended_ = base::find_bool(job, {"spec", "suspend"}).value_or(false);
    completions_ = base::find_int(job, {"spec", "completions"});
    parallelism_ = base::find_int(job, {"spec", "parallelism"}).value_or(1);
    backoff_limit_ = base::find_int(job, {"spec", "backoffLimit"}).value_or(6);
    succeeded_ = base::find_int(job, {"status", "succeeded"}).value_or(0);
    failed_ = base::find_int(job, {"status", "failed"}).value_or(0);
    uncounted_succeeded_ = texts_at(job, {"status", "uncountedTerminatedPods", "succeeded"});
    uncounted_failed_ = texts_at(job, {"status", "uncountedTerminatedPods", "failed"});
  }

  JobPlan plan() {
    if (!text_at(job_, {"metadata", "deletionTimestamp"}).empty() || is_finished(job_)) {
      untrack_all();
      return std::move(plan_);
    }
    count();
    auto verdict = judge();
    if (verdict.type.empty()) {
      go_on();
    } else {
      finish(verdict);
    }
    write_counts();
    return std::move(plan_);
  }

 private:
  void untrack_all() {
    for (const auto& pod : pods_)
      if (pod.tracked) plan_.untrack.push_back(pod.name);
  }

  // A terminated pod is listed in the status, then loses its finalizer, then is counted: each step
  // in a look of its own, so that a crash between them neither loses nor doubles it.
  void count() {
    fold(uncounted_succeeded_, succeeded_);
    fold(uncounted_failed_, failed_);
    for (const auto& pod : pods_) {
      bool success = pod.phase == "Succeeded";
      bool failure = !success && has_failed(pod, only_failed_);
      if (pod.deleting && !is_terminal(pod)) {
        ++terminating_;
        if (!failure) ++leaving_;
      }
      if (pod.tracked && (success || failure)) {
        auto& list = success ? uncounted_succeeded_ : uncounted_failed_;
        if (has(list, pod.uid)) {
          plan_.untrack.push_back(pod.name);
        } else {
          list.push_back(pod.uid);
        }
      } else if (!is_terminal(pod) && !failure && !pod.deleting) {
        active_.push_back(&pod);
        if (pod.ready) ++ready_;
        restarts_ += pod.restarts;
      }
    }
  }

  // Those that no pod holds back any more are counted now.
  void fold(std::vector<std::string>& uncounted, std::int64_t& total) {
    std::erase_if(uncounted, [&](const std::string& uid) {
      bool held = std::ranges::any_of(
          pods_, [&](const PodFacts& pod) { return pod.uid == uid && pod.tracked; });
      total += held ? 0 : 1;
      return !held;
    });
  }

  std::int64_t all_succeeded() const {
    return succeeded_ + std::int64_t(uncounted_succeeded_.size());
  }
  std::int64_t all_failed() const { return failed_ + std::int64_t(uncounted_failed_.size()); }

  Verdict judge() {
    if (has_condition(job_, "FailureTarget"))
      return {"Failed", reason_of("FailureTarget"), message_of("FailureTarget")};
    if (completions_ ? all_succeeded() >= *completions_ : all_succeeded() > 0 && active_.empty())
      return {"Complete", "CompletionsReached", "Reached expected number of succeeded pods"};
    bool restarts_in_place =
        text_at(job_, {"spec", "template", "spec", "restartPolicy"}) == "OnFailure";
    bool too_many =
        restarts_in_place && (backoff_limit_ == 0 ? restarts_ > 0 : restarts_ >= backoff_limit_);
    if (all_failed() > backoff_limit_ || too_many)
      return {"Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"};
    auto limit = base::find_int(job_, {"spec", "activeDeadlineSeconds"});
    auto start = base::parse_time(text_at(job_, {"status", "startTime"}));
    if (limit && start && !suspended_) {
      auto left = *start + std::chrono::seconds(*limit) - now_;
      if (left <= std::chrono::seconds(0))
        return {"Failed", "DeadlineExceeded", "Job was active longer than specified deadline"};
      again_after(std::chrono::ceil<base::Duration>(left));
    }
    return {};
  }

  std::string condition_text(std::string_view type, std::string_view member) const {
    if (auto list = find_array(job_, {"status", "conditions"}))
      for (const auto& condition : *list)
        if (text_at(condition, {"type"}) == type) return text_at(condition, {member});
    return "";
  }
  std::string reason_of(std::string_view type) const { return condition_text(type, "reason"); }
  std::string message_of(std::string_view type) const { return condition_text(type, "message"); }

  void finish(const Verdict& verdict) {
    set_condition(verdict.type == "Complete" ? "SuccessCriteriaMet" : "FailureTarget", "True",
                  verdict.reason, verdict.message);
    remove_active();
    bool settled = active_.empty() && terminating_ == 0 && uncounted_succeeded_.empty() &&
                   uncounted_failed_.empty();
    if (!settled) return;
    set_condition(verdict.type, "True", verdict.reason, verdict.message);
    if (verdict.type == "Complete")
      base::ensure(plan_.status, {"completionTime"}) = base::format_time(now_);
  }

  void remove_active() {
    for (auto pod : active_) plan_.remove.push_back(pod->name);
  }

  void go_on() {
    if (suspended_) {
      remove_active();
      plan_.release = plan_.remove;
      if (!has_condition(job_, "Suspended"))
        set_condition("Suspended", "True", "JobSuspended", "Job suspended");
      plan_.status.as_object().erase("startTime");
      return;
    }
    if (has_condition(job_, "Suspended"))
      set_condition("Suspended", "False", "JobResumed", "Job resumed");
    if (text_at(plan_.status, {"startTime"}).empty())
      base::ensure(plan_.status, {"startTime"}) = base::format_time(now_);
    auto wanted = parallelism_;
    if (completions_)
      wanted = std::min(wanted, *completions_ - all_succeeded());
    else if (all_succeeded() > 0)
      wanted = 0;  // one of them found the work done: no new ones
    auto missing = wanted - std::int64_t(active_.size()) - leaving_;
    if (missing > 0 && may_replace()) create(missing);
  }

  // The numbers after those of all that were made, as far as they can be counted.
  void create(std::int64_t missing) {
    auto number = all_succeeded() + all_failed() + std::int64_t(active_.size()) + leaving_;
    for (; created_ < missing; ++number) {
      auto name = pod_name(number);
      if (std::ranges::find(pods_, name, &PodFacts::name) != pods_.end()) continue;
      plan_.create.push_back(std::move(name));
      ++created_;
    }
  }

  bool may_replace() {
    if (all_failed() == 0 || !last_failure_) return true;
    auto delay = backoff_first;
    for (std::int64_t i = 1; i < all_failed() && delay < backoff_most; ++i) delay *= 2;
    auto left = *last_failure_ + std::min(delay, backoff_most) - now_;
    if (left <= base::Duration(0)) return true;
    again_after(left);
    return false;
  }

  // The same for the same Job and number, whoever looks and how late.
  std::string pod_name(std::int64_t number) const {
    auto name = text_at(job_, {"metadata", "name"});
    auto digest = io::sha256_hex(cat(text_at(job_, {"metadata", "uid"}), "/", number));
    return cat(base::clip(name, pod_name_max - 6), "-", digest.substr(0, 5));
  }

  void write_counts() {
    auto& status = plan_.status.as_object();
    auto put = [&](std::string_view member, std::int64_t value) {
      if (value) {
        status[member] = value;
      } else {
        status.erase(member);
      }
    };
    put("active", std::int64_t(active_.size()) + created_ - std::int64_t(plan_.remove.size()));
    put("succeeded", succeeded_);
    put("failed", failed_);
    status["ready"] = ready_;
    status["terminating"] = terminating_ + std::int64_t(plan_.remove.size());
    JsonObject uncounted;
    if (!uncounted_succeeded_.empty()) uncounted["succeeded"] = to_array(uncounted_succeeded_);
    if (!uncounted_failed_.empty()) uncounted["failed"] = to_array(uncounted_failed_);
    status["uncountedTerminatedPods"] = std::move(uncounted);
  }

  void set_condition(std::string_view type, std::string_view value, const std::string& reason,
                     const std::string& message) {
    auto& list = base::ensure(plan_.status, {"conditions"});
    if (!list.is_array()) list.emplace_array();
    JsonObject condition{{"type", type},
                         {"status", value},
                         {"lastProbeTime", base::format_time(now_)},
                         {"lastTransitionTime", base::format_time(now_)},
                         {"reason", reason},
                         {"message", message}};
    for (auto& old : list.get_array()) {
      if (text_at(old, {"type"}) != type) continue;
      if (text_at(old, {"status"}) != value) old = std::move(condition);
      return;
    }
    list.get_array().push_back(std::move(condition));
  }

  void again_after(base::Duration delay) {
    plan_.again_after = plan_.again_after ? std::min(*plan_.again_after, delay) : delay;
  }

  const Json& job_;
  const std::vector<PodFacts>& pods_;
  base::Time now_;
  std::optional<base::Time> last_failure_;
  JobPlan plan_;
  bool only_failed_, suspended_;
  std::optional<std::int64_t> completions_;
  std::int64_t parallelism_, backoff_limit_, succeeded_, failed_;
  std::vector<std::string> uncounted_succeeded_, uncounted_failed_;
  std::vector<const PodFacts*> active_;
  std::int64_t terminating_ = 0;  // being deleted, not ended
  std::int64_t leaving_ = 0;      // those of them that are not counted as failed
  std::int64_t ready_ = 0, restarts_ = 0, created_ = 0;
};

std::int64_t restarts_in(const Json& pod, std::string_view list_name) {
  std::int64_t total = 0;
  if (auto list = find_array(pod, {"status", list_name}))
    for (const auto& status : *list) total += base::find_int(status, {"restartCount"}).value_or(0);
  return total;
}

}  // namespace

PodFacts read_pod(const Json& pod) {
  PodFacts facts;
  facts.ns = text_at(pod, {"metadata", "namespace"});
  facts.name = text_at(pod, {"metadata", "name"});
  facts.uid = text_at(pod, {"metadata", "uid"});
  if (auto owners = find_array(pod, {"metadata", "ownerReferences"}))
    for (const auto& owner : *owners)
      if (base::find_bool(owner, {"controller"}).value_or(false) &&
          text_at(owner, {"kind"}) == "Job") {
        facts.job_name = text_at(owner, {"name"});
        facts.job_uid = text_at(owner, {"uid"});
      }
  facts.phase = text_at(pod, {"status", "phase"});
  facts.deleting = !text_at(pod, {"metadata", "deletionTimestamp"}).empty();
  facts.tracked = has(texts_at(pod, {"metadata", "finalizers"}), std::string(job_finalizer));
  facts.bound = !text_at(pod, {"spec", "nodeName"}).empty();
  if (auto conditions = find_array(pod, {"status", "conditions"}))
    for (const auto& condition : *conditions)
      if (text_at(condition, {"type"}) == "Ready")
        facts.ready = text_at(condition, {"status"}) == "True";
  facts.restarts =
      restarts_in(pod, "containerStatuses") + restarts_in(pod, "initContainerStatuses");
  return facts;
}

bool is_finished(const Json& job) {
  return has_condition(job, "Complete") || has_condition(job, "Failed");
}

JobPlan plan_job(const Json& job, const std::vector<PodFacts>& pods, base::Time now,
                 std::optional<base::Time> last_failure) {
  return Planner(job, pods, now, last_failure).plan();
}

Json make_job_pod(const Json& job, const std::string& name) {
  auto at = find(job, {"spec", "template"});
  Json pod = at ? *at : Json(JsonObject{});
  auto& object = pod.as_object();
  object["apiVersion"] = "v1";
  object["kind"] = "Pod";
  auto& metadata = base::ensure(pod, {"metadata"});
  if (!metadata.is_object()) metadata.emplace_object();
  auto& meta = metadata.get_object();
  meta["name"] = name;
  meta["generateName"] = text_at(job, {"metadata", "name"}) + "-";
  meta["namespace"] = text_at(job, {"metadata", "namespace"});
  meta["finalizers"] = JsonArray{job_finalizer};
  JsonArray owners;
  owners.push_back(JsonObject{{"apiVersion", "batch/v1"},
                              {"kind", "Job"},
                              {"name", text_at(job, {"metadata", "name"})},
                              {"uid", text_at(job, {"metadata", "uid"})},
                              {"controller", true},
                              {"blockOwnerDeletion", true}});
  meta["ownerReferences"] = std::move(owners);
  return pod;
}

}  // namespace loops
