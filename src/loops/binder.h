// The scheduler of a home with few nodes: a pod that nobody has placed goes to a Ready node that it
// fits.
#pragma once

#include <string>
#include <vector>

#include "controller/controller.h"
#include "controller/events.h"
#include "kube/api.h"
#include "loops/mirror.h"

namespace loops {

struct NodeFacts {
  std::string name;
  bool ready = false, unschedulable = false;
  std::map<std::string, std::string> labels;
  struct Taint {
    std::string key, value, effect;
  };
  std::vector<Taint> taints;
};
NodeFacts read_node(const base::Json&);

// Why a pod may not run on a node, in the scheduler's words; "" when it may. Looks at readiness,
// cordon, nodeSelector, nodeName and NoSchedule/NoExecute taints.
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
  io::Task<> say_unschedulable(Key, base::Json pod, std::string message);

  io::Loop& loop_;
  base::Clock& clock_;
  base::Random& random_;
  base::Log& log_;
  kube::Api& api_;
  Mirror<NodeFacts> nodes_;
  Mirror<PodFacts> pods_;
  std::map<std::string, std::size_t> pods_on_;
  controller::Events events_;
  controller::Controller work_;
};

}  // namespace loops
