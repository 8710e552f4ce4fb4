// What the parts of a pod's worker share. Included by pod_*.cpp only.
#pragma once

#include "io/sync.h"
#include "node/container_store.h"
#include "node/decide.h"
#include "node/pod.h"
#include "node/pod_worker.h"
#include "node/record.h"
#include "node/volume_store.h"
#include "node/volumes.h"

namespace node {

struct PodWorker::Impl {
  Impl(World w, base::Json p);

  World world;
  base::Json pod;  // the API server's newest
  std::string directory, cgroup;
  ContainerStore bundles;
  VolumeStore volumes;
  PodRecord record, saved;
  bool vanished = false;   // the API server has it no more
  bool forgotten = false;  // it is over, and nothing here knows of it
  io::Event woken, status_due;
  base::Json wanted_status;

  // What the pod names, read before its first container is made.
  bool prepared = false;
  base::Duration patience{0};  // before the next try
  std::optional<base::Time> blocked_until;
  std::string last_complaint;
  Sources sources;
  Tokens tokens;
  std::optional<base::Time> tokens_due;  // when they are to be renewed
  std::vector<VolumePlan> plans;
  std::map<std::string, std::string> places;
  std::set<std::string> ordered;  // container ids whose start this process has asked for
  std::map<std::string, std::string> image_ids;

  ContainerRecord& of(const std::string& container) { return record.containers[container]; }
  const base::Json* spec_of(const std::string& container) const;
  std::string sandbox() const { return directory + "/ns"; }

  // pod_worker.cpp
  io::Task<> load();
  io::Task<> turn();
  io::Task<> save();
  io::Task<> wait(std::optional<base::Time> until);
  io::Task<> publish();
  io::Task<> finish_pod();
  io::Task<> clear_up();
  void begin();
  void show_back_off(const Step&);

  // pod_prepare.cpp
  io::Task<> prepare();
  io::Task<bool> try_prepare();
  io::Task<> read_sources();
  io::Task<> request_tokens();
  io::Task<> renew_tokens();
  io::Task<> guard_disks();
  io::Task<> complain(std::string reason, std::string message);

  // pod_containers.cpp
  io::Task<> observe();
  io::Task<> observe_end(std::string container, Record);
  io::Task<> start(std::string container);
  void stop(const Stop&);
  void remove_ended();
};

}  // namespace node
