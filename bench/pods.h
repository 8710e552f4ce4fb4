// Runs of a home whose pods no node takes: whoever has a pod's token speaks to a gateway as its
// bridge would.
#pragma once

#include "bench.h"

namespace bench {

struct RunPod {
  std::string run;    // UID
  std::string token;  // for gateways
};

// Creates runs and waits for the pods that the home makes for them.
std::vector<RunPod> make_pods(io::Loop&, base::Clock&, kube::Api&, const RunMaker&,
                              const std::string& prefix, int count);

}  // namespace bench
