// The slice of batch/v1 Job that we read and write.
#pragma once

#include "objects/pod.h"

namespace objects {

struct PodTemplate {
  ObjectMeta metadata;
  PodSpec spec;
  bool operator==(const PodTemplate&) const = default;
  static const Struct table;
};

struct JobSpec {
  std::optional<std::int64_t> parallelism, completions, backoffLimit, activeDeadlineSeconds,
      ttlSecondsAfterFinished;
  std::optional<bool> suspend, manualSelector;
  std::string completionMode, podReplacementPolicy;
  std::optional<LabelSelector> selector;
  std::optional<JsonObject> podFailurePolicy;
  PodTemplate podTemplate;  // "template" on the wire
  bool operator==(const JobSpec&) const = default;
  static const Struct table;
};

struct JobCondition {
  std::string type, status, reason, message;  // Complete, Failed, SuccessCriteriaMet, …
  std::optional<Time> lastTransitionTime, lastProbeTime;
  bool operator==(const JobCondition&) const = default;
  static const Struct table;
};
struct UncountedPods {
  Texts succeeded, failed;  // uids
  bool operator==(const UncountedPods&) const = default;
  static const Struct table;
};
struct JobStatus {
  std::int64_t active = 0, succeeded = 0, failed = 0;
  std::optional<std::int64_t> ready, terminating;
  std::optional<Time> startTime, completionTime;
  std::vector<JobCondition> conditions;
  std::optional<UncountedPods> uncountedTerminatedPods;
  bool operator==(const JobStatus&) const = default;
  static const Struct table;
};

struct Job {
  ObjectMeta metadata;
  JobSpec spec;
  JobStatus status;
  bool operator==(const Job&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

}  // namespace objects
