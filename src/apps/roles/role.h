// What every long-running role shares: loop, clock, log, an end at SIGTERM.
#pragma once

#include <csignal>
#include <functional>
#include <string>
#include <vector>

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
  // Done in this order at a signal, before the rest is cancelled; together 20 seconds at most.
  void at_stop(std::function<io::Task<>()> farewell) { farewells.push_back(std::move(farewell)); }

  std::string component;
  io::Loop loop;
  io::SystemClock clock;
  io::SystemRandom random;
  base::StreamLog log;
  std::vector<std::function<io::Task<>()>> farewells;
  io::TaskGroup group;
};

// Arguments are the flags behind the role's name. Which of them a program has, its main says.
int run_control(const std::vector<std::string>& arguments);
int run_gateway(const std::vector<std::string>& arguments);
int run_node(const std::vector<std::string>& arguments);

}  // namespace app
