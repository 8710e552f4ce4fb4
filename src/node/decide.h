// The one place that decides what happens next in a pod. Pure: (Pod, record, time) → step.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "node/record.h"

namespace node {

struct Stop {
  std::string container;
  int signal;  // SIGTERM, or SIGKILL when its time is over
  bool operator==(const Stop&) const = default;
};

struct Step {
  std::vector<std::string> start;  // containers to make now
  std::vector<Stop> stop;
  std::optional<Ending> ending;          // newly decided: to be put down before anything is stopped
  std::vector<std::string> backing_off;  // CrashLoopBackOff
  std::optional<base::Time> look_again;  // nothing happens by itself before
  bool over = false;                     // nothing runs and nothing will
};

// Rules of Kubernetes (Pod Lifecycle, Sidecar Containers): init containers one after another; a
// sidecar counts as started when it runs, and is started again whatever the policy; the others
// together once all init containers are done; restarts by restartPolicy with back-off. When the pod
// ends, ordinary containers get SIGTERM first; sidecars follow in reverse order, each when the one
// before is gone, within the same grace period but with two seconds at least.
Step decide(const base::Json& pod, const PodRecord&, base::Time now);

// A container's record, an empty one when it has none yet.
const ContainerRecord& record_of(const PodRecord&, const std::string& container);

// Will a container that ended like this be made again while the pod lives?
bool restarts(const base::Json& pod, bool sidecar, int exit_code);

}  // namespace node
