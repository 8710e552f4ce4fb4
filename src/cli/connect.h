// Which API server a command speaks to.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "kube/kubeconfig.h"

namespace cli {

struct Server {
  kube::Config config;
  std::string kubeconfig;  // file(s), for messages
};

// The files to read, first rule that applies: the flag; $SYMPOZIUM_KUBECONFIG; $KUBECONFIG (a
// list); the embedded home's, when `readable`; ~/.kube/config.
std::vector<std::string> choose_kubeconfig(
    const std::string& flag, const std::map<std::string, std::string>& variables,
    const std::function<bool(const std::string& path)>& readable);

// Error(invalid | not_found) that says which file was looked at and how to get one.
Server find_server(const Common&, const std::map<std::string, std::string>& variables);

// An error of a connection that never came to be, in one line that says what to do.
std::string explain_unreachable(const Server&, std::string_view why);

}  // namespace cli
