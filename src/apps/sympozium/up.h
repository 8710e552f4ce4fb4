// `sympozium up`, `down`, `status`, `reset`: the embedded home from a user's side.
#pragma once

#include <string>
#include <vector>

namespace app {

// Exit codes: 0, 1 error, 2 usage, 3 refused (no root, in use, not running).
int run_up(const std::vector<std::string>& arguments);
int run_down(const std::vector<std::string>& arguments);
int run_status(const std::vector<std::string>& arguments);
int run_reset(const std::vector<std::string>& arguments);
// Prints what a cluster needs first, as YAML. Exit codes: 0, 2 usage.
int run_manifests(const std::vector<std::string>& arguments);

}  // namespace app
