// The kubelet of a world: what is bound to its node runs as a Pod; what happens to it is reported.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/house.h"

namespace sim {

class Kubelet {
 public:
  // `delay`: how long things take here.
  Kubelet(House&, std::function<base::Duration()> delay);
  ~Kubelet();

  // Uids of the pods whose containers run, oldest first.
  std::vector<std::string> running() const;
  // While the loop stands still:
  void kill_agent(const std::string& uid);   // started anew in its place
  void kill_bridge(const std::string& uid);  // likewise
  void lose_pod(const std::string& uid);     // evicted: Failed

 private:
  struct Kept {
    std::string name, uid;
    std::unique_ptr<Pod> pod;
    int restarts = 0;
    std::int64_t order = 0;
  };
  void look(const apiserver::Change&);
  void start(const std::string& uid);
  void end(const std::string& uid);
  void agent_exited(const std::string& uid, int code);
  void report(const Kept&, base::Json status);
  io::Task<> report_one(std::string name, base::Json status);
  io::Task<> remove(std::string name, std::string uid);
  void later(std::function<void()> chore);

  House& house_;
  std::function<base::Duration()> delay_;
  std::map<std::string, Kept> kept_;  // by uid
  std::int64_t order_ = 0;
  io::TaskGroup tasks_;
};

// What an AgentRun's name says of its agent: "chat-3".
Agent agent_of(const std::string& run_name);

}  // namespace sim
