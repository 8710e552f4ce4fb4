// What a Job needs next: a pure decision over the Job and its pods (Kubernetes' job controller, the
// slice without indexed completion, pod failure policy and elastic parallelism).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"

namespace loops {

inline constexpr std::string_view job_finalizer = "batch.kubernetes.io/job-tracking";

struct PodFacts {
  std::string ns, name, uid;
  std::string job_name, job_uid;  // of the Job that controls it
  std::string phase;              // Pending, Running, Succeeded, Failed, Unknown
  bool deleting = false, tracked = false, ready = false, bound = false;
  std::int64_t restarts = 0;  // of all its containers, init containers included
};
PodFacts read_pod(const base::Json&);

struct JobPlan {
  // Names of pods: those to make, those to delete, those that lose our finalizer before that (they
  // count for nothing), and those that lose it when the status is written.
  std::vector<std::string> create, remove, release, untrack;
  base::Json status;  // as it should be after these
  std::optional<base::Duration> again_after;
};

// `pods`: those that the Job controls. `last_failure`: when a pod of it was last seen to fail, for
// the back-off of replacements (10 s, doubled per failure, at most 10 min).
JobPlan plan_job(const base::Json& job, const std::vector<PodFacts>& pods, base::Time now,
                 std::optional<base::Time> last_failure);

// True with condition Complete or Failed.
bool is_finished(const base::Json& job);
// The pod of a Job under this name: template, labels, owner, finalizer.
base::Json make_job_pod(const base::Json& job, const std::string& name);

}  // namespace loops
