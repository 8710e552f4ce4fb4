// Starting children of the shim.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace node::shim {

struct Child {
  std::vector<std::string> argv;  // argv[0] is an absolute path
  std::vector<std::string> env;   // "A=b"
  // {ours, the child's number}, numbers rising; stdin not named is /dev/null, all others close.
  std::vector<std::pair<int, int>> fds;
  std::optional<std::pair<unsigned, unsigned>> user;  // uid, gid: no groups, no new privileges
  bool dies_with_us = false;                          // PR_SET_PDEATHSIG
  bool names_listeners = false;  // adds LISTEN_PID, as sd_listen_fds(3) expects
};

pid_t spawn(const Child&);  // Error(internal) when fork fails; a failing exec exits 127

}  // namespace node::shim
