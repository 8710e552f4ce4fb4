// pods/log: the container's log, streamed from the kubelet port of the pod's node.
#pragma once

#include "apiserver/context.h"

namespace apiserver {

io::Task<> serve_pod_log(Context&, Call&);

}  // namespace apiserver
