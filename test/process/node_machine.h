// A shim for the tests of a program, and the image that their pods are made from. Needs root.
#pragma once

#include <sys/types.h>

#include <string>

#include "node/images.h"

namespace process {

// A shim in a process of its own, and this process inside its mount namespace.
class Machine {
 public:
  Machine();
  ~Machine();  // the shim must end well
  Machine(const Machine&) = delete;

  std::string directory;  // temporary, removed at the end
  std::string cgroup, socket;
  pid_t shim = 0;
};

// One for all tests of the program; null without root.
extern Machine* machine;

// busybox under its usual names, as sympozium/tools.
node::ImageSource tools_image();

}  // namespace process
