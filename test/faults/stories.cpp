#include "faults/stories.h"

#include "base/text.h"
#include "protocol/names.h"

namespace faults {

namespace {

using base::Json;
using base::text_at;

const std::string one = "one";

bool is_over(const std::string& phase) { return phase == "Succeeded" || phase == "Failed"; }

// ---- what is waited for ----

Json run_of(const World& world, const std::string& run = one) {
  return world.find(run_ref(world.cast.ns, run));
}

void until_gone(World& world, const kube::Ref& ref) {
  world.until(kube::describe(ref) + " gone", [&] { return world.find(ref).is_null(); });
}

void until_phase(World& world, const std::string& phase, const std::string& run = one) {
  world.until(base::cat(run, " ", phase),
              [&] { return text_at(run_of(world, run), {"status", "phase"}) == phase; });
}

void until_exit_code(World& world, int code) {
  world.until("exit code",
              [&] { return base::find_int(run_of(world), {"status", "exitCode"}) == code; });
}

void until_job_gone(World& world, const std::string& run = one) {
  until_gone(world, job_ref(world.cast.ns, run));
}

// A pod of the run that is placed and goes on; null when there is none.
Json find_pod(const World& world, const std::string& run) {
  const std::string uid = text_at(run_of(world, run), {"metadata", "uid"});
  for (Json& pod : world.ledger().list(pod_ref(world.cast.ns, "")))
    if (text_at(pod, {"metadata", "labels", protocol::label_run_uid}) == uid &&
        text_at(pod, {"metadata", "deletionTimestamp"}).empty() &&
        !text_at(pod, {"spec", "nodeName"}).empty() && !is_over(text_at(pod, {"status", "phase"})))
      return std::move(pod);
  return {};
}

void until_no_pods(World& world) {
  world.until("no pods", [&] { return world.ledger().list(pod_ref(world.cast.ns, "")).empty(); });
}

// ---- what others do ----

void report(World& world, const std::string& pod, Json status) {
  world.run(report_pod(world.hand(), world.cast.ns, pod, std::move(status)));
}

void say_outcome(World& world, Json status, const std::string& run = one) {
  world.run(report_outcome(world.hand(), world.cast.ns, run, std::move(status)));
}

// Its pod comes and runs, and the controller knows it: no gateway listens to it before.
std::string until_running(World& world, const std::string& run = one) {
  world.until("a pod", [&] { return !find_pod(world, run).is_null(); });
  const Json pod = find_pod(world, run);
  const std::string uid = text_at(pod, {"metadata", "uid"});
  const std::string name = text_at(pod, {"metadata", "name"});
  report(world, name, pod_running());
  world.until("the pod is known",
              [&] { return text_at(run_of(world, run), {"status", "podUID"}) == uid; });
  return name;
}

// As every run begins.
std::string begin(World& world) {
  world.create(world.cast.run(one));
  const std::string pod = until_running(world);
  world.part();
  return pod;
}

void answer(World& world, const std::string& pod, const std::string& run = one) {
  say_outcome(world, outcome_success("42"), run);
  report(world, pod, pod_succeeded());
  until_phase(world, "Succeeded", run);
}

void finish(World& world, const std::string& run = one) {
  const std::string pod = until_running(world, run);
  answer(world, pod, run);
}

void remove_run(World& world) {
  const kube::Ref run = run_ref(world.cast.ns, one);
  const std::string uid = text_at(run_of(world), {"metadata", "uid"});
  world.remove(run);
  world.until("the run is gone",
              [&] { return text_at(run_of(world), {"metadata", "uid"}) != uid; });
}

void until_nothing_is_left(World& world) {
  until_gone(world, run_ref(world.cast.ns, one));
  until_job_gone(world);
  until_no_pods(world);
}

// ---- the stories ----

void begins_and_succeeds(World& world) {
  world.create(world.cast.secret());
  world.create(world.cast.pack());
  world.create(world.cast.agent());
  world.create(world.cast.run(one));
  finish(world);
}

void succeeds(World& world) {
  answer(world, begin(world));
  until_exit_code(world, 0);
}

void succeeds_and_its_job_is_removed(World& world) {
  succeeds(world);
  until_job_gone(world);
  until_no_pods(world);
}

void is_kept(World& world) {
  Json run = world.cast.run(one);
  base::ensure(run, {"spec", "cleanup"}) = "keep";
  world.create(std::move(run));
  finish(world);
  world.pass(base::Duration(120'000));
}

void fails_by_its_agent(World& world) {
  const std::string pod = begin(world);
  say_outcome(world, outcome_error("the model refused"));
  report(world, pod, pod_succeeded());
  until_phase(world, "Failed");
}

void is_refused(World& world) {
  Json run = world.cast.run(one);
  base::ensure(run, {"spec", "model", "authSecretRef"}) = "absent";
  world.create(std::move(run));
  until_phase(world, "Failed");
}

void has_no_agent(World& world) {
  Json run = world.cast.run(one);
  base::ensure(run, {"spec", "agentRef"}) = "nobody";
  world.create(std::move(run));
  until_phase(world, "Failed");
}

void times_out(World& world) {
  Json run = world.cast.run(one);
  base::ensure(run, {"spec", "timeout"}) = "2m";
  world.create(std::move(run));
  until_running(world);
  world.part();
  until_phase(world, "Failed");
  until_job_gone(world);
  until_no_pods(world);
}

void is_deleted_while_queued(World& world) {
  Json run = world.cast.run(one);
  base::ensure(run, {"spec", "model", "nodeSelector", "example.com/none"}) = "such";
  world.create(std::move(run));
  world.until("a Job", [&] { return !world.find(job_ref(world.cast.ns, one)).is_null(); });
  remove_run(world);
  until_nothing_is_left(world);
}

void is_deleted_while_it_begins(World& world) {
  world.create(world.cast.run(one));
  world.until("the controller's touch",
              [&] { return base::find(run_of(world), {"metadata", "finalizers"}) != nullptr; });
  remove_run(world);
  until_nothing_is_left(world);
}

void is_deleted_while_running(World& world) {
  begin(world);
  remove_run(world);
  until_nothing_is_left(world);
}

void is_deleted_after_its_end(World& world) {
  succeeds(world);
  world.part();
  remove_run(world);
  until_nothing_is_left(world);
}

void is_deleted_and_made_again(World& world) {
  begin(world);
  remove_run(world);
  world.create(world.cast.run(one));
  until_running(world);
  until_phase(world, "Running");
}

void loses_its_node(World& world) {
  const std::string pod = begin(world);
  Json lost = pod_agent_failed(137, "Error");
  base::ensure(lost, {"reason"}) = "NodeLost";
  report(world, pod, std::move(lost));
  world.remove(pod_ref(world.cast.ns, pod), {.grace_period_seconds = 0});
  finish(world);
  world.until("the second attempt",
              [&] { return base::find_int(run_of(world), {"status", "attempt"}) == 2; });
}

void runs_out_of_memory_once(World& world) {
  report(world, begin(world), pod_agent_failed(137, "OOMKilled"));
  finish(world);
}

void runs_out_of_memory_always(World& world) {
  const std::string pod = begin(world);
  until_phase(world, "Running");
  report(world, pod, pod_agent_restarted(6, 137, "OOMKilled"));
  until_phase(world, "Failed");
}

void loses_its_job(World& world) {
  begin(world);
  until_phase(world, "Running");
  world.remove(job_ref(world.cast.ns, one), {.propagation = kube::Propagation::background});
  until_phase(world, "Failed");
  until_no_pods(world);
}

void finds_its_name_taken(World& world) {
  world.create(base::parse_json(
      base::cat(R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"one","namespace":")",
                world.cast.ns,
                R"("},"spec":{"suspend":true,"template":{"spec":{"restartPolicy":"Never",)"
                R"("containers":[{"name":"main","image":"busybox:1"}]}}}})")));
  world.create(world.cast.run(one));
  until_phase(world, "Failed");
}

void ends_before_its_outcome_is_known(World& world) {
  report(world, begin(world), pod_succeeded());
  world.pass(base::Duration(5'000));
  say_outcome(world, outcome_success("42"));
  until_phase(world, "Succeeded");
}

void ends_without_an_outcome(World& world) {
  report(world, begin(world), pod_succeeded());
  until_phase(world, "Failed");
}

void are_two(World& world) {
  world.create(world.cast.run(one));
  world.create(world.cast.run("two"));
  finish(world, "two");
  finish(world);
}

}  // namespace

const std::vector<Story>& stories() {
  constexpr base::Duration hour{60 * 60'000}, minute{60'000};
  static const std::vector<Story> all{
      {"begins_and_succeeds", begins_and_succeeds, hour, Beginning::empty},
      {.name = "succeeds", .tell = succeeds, .is_variation = true},
      {"succeeds_and_its_job_is_removed", succeeds_and_its_job_is_removed, minute},
      {.name = "is_kept", .tell = is_kept, .retention = minute, .is_variation = true},
      {"fails_by_its_agent", fails_by_its_agent},
      {"is_refused", is_refused},
      {"has_no_agent", has_no_agent},
      {"times_out", times_out},
      {"is_deleted_while_queued", is_deleted_while_queued},
      {"is_deleted_while_it_begins", is_deleted_while_it_begins},
      {"is_deleted_while_running", is_deleted_while_running},
      {"is_deleted_after_its_end", is_deleted_after_its_end},
      {"is_deleted_and_made_again", is_deleted_and_made_again},
      {"loses_its_node", loses_its_node},
      {"runs_out_of_memory_once", runs_out_of_memory_once},
      {"runs_out_of_memory_always", runs_out_of_memory_always, hour, Beginning::settled,
       3 * minute},
      {"loses_its_job", loses_its_job},
      {"finds_its_name_taken", finds_its_name_taken},
      {"ends_before_its_outcome_is_known", ends_before_its_outcome_is_known},
      {"ends_without_an_outcome", ends_without_an_outcome},
      {.name = "are_two", .tell = are_two, .is_variation = true},
  };
  return all;
}

}  // namespace faults
