// Many runs on a running home, from POST to the last word, and objects for it to hold.
#include "bench.h"
#include "io/file.h"
#include "io/sync.h"
#include "kube/watch.h"
#include "objects/agent_run.h"
#include "process_events.h"

namespace bench {

namespace {

using base::cat;
using base::Json;
using objects::AgentRun;

// The runs of one measurement as a watch tells of them.
class Ends final : public kube::WatchSink {
 public:
  explicit Ends(std::string prefix) : prefix_(std::move(prefix) + "-") {}
  io::Task<> of(std::string name) {
    const auto event = event_of(name);
    co_await event->wait();
  }
  int failed() const { return failed_; }

  void list_begins() override {}
  void listed() override {}
  void gone(const Json&) override {}
  void put(const Json& run) override {
    const std::string name = base::text_at(run, {"metadata", "name"}),
                      phase = base::text_at(run, {"status", "phase"});
    if (!name.starts_with(prefix_) || (phase != "Succeeded" && phase != "Failed")) return;
    const auto event = event_of(name);
    if (phase == "Failed" && !event->is_set()) ++failed_;
    event->set();
  }

 private:
  std::shared_ptr<io::Event> event_of(const std::string& name) {
    auto& event = events_[name];
    if (!event) event = std::make_shared<io::Event>();
    return event;
  }
  std::string prefix_;
  std::map<std::string, std::shared_ptr<io::Event>> events_;
  int failed_ = 0;
};

}  // namespace

void measure_runs(const Flags& flags) {
  io::Loop loop;
  io::SystemClock clock(loop);
  io::SystemRandom random;
  SilentLog log;
  kube::Client api = connect(loop, clock, flags.get("kubeconfig"));
  const RunMaker maker(loop, api, flags);
  const std::string prefix = flags.get("prefix");
  const int count = flags.number("count");
  Ends ends(prefix);
  kube::Watcher watcher(clock, random, log, api, {.collection = runs_collection()}, ends);
  io::TaskGroup watching(loop);
  watching.spawn("runs", watcher.run());

  std::vector<double> took(static_cast<std::size_t>(count));
  const auto one = [&](int i) -> io::Task<> {
    const double began = now_ms();
    Json run = maker.make(run_name(prefix, i));
    co_await api.create(runs_collection(), std::move(run), {});
    co_await ends.of(run_name(prefix, i));
    took[static_cast<std::size_t>(i)] = now_ms() - began;
  };
  const double began = now_ms();
  loop.run(for_each(loop, count, static_cast<std::size_t>(flags.number("at-once")), one));
  const double all = now_ms() - began;
  watching.stop();
  loop.run(watching.join());
  if (ends.failed() > 0)
    throw base::Error(base::Code::internal, cat(ends.failed(), " of ", count, " runs failed"));
  print_samples("runs_per_s", "1/s", {count * 1000.0 / all});
  print_samples("run_ms", "ms", took);
}

// Runs that have ended, with an answer, usage and conditions. Their agent is one that is not there,
// so that a controller that sees them between the two writes makes no Job.
void make_finished_runs(const Flags& flags) {
  io::Loop loop;
  io::SystemClock clock(loop);
  kube::Client api = connect(loop, clock, flags.get("kubeconfig"));
  const RunMaker maker(loop, api, flags);
  const Json status = base::parse_json(io::read_file(flags.get("status")));
  const std::string prefix = flags.get("prefix");
  const auto one = [&](int i) -> io::Task<> {
    Json run = maker.make(run_name(prefix, i));
    base::ensure(run, {"spec", "agentRef"}) = "nobody";
    co_await api.create(runs_collection(), std::move(run), {});
    kube::Ref ref{&AgentRun::info, "default", run_name(prefix, i), "status"};
    Json patch = status;
    co_await api.patch(std::move(ref), std::move(patch), {});
  };
  const double began = now_ms();
  loop.run(for_each(loop, flags.number("count"), 24, one));
  print_samples("finished_runs_s", "s", {(now_ms() - began) / 1000});
}

}  // namespace bench
