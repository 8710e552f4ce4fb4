#include "faults/rules.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "controller/write.h"
#include "faults/story.h"
#include "protocol/names.h"

namespace faults {

using apiserver::Change;
using apiserver::ChangeType;
using base::Json;
using base::text_at;

namespace {

std::string run_uid_of(const Json& object) {
  return text_at(object, {"metadata", "labels", protocol::label_run_uid});
}

bool is_accepted(const Json& run) {
  const Json* conditions = base::find(run, {"status", "conditions"});
  return conditions && std::ranges::any_of(conditions->as_array(), [](const Json& one) {
           return text_at(one, {"type"}) == "Accepted" && text_at(one, {"status"}) == "True";
         });
}

std::int64_t attempt_of(const Json& run) {
  return base::find_int(run, {"status", "attempt"}).value_or(0);
}

}  // namespace

Rules::Rules(Ledger& ledger, Controllers controllers) : ledger_(ledger), controllers_(controllers) {
  ledger.on_change([this](const Change& change) { look(change); });
}

void Rules::expect(bool holds, std::string_view rule, const Json& object) {
  if (!holds) breaches_.push_back(base::cat(rule, ": ", base::to_text(object)));
}

void Rules::look(const Change& change) {
  const std::string& storage = change.after->key.storage;
  if (storage == "agentruns.sympozium.ai" && change.type == ChangeType::modified)
    look_at_run(change.before->tree(), change.after->tree());
  if (storage == "jobs.batch" && change.type == ChangeType::added)
    look_at_new_job(change.after->tree());
}

void Rules::look_at_run(const Json& before, const Json& after) {
  const auto stays = [&](std::string_view field) {
    const std::string old = text_at(before, {"status", field});
    return old.empty() || old == text_at(after, {"status", field});
  };
  const std::string phase = text_at(before, {"status", "phase"});
  if (phase == "Succeeded" || phase == "Failed") {
    expect(stays("phase"), "a terminal phase stays", after);
    expect(stays("completedAt"), "an end happens once", after);
    expect(stays("error"), "an error stays", after);
    expect(stays("podUID"), "no attempt begins after the end", after);
  }
  expect(stays("jobName"), "the Job's name stays", after);
  expect(stays("startedAt"), "a run starts once", after);
  const auto attempts = attempt_of(after) - attempt_of(before);
  const bool same_pod =
      text_at(before, {"status", "podUID"}) == text_at(after, {"status", "podUID"});
  expect(attempts == (same_pod ? 0 : 1), "every pod is one attempt", after);
}

void Rules::look_at_new_job(const Json& job) {
  const std::string uid = run_uid_of(job);
  if (uid.empty()) return;  // not of a run
  Json run;
  for (Json& one : ledger_.list(run_ref(text_at(job, {"metadata", "namespace"}), "")))
    if (text_at(one, {"metadata", "uid"}) == uid) run = std::move(one);
  if (run.is_null() && controllers_ == Controllers::several) return;
  expect(!run.is_null(), "a Job is made for a run that is there", job);
  expect(++jobs_made_[uid] == 1, "a run has one Job, ever", job);
  if (run.is_null()) return;
  expect(is_accepted(run), "only an accepted run gets a Job", run);
  expect(text_at(run, {"status", "jobName"}) == text_at(job, {"metadata", "name"}),
         "a Job's name is recorded before it is made", run);
  if (controllers_ == Controllers::several) return;
  expect(controller::has_finalizer(run, protocol::finalizer_run),
         "a run that has a Job can not just vanish", run);
  const std::string phase = text_at(run, {"status", "phase"});
  expect(phase != "Succeeded" && phase != "Failed", "no Job is made after the end", run);
}

std::vector<std::string> Rules::orphans() const {
  std::set<std::string> uids;
  std::vector<Json> owned;
  for (const auto& object : ledger_.now()) {
    uids.insert(object->uid);
    owned.push_back(object->tree());
  }
  std::vector<std::string> orphans;
  for (const Json& object : owned) {
    bool orphaned = !run_uid_of(object).empty() && !uids.contains(run_uid_of(object));
    if (const Json* owners = base::find(object, {"metadata", "ownerReferences"}))
      for (const Json& owner : owners->as_array())
        if (!uids.contains(text_at(owner, {"uid"}))) orphaned = true;
    if (orphaned)
      orphans.push_back(base::cat(text_at(object, {"kind"}), " ",
                                  text_at(object, {"metadata", "name"}), " is orphaned"));
  }
  return orphans;
}

}  // namespace faults
