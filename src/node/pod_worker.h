// One pod from its binding to its removal.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "io/blocking.h"
#include "io/loop.h"
#include "node/cluster.h"
#include "node/images.h"
#include "node/resources.h"
#include "node/runtime.h"
#include "node/sources.h"

namespace node {

struct Settings {
  std::string pods_directory;     // one directory per pod uid below it
  std::string gateway_directory;  // of the node's gateway socket
  std::string cgroup;             // "/sympozium/<node>/<home>"
  Facts facts;
  Machine machine;
};

// What workers share; everything outlives them.
struct World {
  io::Loop& loop;
  base::Clock& clock;
  base::Log& log;
  io::BlockingPool& blocking;
  Runtime& runtime;
  Cluster& cluster;
  const Images& images;
  const Settings& settings;
};

// Level-triggered: whatever wakes it, it looks at the pod, at its record and at what runs, decides,
// and tells the API server. It can be killed after any line and taken up again from the record.
class PodWorker {
 public:
  PodWorker(World, base::Json pod);
  ~PodWorker();

  void update(base::Json pod);  // the API server's newest
  void gone();                  // the API server has it no more: stop at once and clear up
  void wake();                  // something of its containers has changed
  io::Task<> run();             // ends when the pod has gone and nothing of it is left

  const base::Json& pod() const;
  // Log files of a container's newest attempt, or of the one before; oldest first. Empty: none.
  std::vector<std::string> log_files(const std::string& container, bool previous) const;
  bool is_running(const std::string& container) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// Clears what is left on this machine of pods that the API server does not have any more.
io::Task<> clear_orphans(World, std::set<std::string> known_uids);

}  // namespace node
