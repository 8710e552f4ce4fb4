#include "objects/job.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

constexpr Struct PodTemplate::table{"PodTemplate", &room<PodTemplate>, {
    {"metadata", &PodTemplate::metadata, honoured, "Labels and annotations of the pods."},
    {"spec", &PodTemplate::spec, honoured, "Their spec."},
}};

constexpr Struct JobSpec::table{"JobSpec", &room<JobSpec>, {
    {"parallelism", &JobSpec::parallelism, honoured, "Pods at a time. Default 1."},
    {"completions", &JobSpec::completions, honoured, "Pods that must succeed. Default 1."},
    {"backoffLimit", &JobSpec::backoffLimit, honoured, "Failures at most. Default 6."},
    {"activeDeadlineSeconds", &JobSpec::activeDeadlineSeconds, honoured, "Seconds that it may take."},
    {"ttlSecondsAfterFinished", &JobSpec::ttlSecondsAfterFinished, honoured, "Seconds until it is deleted after its end."},
    {"suspend", &JobSpec::suspend, honoured, "Whether it holds no pods. Default false."},
    {"manualSelector", &JobSpec::manualSelector, honoured, "Whether the selector is the user's."},
    {"completionMode", &JobSpec::completionMode, honoured, "NonIndexed or Indexed."},
    {"podReplacementPolicy", &JobSpec::podReplacementPolicy, honoured, "TerminatingOrFailed or Failed."},
    {"selector", &JobSpec::selector, honoured, "Its pods."},
    {"podFailurePolicy", &JobSpec::podFailurePolicy, honoured, "What a pod's failure means."},
    {"template", &JobSpec::podTemplate, honoured, "The pods to make."},
}};

constexpr Struct JobCondition::table{"JobCondition", &room<JobCondition>, {
    {"type", &JobCondition::type, honoured, "Suspended, SuccessCriteriaMet, Complete, FailureTarget, Failed."},
    {"status", &JobCondition::status, honoured, "True, False or Unknown."},
    {"reason", &JobCondition::reason, honoured, "Why, in one word."},
    {"message", &JobCondition::message, honoured, "Why, for people."},
    {"lastTransitionTime", &JobCondition::lastTransitionTime, honoured, "When the status last changed."},
    {"lastProbeTime", &JobCondition::lastProbeTime, honoured, "When it was last looked at."},
}};

constexpr Struct UncountedPods::table{"UncountedPods", &room<UncountedPods>, {
    {"succeeded", &UncountedPods::succeeded, honoured, "UIDs."},
    {"failed", &UncountedPods::failed, honoured, "UIDs."},
}};

constexpr Struct JobStatus::table{"JobStatus", &room<JobStatus>, {
    {"active", &JobStatus::active, honoured, "Pods that are not final."},
    {"ready", &JobStatus::ready, honoured, "Pods that are ready."},
    {"succeeded", &JobStatus::succeeded, honoured, "Pods that succeeded."},
    {"failed", &JobStatus::failed, honoured, "Pods that failed."},
    {"terminating", &JobStatus::terminating, honoured, "Pods that are being deleted."},
    {"startTime", &JobStatus::startTime, honoured, "When it started."},
    {"completionTime", &JobStatus::completionTime, honoured, "When it succeeded."},
    {"conditions", &JobStatus::conditions, honoured, "Conditions, by type."},
    {"uncountedTerminatedPods", &JobStatus::uncountedTerminatedPods, honoured, "Pods that have ended and are not counted yet."},
}};

constexpr Struct Job::table{"Job", &room<Job>, {
    {"metadata", &Job::metadata, honoured, "Name, labels, owners."},
    {"spec", &Job::spec, honoured, "What shall run."},
    {"status", &Job::status, honoured, "What became of it."},
}, &Job::info};

constexpr KindInfo Job::info{
    .group = "batch", .version = "v1",
    .kind = "Job", .plural = "jobs", .singular = "job",
    .status = StatusSubresource::yes,
    .categories = {"all"},
    .table = &Job::table,
    .doc = "Pods that are made until enough have succeeded.",
};

}  // namespace objects
