#include "role.h"

#include <unistd.h>

namespace app {

namespace {

io::Task<> stop_at_signal(io::TaskGroup& group) {
  co_await io::next_signal({SIGTERM, SIGINT});
  group.stop();
}

}  // namespace

Process::Process(const std::string& name)
    : component(name),
      clock(loop),
      log(clock, name, STDERR_FILENO,
          ::isatty(STDERR_FILENO) ? base::StreamLog::Form::text : base::StreamLog::Form::json),
      group(loop) {}

int Process::run() {
  try {
    group.spawn("signals", stop_at_signal(group));
    loop.run(group.join());
    return 0;
  } catch (const std::exception& error) {
    log.error("cannot go on", {{"error", error.what()}});
    return 1;
  }
}

kube::Client Process::connect(const std::string& kubeconfig) {
  const kube::Config config = kube::load_kubeconfig({kubeconfig});
  return kube::Client(loop, clock, kube::make_endpoint(config),
                      {.user_agent = "sympozium-" + component + "/" SYMPOZIUM_VERSION});
}

}  // namespace app
