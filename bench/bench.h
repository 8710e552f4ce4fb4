// What the measuring programs share. Each of them prints its samples; bench.py makes figures of
// them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "io/loop.h"
#include "kube/client.h"
#include "objects/agent.h"

namespace bench {

// "--name value" words behind the name of a measurement.
class Flags {
 public:
  explicit Flags(const std::vector<std::string>& words);
  const std::string& get(const std::string& name) const;  // Error(invalid) when it is not there
  int number(const std::string& name) const;

 private:
  std::map<std::string, std::string> values_;
};

// One JSON line on standard output: {"name", "unit", "samples"}.
void print_samples(const std::string& name, const std::string& unit,
                   const std::vector<double>& samples);

struct SilentLog final : base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

// As the administrator of a kubeconfig.
kube::Client connect(io::Loop&, base::Clock&, const std::string& kubeconfig);

// Runs of one agent with one task, as our command line builds them: complete, with finalizer.
class RunMaker {
 public:
  RunMaker(io::Loop&, kube::Api&, const Flags&);  // --agent, --task
  base::Json make(std::string name) const;

 private:
  objects::Agent agent_;
  std::string task_;
};
inline std::string run_name(const std::string& prefix, int i) { return base::cat(prefix, "-", i); }
const kube::Ref& runs_collection();  // in the namespace `default`

// Runs `work(i)` for 0 … count-1, at most `at_once` at a time.
io::Task<> for_each(io::Loop&, int count, std::size_t at_once, std::function<io::Task<>(int)> work);

// The measurements, by name in main.cpp.
void measure_start(const Flags&);
void measure_runtime(const Flags&);
void measure_runner(const Flags&);
void measure_execute(const Flags&);
void measure_gateway(const Flags&);
void serve_gateway(const Flags&);
void measure_resume(const Flags&);
void measure_journal(const Flags&);
void measure_runs(const Flags&);
void measure_jobs(const Flags&);
void make_bare_jobs(const Flags&);
void make_finished_runs(const Flags&);

}  // namespace bench
