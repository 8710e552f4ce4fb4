// A run's way to its Job on any API server: AgentRun POST → the Job in our watch. The floor is a
// client that makes one bare Job per run and nothing else (`bare-jobs`), seen by the same watch.
#include "bench.h"
#include "io/file.h"
#include "io/sync.h"
#include "kube/watch.h"
#include "objects/agent_run.h"
#include "objects/job.h"
#include "process_events.h"

namespace bench {

namespace {

using base::Json;

const kube::Ref jobs_collection{&objects::Job::info, "default", "", ""};

std::string name_of(const Json& object) { return base::text_at(object, {"metadata", "name"}); }

// When each Job was told of.
class SeenJobs final : public kube::WatchSink {
 public:
  io::Task<double> at(std::string name) {
    while (!seen_.contains(name)) {
      more_.clear();
      co_await more_.wait();
    }
    co_return seen_[name];
  }
  void list_begins() override {}
  void listed() override {}
  void gone(const Json&) override {}
  void put(const Json& job) override {
    seen_.try_emplace(name_of(job), now_ms());
    more_.set();
  }

 private:
  std::map<std::string, double> seen_;
  io::Event more_;
};

// Creates a Job for each run that it is told of.
class BareJobs final : public kube::WatchSink {
 public:
  BareJobs(io::Loop& loop, kube::Api& api, Json job)
      : api_(api), job_(std::move(job)), work_(loop) {}
  void list_begins() override {}
  void listed() override {}
  void gone(const Json&) override {}
  void put(const Json& run) override {
    const std::string name = name_of(run);
    if (made_.insert(name).second) work_.spawn("job " + name, make(name));
  }

 private:
  io::Task<> make(std::string name) {
    auto turn = co_await turns_.acquire();
    Json job = job_;
    base::ensure(job, {"metadata", "name"}) = name;
    co_await api_.create(jobs_collection, std::move(job), {});
  }
  kube::Api& api_;
  Json job_;
  std::set<std::string> made_;
  io::Semaphore turns_{8};  // as many as our controller has workers
  io::TaskGroup work_;
};

}  // namespace

void make_bare_jobs(const Flags& flags) {
  io::Loop loop;
  io::SystemClock clock(loop);
  io::SystemRandom random;
  SilentLog log;
  kube::Client api = connect(loop, clock, flags.get("kubeconfig"));
  BareJobs jobs(loop, api, base::parse_json(io::read_file(flags.get("job"))));
  kube::Watcher watcher(clock, random, log, api, {.collection = runs_collection()}, jobs);
  loop.run(watcher.run());  // until it is killed
}

void measure_jobs(const Flags& flags) {
  io::Loop loop;
  io::SystemClock clock(loop);
  io::SystemRandom random;
  SilentLog log;
  kube::Client api = connect(loop, clock, flags.get("kubeconfig"));
  const RunMaker maker(loop, api, flags);
  const std::string prefix = flags.get("prefix");
  SeenJobs seen;
  kube::Watcher watcher(clock, random, log, api, {.collection = jobs_collection}, seen);
  io::TaskGroup watching(loop);
  watching.spawn("jobs", watcher.run());

  std::vector<double> alone;
  double last = 0;
  const auto one = [&](int i) -> io::Task<> {
    const double began = now_ms();
    Json run = maker.make(run_name(prefix, i));
    co_await api.create(runs_collection(), std::move(run), {});
    const double at = co_await seen.at(run_name(prefix, i));
    alone.push_back(at - began);
  };
  const auto post = [&](int i) -> io::Task<> {
    Json run = maker.make(run_name(prefix + "-burst", i));
    co_await api.create(runs_collection(), std::move(run), {});
  };
  const int count = flags.number("count"), burst = flags.number("burst");
  constexpr int warm_up = 5;
  loop.run(for_each(loop, count + warm_up, 1, one));
  alone.erase(alone.begin(), alone.begin() + warm_up);
  const double began = now_ms();
  loop.run(for_each(loop, burst, 16, post));
  for (int i = 0; i < burst; ++i)
    last = std::max(last, loop.run(seen.at(run_name(prefix + "-burst", i))));
  watching.stop();
  loop.run(watching.join());
  print_samples("run_to_job_ms", "ms", alone);
  print_samples("burst_jobs_per_s", "1/s", {burst * 1000.0 / (last - began)});
}

}  // namespace bench
