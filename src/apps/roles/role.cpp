#include "apps/roles/role.h"

#include <unistd.h>

namespace app {

namespace {

constexpr base::Duration farewell_limit{20'000};

io::Task<> say_farewells(Process& process) {
  for (const auto& farewell : process.farewells) co_await farewell();
}

io::Task<> stop_at_signal(Process& process) {
  co_await io::next_signal({SIGTERM, SIGINT});
  std::string late;
  try {
    co_await io::within(process.clock, farewell_limit, "stopping", say_farewells(process));
  } catch (const base::Error& error) {
    if (error.code() == base::Code::cancelled) throw;
    late = error.what();
  }
  if (!late.empty()) process.log.warn("stopping what is still at work", {{"why", late}});
  process.group.stop();
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
    group.spawn("signals", stop_at_signal(*this));
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
