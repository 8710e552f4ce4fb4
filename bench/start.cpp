// AgentRun POST → the agent's exec, on a running embedded home, and what the container runtime
// alone takes for the same containers.
//
// It begins when the client begins to send the POST and ends with the kernel's own time stamp of
// the exec of the agent's program (process_events.h): no log, no status, no clock of ours in
// between.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "bench.h"
#include "io/process.h"
#include "objects/agent_run.h"
#include "process_events.h"

namespace bench {

namespace {

using base::cat;
using base::Json;

constexpr double patience_ms = 30'000;

// Where the runtime works: hybrid control groups are usable in the shim's mounts only.
void enter_mounts_of(const std::string& pid) {
  const io::Fd mounts(::open(cat("/proc/", pid, "/ns/mnt").c_str(), O_RDONLY | O_CLOEXEC));
  if (::setns(mounts.get(), CLONE_NEWNS) != 0) io::throw_errno("joining the mounts of", pid);
}

// `crun run` by hand, of the containers of a pod: one after the other, as the node does it.
class Runtime {
 public:
  // --bundles: directories, the agent's last; --scratch: for the runtime's state; --node: its name.
  Runtime(io::Loop& loop, const Flags& flags) : loop_(loop), scratch_(flags.get("scratch")) {
    for (const auto& bundle : base::split(flags.get("bundles"), ','))
      configs_.push_back(base::parse_json(io::read_file(bundle + "/config.json")));
    std::vector<std::string> words;
    for (const auto& word : configs_.back().at("process").at("args").as_array())
      words.emplace_back(word.as_string());
    group_ = cat("/sympozium/", flags.get("node"), "/");
    agent_ = {base::join(words, " "), group_};
  }
  // Each pod in control groups of its own.
  void prepare(int pod) {
    for (std::size_t i = 0; i < configs_.size(); ++i) {
      base::ensure(configs_[i], {"linux", "cgroupsPath"}) = cat(group_, "bench-", pod, "/", i);
      io::make_directories(bundle(pod, i), 0700);
      io::write_file(bundle(pod, i) + "/config.json", base::to_text(configs_[i]), 0600);
    }
  }
  io::Task<> run(int pod) {
    for (std::size_t i = 0; i < configs_.size(); ++i)
      co_await crun({"run", "-d", "--bundle=" + bundle(pod, i), id(pod, i)});
  }
  io::Task<> remove(int pod) {
    for (std::size_t i = 0; i < configs_.size(); ++i) co_await crun({"delete", "-f", id(pod, i)});
  }
  const Program& agent() const { return agent_; }

 private:
  static std::string id(int pod, std::size_t i) { return cat("bench-", pod, "-", i); }
  std::string bundle(int pod, std::size_t i) const { return cat(scratch_, "/", id(pod, i)); }
  io::Task<> crun(std::vector<std::string> words) {
    io::ProcessSpec spec;
    spec.argv = {"/usr/bin/crun", cat("--root=", scratch_, "/runtime"),
                 "--cgroup-manager=cgroupfs"};
    spec.argv.insert(spec.argv.end(), words.begin(), words.end());
    spec.fds = {{2, 2}};
    io::Process process(loop_, spec);
    const int code = co_await process.wait();
    if (code != 0)
      throw base::Error(base::Code::internal, cat("crun ", words.front(), ": exit code ", code));
  }
  io::Loop& loop_;
  std::string scratch_, group_;
  std::vector<Json> configs_;
  Program agent_;
};

struct Started {
  double launch_ms = 0, exec_ms = 0;  // since the POST: the first launch, the agent's exec
  int launches = 0;                   // processes that the shim started until then
};

Started start_run(io::Loop& loop, kube::Api& api, ProcessEvents& events, Json run,
                  const Runtime& runtime, int shim) {
  Started out;
  events.forget();
  const double began = now_ms();
  loop.run(api.create(runs_collection(), std::move(run), {}));
  for (;;) {
    const ProcessEvent event = events.next(began + patience_ms);
    if (event.what == ProcessEvent::What::fork) {
      if (event.parent == shim && out.launches++ == 0) out.launch_ms = event.at_ms - began;
    } else if (is(runtime.agent(), event)) {
      out.exec_ms = event.at_ms - began;
      return out;
    }
  }
}

// The next one begins on a machine at rest: its pod has ended, too.
io::Task<> wait_until_over(kube::Api& api, base::Clock& clock, std::string name) {
  for (const double until = now_ms() + patience_ms; now_ms() < until;) {
    kube::Ref ref{&objects::AgentRun::info, "default", name, ""};
    const Json run = co_await api.get(std::move(ref), {});
    if (base::text_at(run, {"status", "phase"}) == "Failed")
      throw base::Error(base::Code::internal,
                        cat(name, ": ", base::text_at(run, {"status", "error"})));
    if (base::find_int(run, {"status", "exitCode"})) co_return;
    co_await io::sleep(clock, base::Duration(10));
  }
  throw base::Error(base::Code::timeout, name + " did not end");
}

}  // namespace

// Turn about: a run, and the runtime alone.
void measure_start(const Flags& flags) {
  enter_mounts_of(flags.get("shim"));
  const int shim = flags.number("shim");
  io::Loop loop;
  io::SystemClock clock(loop);
  kube::Client api = connect(loop, clock, flags.get("kubeconfig"));
  const RunMaker maker(loop, api, flags);
  Runtime runtime(loop, flags);
  ProcessEvents events;
  const std::string prefix = flags.get("prefix");
  std::vector<double> to_exec, to_launch, launches, alone;
  constexpr int warm_up = 3;  // caches, connections, the account of the namespace
  for (int i = 0; i < flags.number("count") + warm_up; ++i) {
    const std::string name = run_name(prefix, i);
    const Started run = start_run(loop, api, events, maker.make(name), runtime, shim);
    loop.run(wait_until_over(api, clock, name));
    runtime.prepare(i);
    events.forget();
    const double began = now_ms();
    loop.run(runtime.run(i));
    const double ended = events.next_exec(runtime.agent(), began + patience_ms).at_ms;
    loop.run(runtime.remove(i));
    if (i < warm_up) continue;
    to_exec.push_back(run.exec_ms);
    to_launch.push_back(run.launch_ms);
    launches.push_back(run.launches);
    alone.push_back(ended - began);
  }
  print_samples("post_to_exec_ms", "ms", to_exec);
  print_samples("post_to_launch_ms", "ms", to_launch);
  print_samples("launches", "processes", launches);
  print_samples("crun_ms", "ms", alone);
}

// Pods per second of the runtime alone: started and removed, some at a time.
void measure_runtime(const Flags& flags) {
  enter_mounts_of(flags.get("shim"));
  io::Loop loop;
  Runtime runtime(loop, flags);
  const int count = flags.number("count");
  const auto one = [&runtime](int i) -> io::Task<> {
    co_await runtime.run(i);
    co_await runtime.remove(i);
  };
  for (int i = 0; i < count; ++i) runtime.prepare(i);
  const double began = now_ms();
  loop.run(for_each(loop, count, static_cast<std::size_t>(flags.number("at-once")), one));
  print_samples("crun_pods_per_s", "1/s", {count * 1000.0 / (now_ms() - began)});
}

}  // namespace bench
