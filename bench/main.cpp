// sympozium-bench: what measures us. bench.py starts it with what it needs; see README.md.
#include <csignal>
#include <cstdio>

#include "bench.h"
#include "io/crypto.h"
#include "kube/kubeconfig.h"
#include "objects/agent_run.h"
#include "reconcilers/agentrun/builder.h"
#include "reconcilers/writer.h"

namespace bench {

Flags::Flags(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    if (!words[i].starts_with("--"))
      throw base::Error(base::Code::invalid, base::cat("\"", words[i], "\" is no flag"));
    values_[words[i].substr(2)] = words[i + 1];
  }
}

const std::string& Flags::get(const std::string& name) const {
  auto at = values_.find(name);
  if (at == values_.end())
    throw base::Error(base::Code::invalid, base::cat("--", name, " is missing"));
  return at->second;
}

int Flags::number(const std::string& name) const {
  const auto value = base::parse_int(get(name));
  if (!value) throw base::Error(base::Code::invalid, base::cat("--", name, " must be a number"));
  return static_cast<int>(*value);
}

void print_samples(const std::string& name, const std::string& unit,
                   const std::vector<double>& samples) {
  const base::Json line{
      {"name", name}, {"unit", unit}, {"samples", base::JsonArray(samples.begin(), samples.end())}};
  std::printf("%s\n", base::to_text(line).c_str());
  std::fflush(stdout);
}

kube::Client connect(io::Loop& loop, base::Clock& clock, const std::string& kubeconfig) {
  return kube::Client(loop, clock, kube::make_endpoint(kube::load_kubeconfig({kubeconfig})),
                      {.user_agent = "sympozium-bench"});
}

RunMaker::RunMaker(io::Loop& loop, kube::Api& api, const Flags& flags) : task_(flags.get("task")) {
  kube::Ref ref{&objects::Agent::info, "default", flags.get("agent"), ""};
  const base::Json agent = loop.run(api.get(std::move(ref), {}));
  agent_ = controller::decode<objects::Agent>(agent);
}

base::Json RunMaker::make(std::string name) const {
  reconcilers::RunRequest request;
  request.task = task_;
  request.name = std::move(name);
  return reconcilers::to_manifest(reconcilers::build_run(agent_, {"bench", ""}, request));
}

const kube::Ref& runs_collection() {
  static const kube::Ref runs{&objects::AgentRun::info, "default", "", ""};
  return runs;
}

io::Task<> for_each(io::Loop& loop, int count, std::size_t at_once,
                    std::function<io::Task<>(int)> work) {
  int next = 0;
  auto take = [](int& at, int end, const std::function<io::Task<>(int)>& each) -> io::Task<> {
    while (at < end) co_await each(at++);
  };
  io::TaskGroup group(loop);
  for (std::size_t i = 0; i < at_once; ++i) group.spawn("work", take(next, count, work));
  co_await group.join();
}

}  // namespace bench

int main(int argc, char** argv) {
  const std::map<std::string, void (*)(const bench::Flags&)> measurements{
      {"start", bench::measure_start},      {"runtime", bench::measure_runtime},
      {"runner", bench::measure_runner},    {"execute", bench::measure_execute},
      {"gateway", bench::measure_gateway},  {"gateway-server", bench::serve_gateway},
      {"resume", bench::measure_resume},    {"journal", bench::measure_journal},
      {"runs", bench::measure_runs},        {"jobs", bench::measure_jobs},
      {"bare-jobs", bench::make_bare_jobs}, {"finished-runs", bench::make_finished_runs}};
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto chosen = words.empty() ? measurements.end() : measurements.find(words.front());
  if (chosen == measurements.end()) {
    std::fputs("usage: sympozium-bench MEASUREMENT --flag value …; started by bench.py\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  io::init_crypto();
  try {
    chosen->second(bench::Flags({words.begin() + 1, words.end()}));
    return 0;
  } catch (const base::Error& error) {
    std::fprintf(stderr, "sympozium-bench %s: %s\n", words.front().c_str(), error.what());
    return 1;
  }
}
