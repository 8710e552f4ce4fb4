// What every long-running role shares: loop, clock, log, an end at SIGTERM.
#pragma once

#include <csignal>
#include <string>

#include "base/log.h"
#include "io/loop.h"
#include "kube/client.h"
#include "kube/kubeconfig.h"

namespace app {

struct Process {
  explicit Process(const std::string& component);

  // Runs what was spawned into `group` until one of it fails, a signal comes, or all end. Exit
  // code: 0, or 1 with a line in the log.
  int run();
  kube::Client connect(const std::string& kubeconfig);

  std::string component;
  io::Loop loop;
  io::SystemClock clock;
  io::SystemRandom random;
  base::StreamLog log;
  io::TaskGroup group;
};

int run_control(int argc, char** argv);
int run_node(int argc, char** argv);
int run_gateway(int argc, char** argv);

}  // namespace app
