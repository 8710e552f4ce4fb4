// The scheduler of a home with few nodes: a pod that nobody has placed goes to a Ready node that it
// fits.
#pragma once

#include <string>
#include <vector>

#include "controller/cache.h"
#include "controller/controller.h"
#include "controller/events.h"
#include "kube/api.h"

namespace loops {

struct NodeFacts {
  std::string name;
  bool ready = false, unschedulable = false;
  std::map<std::string, std::string> labels;
  struct Taint {
    std::string key, value, effect;
    bool operator==(const Taint&) const = default;
  };
  std::vector<Taint> taints;
  bool operator==(const NodeFacts&) const = default;
};
NodeFacts read_node(const base::Json&);

// Why a pod may not run on a node, in the scheduler's words; "" when it may. Looks at readiness,
// cordon, nodeSelector and NoSchedule/NoExecute taints.
std::string why_not(const base::Json& pod, const NodeFacts&);

struct Placement {
  std::string node;     // "" : none
  std::string message;  // then: "0/2 nodes are available: 1 node(s) were unschedulable, …"
};
// The fitting node with the fewest pods, the first by name among equals.
Placement place(const base::Json& pod, const std::vector<NodeFacts>& nodes,
                const std::map<std::string, std::size_t>& pods_on);

class Binder {
 public:
  Binder(io::Loop&, base::Clock&, base::Random&, base::Log&, controller::Metrics&, kube::Api&);
  io::Task<> run();  // until cancelled

 private:
  using Key = controller::Key;
  struct PodFacts {
    std::string node, phase;
    bool waits = false;  // for us: unbound, not deleted, of the default scheduler
    base::Json tree;     // only while it waits
  };
  static PodFacts read(const base::Json&);
  io::Task<controller::Result> reconcile(Key);
  void node_changed(const NodeFacts* before, const NodeFacts* now);
  void pod_changed(const Key&, const PodFacts* before, const PodFacts* now);
  io::Task<> say_unschedulable(Key, base::Json pod, std::string message);

  io::Loop& loop_;
  base::Clock& clock_;
  base::Random& random_;
  base::Log& log_;
  kube::Api& api_;
  controller::Cache<NodeFacts> nodes_;
  controller::Cache<PodFacts> pods_;
  std::map<std::string, std::size_t> pods_on_;
  controller::Events events_;
  controller::Controller work_;
};

}  // namespace loops
