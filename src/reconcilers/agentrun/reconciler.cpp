#include "reconcilers/agentrun/reconciler.h"

#include <algorithm>

#include "base/text.h"
#include "objects/conditions.h"
#include "objects/secret.h"
#include "policy/admission.h"
#include "protocol/names.h"
#include "reconcilers/agentrun/builder.h"
#include "reconcilers/agentrun/status.h"
#include "reconcilers/writer.h"
#include "schema/validate.h"

namespace reconcilers {

namespace {

using base::cat;
using controller::Key;
using controller::Result;
using namespace objects;

template <class T>
base::Issues problems_of(const T& object) {
  base::Issues issues = schema::validate(object);
  for (base::Issue& issue : policy::rules_of(object)) issues.push_back(std::move(issue));
  return issues;
}

// Problems of another object, told at the place that names it.
void add_from(base::Issues& all, const std::string& path, std::string_view what,
              const base::Issues& theirs) {
  for (const base::Issue& one : theirs)
    all.push_back({path, cat(what, ": ", one.path, ": ", one.message)});
}

bool contains(const Texts& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

Sight sight_of(const std::shared_ptr<const Job>& job,
               const std::vector<std::shared_ptr<const Pod>>& pods, base::Time now) {
  Sight sight{.job = job.get(), .pods = {}, .now = now};
  for (const auto& pod : pods) sight.pods.push_back(pod.get());
  return sight;
}

Result until(const std::optional<base::Time>& at, base::Time now) {
  if (!at) return {};
  return {.again_after = std::max(*at - now, base::Duration(1))};
}

}  // namespace

RunReconciler::RunReconciler(base::Clock& clock, kube::Api& api, Caches& caches,
                             controller::Events& events, RunSettings settings)
    : clock_(clock), api_(api), caches_(caches), events_(events), settings_(std::move(settings)) {}

io::Task<Result> RunReconciler::reconcile(Key key) {
  RunPtr run = caches_.runs.find(key);
  if (!run) co_return Result{};
  if (run->metadata.deletionTimestamp) {
    co_await finalize(run);
    co_return Result{};
  }
  if (!is_terminal(run->status.phase) && !is_true(run->status.conditions, condition::accepted))
    run = co_await accept(run);
  if (!is_terminal(run->status.phase)) run = co_await look(run);
  if (is_terminal(run->status.phase)) {
    Result result = co_await settle(run);
    co_return result;
  }
  co_return until(next_look(run->status, *run), clock_.now());
}

// ---- may it run? ----

io::Task<RunReconciler::RunPtr> RunReconciler::accept(RunPtr run) {
  const Key agent_key{run->metadata.ns, run->spec.agentRef};
  auto agent = co_await find_surely(api_, caches_.agents, agent_key);
  AgentRunStatus status = run->status;
  Admission admission;
  if (!agent) {
    const base::Issue missing{"spec.agentRef",
                              cat("there is no Agent \"", run->spec.agentRef, "\" in namespace ",
                                  run->metadata.ns, "; create it, then create the run again")};
    set_refused(status, *run, {missing}, clock_.now());
  } else {
    run = co_await complete(run, agent);
    status = run->status;
    admission = co_await examine(run, agent);
    if (admission.issues.empty())
      set_accepted(status, *run, clock_.now());
    else
      set_refused(status, *run, admission.issues, clock_.now());
  }
  RunPtr written = co_await write(run, std::move(status));
  if (is_terminal(written->status.phase)) co_return written;
  co_await make_job(written, std::move(admission));
  co_return written;
}

// The finalizer, and what the run leaves open, from its agent. No write for a run of our builder.
io::Task<RunReconciler::RunPtr> RunReconciler::complete(RunPtr run,
                                                        std::shared_ptr<const Agent> agent) {
  AgentRun whole = *run;
  resolve_defaults(whole, *agent);
  add_labels(whole);
  const std::string finalizer(protocol::finalizer_run);
  if (!contains(whole.metadata.finalizers, finalizer))
    whole.metadata.finalizers.push_back(finalizer);
  if (whole == *run) co_return run;
  base::Json patch = base::merge_diff(schema::encode(*run), schema::encode(whole));
  base::ensure(patch, {"metadata", "resourceVersion"}) = run->metadata.resourceVersion;
  kube::Ref ref = ref_to(*run);
  base::Json now = co_await api_.patch(std::move(ref), std::move(patch), {});
  caches_.runs.assume(now);
  co_return std::make_shared<const AgentRun>(controller::decode<AgentRun>(now));
}

io::Task<RunReconciler::Admission> RunReconciler::examine(RunPtr run,
                                                          std::shared_ptr<const Agent> agent) {
  Admission admission;
  admission.issues = problems_of(*run);
  add_from(admission.issues, "spec.agentRef", "Agent " + agent->metadata.name, problems_of(*agent));
  base::Issues of_packs = co_await examine_packs(run, admission.packs);
  std::ranges::move(of_packs, std::back_inserter(admission.issues));

  const std::string& name = run->spec.model.authSecretRef;
  constexpr std::string_view path = "spec.model.authSecretRef";
  if (name.empty()) {
    admission.issues.push_back({std::string(path), "must name the Secret with the provider's key"});
    co_return admission;
  }
  kube::Ref ref{&Secret::info, run->metadata.ns, name, {}};
  std::optional<base::Json> secret =
      co_await kube::find(api_, ref, {.detail = kube::Detail::metadata});
  std::optional<TextMap> annotations;
  if (secret) {
    admission.secret = controller::decode<ObjectMeta>(secret->at("metadata"));
    annotations = admission.secret.annotations;
  }
  for (base::Issue& issue : policy::check_secret(path, name, "provider", annotations))
    admission.issues.push_back(std::move(issue));
  co_return admission;
}

io::Task<base::Issues> RunReconciler::examine_packs(RunPtr run, std::vector<UsedPack>& packs) {
  base::Issues issues;
  std::vector<SkillPack> plain;
  for (std::size_t i = 0; i < run->spec.skills.size(); ++i) {
    const SkillRef& skill = run->spec.skills[i];
    if (skill.skillPackRef.empty()) continue;
    const std::string path = cat("spec.skills[", i, "].skillPackRef");
    const Key key{run->metadata.ns, skill.skillPackRef};
    auto pack = co_await find_surely(api_, caches_.packs, key);
    if (!pack) {
      issues.push_back(
          {path, cat("there is no SkillPack \"", skill.skillPackRef, "\" in namespace ", key.ns)});
      continue;
    }
    add_from(issues, path, "SkillPack " + skill.skillPackRef, problems_of(*pack));
    if (run->spec.harness && pack->spec.sidecar)
      issues.push_back(
          {path, cat("SkillPack ", skill.skillPackRef,
                     " has a tool sidecar, which a foreign agent (spec.harness) cannot "
                     "call; remove the pack, or the harness")});
    packs.push_back({*pack, skill.params});
    plain.push_back(*pack);
  }
  for (base::Issue& issue : policy::check_packs_together(plain)) issues.push_back(std::move(issue));
  co_return issues;
}

// ---- its Job ----

std::shared_ptr<const Job> RunReconciler::find_job(const AgentRun& run) const {
  for (const auto& [key, job] : caches_.jobs.list_by(std::string(index_run), run.metadata.uid))
    if (key.name == run.status.jobName) return job;
  return nullptr;
}

RunReconciler::Pods RunReconciler::known_pods(const AgentRun& run) const {
  Pods pods;
  for (auto& [key, pod] : caches_.pods.list_by(std::string(index_run), run.metadata.uid))
    if (pod) pods.push_back(std::move(pod));
  return pods;
}

// When the pod that is recorded is not known, it may be gone, or our watch late: the server knows.
io::Task<RunReconciler::Pods> RunReconciler::find_pods(RunPtr run) {
  Pods pods = known_pods(*run);
  const auto is_recorded = [&](const auto& pod) { return pod->metadata.uid == run->status.podUID; };
  if (run->status.podUID.empty() || std::ranges::any_of(pods, is_recorded)) co_return pods;
  kube::Ref all{&Pod::info, run->metadata.ns, {}, {}};
  kube::ListOptions options{.label_selector = cat(protocol::label_run_uid, "=", run->metadata.uid)};
  kube::Page page = co_await api_.list(std::move(all), std::move(options));
  pods.clear();
  for (const base::Json& item : page.items) {
    caches_.pods.assume(item);
    pods.push_back(std::make_shared<const Pod>(controller::decode<Pod>(item)));
  }
  co_return pods;
}

// `run` is as fresh as a write of ours: accepted, its Job's name recorded, not ended, not being
// deleted.
io::Task<> RunReconciler::make_job(RunPtr run, Admission admission) {
  co_await ensure_access(admission.secret);
  const Job wanted = desired_job(*run, admission.packs, settings_.pod);
  kube::Ref ref = ref_to(wanted);
  base::Json manifest = to_manifest(wanted);
  std::optional<controller::Child> child;
  std::string refusal;
  try {
    child = co_await controller::create_or_get(api_, std::move(ref), std::move(manifest));
  } catch (const base::Error& error) {
    if (error.code() != base::Code::invalid) throw;
    refusal = error.what();
  }
  if (!child) {
    co_await fail(run, reason::job_failed, "the API server refuses the Job: " + refusal);
    co_return;
  }
  if (!controller::is_controlled_by(child->object, run->metadata.uid)) {
    co_await fail(run, reason::name_taken,
                  cat("a Job named ", wanted.metadata.name,
                      " exists and is not this run's; delete it or choose "
                      "another name for the run"));
    co_return;
  }
  caches_.jobs.assume(child->object);
  if (child->made == controller::Made::now)
    events_.record(AgentRun::info, run->metadata, controller::EventType::normal, "JobCreated",
                   cat("created Job ", wanted.metadata.name));
}

// After a crash between the name and the Job: with packs and Secret as they are now.
io::Task<> RunReconciler::make_recorded_job(RunPtr run) {
  const Key agent_key{run->metadata.ns, run->spec.agentRef};
  auto agent = co_await find_surely(api_, caches_.agents, agent_key);
  if (!agent) {
    co_await fail(run, reason::refused, cat("refused: Agent ", agent_key.text(), " is gone"));
    co_return;
  }
  Admission admission = co_await examine(run, agent);
  if (admission.issues.empty())
    co_await make_job(run, std::move(admission));
  else
    co_await fail(run, reason::refused, "refused: " + base::format(admission.issues));
}

io::Task<> RunReconciler::ensure_access(ObjectMeta secret) {
  const std::string ns = secret.ns;
  co_await ensure(api_, caches_.accounts, desired_service_account(ns));
  co_await ensure(api_, caches_.roles, desired_secret_role(secret));
  co_await ensure(api_, caches_.bindings, desired_secret_role_binding(secret, settings_.gateway));
  if (!settings_.gateway_ca_pem.empty())
    co_await ensure(api_, caches_.config_maps, desired_gateway_ca(ns, settings_.gateway_ca_pem));
}

// ---- what becomes of it ----

io::Task<RunReconciler::RunPtr> RunReconciler::look(RunPtr run) {
  auto job = find_job(*run);
  const controller::ChildFacts facts{.recorded = !run->status.jobName.empty(),
                                     .observed = !run->status.podUID.empty(),
                                     .exists = job != nullptr};
  controller::ChildStep step = controller::plan_child(facts);
  if (step == controller::ChildStep::create || step == controller::ChildStep::lost) {
    // The cache may be behind: look at the run and its Job as they are. The Job last: what is told
    // of it in the run was there before.
    kube::Ref job_ref{&Job::info, run->metadata.ns, run->status.jobName, {}};
    kube::Ref run_ref = ref_to(*run);
    std::optional<base::Json> run_now = co_await kube::find(api_, std::move(run_ref));
    if (!run_now) co_return run;
    std::optional<base::Json> job_now = co_await kube::find(api_, std::move(job_ref));
    caches_.runs.assume(*run_now);
    auto fresh = std::make_shared<const AgentRun>(controller::decode<AgentRun>(*run_now));
    if (fresh->metadata.uid != run->metadata.uid || fresh->metadata.deletionTimestamp ||
        is_terminal(fresh->status.phase))
      co_return run;  // the watch will tell
    run = fresh;
    if (job_now && controller::is_controlled_by(*job_now, run->metadata.uid)) {
      caches_.jobs.assume(*job_now);
      job = find_job(*run);
    } else if (run->status.outcome) {
      // It said its last word; the Job is not needed any more.
    } else if (!run->status.podUID.empty()) {
      RunPtr failed =
          co_await fail(run, reason::job_lost,
                        cat("Job ", run->status.jobName, " was deleted before the run ended"));
      co_return failed;
    } else {
      co_await make_recorded_job(run);
      co_return run;
    }
  }
  const Pods pods = co_await find_pods(run);
  AgentRunStatus status = run->status;
  observe(status, *run, sight_of(job, pods, clock_.now()));
  RunPtr written = co_await write(run, std::move(status));
  co_return written;
}

io::Task<RunReconciler::RunPtr> RunReconciler::fail(RunPtr run, std::string_view why,
                                                    std::string error) {
  AgentRunStatus status = run->status;
  set_failed(status, *run, why, std::move(error), clock_.now());
  RunPtr written = co_await write(run, std::move(status));
  co_return written;
}

io::Task<RunReconciler::RunPtr> RunReconciler::write(RunPtr run, AgentRunStatus status) {
  RunPtr written = co_await patch_status(api_, caches_.runs, run, std::move(status));
  const bool ended = is_terminal(written->status.phase) && !is_terminal(run->status.phase);
  if (ended) {
    const bool succeeded = written->status.phase == RunPhase::succeeded;
    const Condition* ready = find_condition(written->status.conditions, condition::ready);
    events_.record(AgentRun::info, written->metadata,
                   succeeded ? controller::EventType::normal : controller::EventType::warning,
                   ready ? ready->reason : "Ended",
                   succeeded ? "the agent has answered" : written->status.error);
  }
  co_return written;
}

// ---- after its end ----

io::Task<Result> RunReconciler::settle(RunPtr run) {
  auto job = find_job(*run);
  if (!job) co_return Result{};
  const Pods pods = known_pods(*run);
  AgentRunStatus status = run->status;
  observe(status, *run, sight_of(job, pods, clock_.now()));  // the exit code may come last
  run = co_await write(run, std::move(status));
  const std::optional<base::Time> removal = job_removal(*run, *job, settings_.retention);
  if (!removal) co_return Result{};
  if (clock_.now() < *removal) co_return until(removal, clock_.now());
  if (!has_ended(*job)) {
    // What we know of it may be old: an agent that has ended since is not cut off.
    kube::Ref ref = ref_to(*job);
    std::optional<base::Json> now = co_await kube::find(api_, std::move(ref));
    if (now && has_ended(controller::decode<Job>(*now))) {
      caches_.jobs.assume(*now);
      co_return until(job_removal(*run, controller::decode<Job>(*now), settings_.retention),
                      clock_.now());
    }
  }
  co_await remove_job(run);
  co_return Result{};
}

io::Task<> RunReconciler::remove_job(RunPtr run) {
  const std::string name = run->status.jobName.empty() ? job_name(*run) : run->status.jobName;
  kube::Ref ref{&Job::info, run->metadata.ns, name, {}};
  std::optional<base::Json> job = co_await kube::find(api_, ref);
  if (!job || !controller::is_controlled_by(*job, run->metadata.uid)) co_return;
  if (base::find(*job, {"metadata", "deletionTimestamp"})) co_return;
  kube::RemoveOptions options{.uid = base::text_at(*job, {"metadata", "uid"}),
                              .propagation = kube::Propagation::background};
  co_await controller::remove_if_there(api_, std::move(ref), std::move(options));
}

io::Task<> RunReconciler::finalize(RunPtr run) {
  const std::string finalizer(protocol::finalizer_run);
  if (!contains(run->metadata.finalizers, finalizer)) co_return;
  co_await remove_job(run);
  base::JsonArray rest;
  for (const std::string& name : run->metadata.finalizers)
    if (name != finalizer) rest.emplace_back(name);
  base::Json patch{
      {"metadata",
       {{"finalizers", std::move(rest)}, {"resourceVersion", run->metadata.resourceVersion}}}};
  kube::Ref ref = ref_to(*run);
  try {
    co_await api_.patch(std::move(ref), std::move(patch), {});
  } catch (const base::Error& error) {
    if (error.code() != base::Code::not_found) throw;  // gone already
  }
}

}  // namespace reconcilers
