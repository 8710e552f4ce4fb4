// The job controller: Jobs become Pods, Pods become the Job's status.
#pragma once

#include <map>
#include <string>

#include "controller/cache.h"
#include "controller/controller.h"
#include "kube/api.h"
#include "loops/job_plan.h"

namespace loops {

class JobLoop {
 public:
  JobLoop(io::Loop&, base::Clock&, base::Random&, base::Log&, controller::Metrics&, kube::Api&);
  io::Task<> run();  // until cancelled

 private:
  using Key = controller::Key;
  io::Task<controller::Result> reconcile(Key);
  io::Task<> remove_finalizer(std::string ns, std::string pod);
  io::Task<> let_go(std::string ns);
  bool is_left_alone(const PodFacts&) const;
  std::vector<PodFacts> pods_of(const std::string& job_uid) const;
  void job_changed(const Key&, const base::Json* before, const base::Json* now);
  void pod_changed(const Key&, const PodFacts* before, const PodFacts* now);

  io::Loop& loop_;
  base::Clock& clock_;
  base::Random& random_;
  base::Log& log_;
  kube::Api& api_;
  controller::Cache<base::Json> jobs_;
  controller::Cache<PodFacts> pods_;
  std::map<std::string, base::Time> last_failure_;  // by Job uid
  controller::Controller work_;
};

}  // namespace loops
