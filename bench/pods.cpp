#include "pods.h"

#include "base/text.h"
#include "objects/agent_run.h"
#include "objects/service_account.h"
#include "process_events.h"
#include "protocol/names.h"

namespace bench {

namespace {

using base::Json;
using base::JsonObject;

constexpr double patience_ms = 30'000;

// The run's status once the controller has recorded its pod.
io::Task<Json> wait_for_pod(kube::Api& api, base::Clock& clock, std::string name) {
  for (const double until = now_ms() + patience_ms; now_ms() < until;) {
    kube::Ref ref{&objects::AgentRun::info, "default", name, ""};
    Json run = co_await api.get(std::move(ref), {});
    if (!base::text_at(run, {"status", "podUID"}).empty()) co_return run;
    co_await io::sleep(clock, base::Duration(20));
  }
  throw base::Error(base::Code::timeout, base::cat("run ", name, " got no pod"));
}

io::Task<std::string> make_token(kube::Api& api, Json run) {
  const JsonObject pod{{"apiVersion", "v1"},
                       {"kind", "Pod"},
                       {"name", base::text_at(run, {"status", "podName"})},
                       {"uid", base::text_at(run, {"status", "podUID"})}};
  Json request{{"apiVersion", "authentication.k8s.io/v1"},
               {"kind", "TokenRequest"},
               {"spec", JsonObject{{"audiences", base::JsonArray{protocol::audience_gateway}},
                                   {"boundObjectRef", pod}}}};
  kube::Ref ref{&objects::ServiceAccount::info, "default",
                std::string(protocol::service_account_run), "token"};
  const Json made = co_await api.create(std::move(ref), std::move(request), {});
  co_return base::text_at(made, {"status", "token"});
}

}  // namespace

std::vector<RunPod> make_pods(io::Loop& loop, base::Clock& clock, kube::Api& api,
                              const RunMaker& maker, const std::string& prefix, int count) {
  std::vector<RunPod> out(static_cast<std::size_t>(count));
  const auto one = [&](int i) -> io::Task<> {
    Json made = maker.make(run_name(prefix, i));
    co_await api.create(runs_collection(), std::move(made), {});
    Json run = co_await wait_for_pod(api, clock, run_name(prefix, i));
    RunPod& pod = out[static_cast<std::size_t>(i)];
    pod.run = base::text_at(run, {"metadata", "uid"});
    pod.token = co_await make_token(api, std::move(run));
  };
  loop.run(for_each(loop, count, 8, one));
  return out;
}

}  // namespace bench
