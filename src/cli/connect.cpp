#include "cli/connect.h"

#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "home/state.h"

namespace cli {

namespace {
std::string variable(const std::map<std::string, std::string>& variables, const char* name) {
  const auto found = variables.find(name);
  return found == variables.end() ? "" : found->second;
}
}  // namespace

std::vector<std::string> choose_kubeconfig(
    const std::string& flag, const std::map<std::string, std::string>& variables,
    const std::function<bool(const std::string& path)>& readable) {
  if (!flag.empty()) return {flag};
  if (auto named = variable(variables, "SYMPOZIUM_KUBECONFIG"); !named.empty())
    return kube::kubeconfig_files(named, "");
  if (auto named = variable(variables, "KUBECONFIG"); !named.empty())
    return kube::kubeconfig_files(named, "");
  if (const std::string home = home::Layout().admin_kubeconfig(); readable(home)) return {home};
  return kube::kubeconfig_files("", variable(variables, "HOME"));
}

Server find_server(const Common& common, const std::map<std::string, std::string>& variables) {
  const auto readable = [](const std::string& path) { return ::access(path.c_str(), R_OK) == 0; };
  const auto files = choose_kubeconfig(common.kubeconfig, variables, readable);
  Server server{{}, base::join(files, ":")};
  try {
    server.config = kube::load_kubeconfig(files, common.context);
  } catch (const base::Error& error) {
    if (error.code() != base::Code::not_found || !common.kubeconfig.empty()) throw;
    throw base::Error(base::Code::not_found,
                      base::cat("no kubeconfig: there is no ", server.kubeconfig,
                                "; start a server with `sudo sympozium up`, or name a file with "
                                "--kubeconfig"));
  }
  return server;
}

std::string explain_unreachable(const Server& server, std::string_view why) {
  return base::cat("no answer from ", server.config.server, " (kubeconfig ", server.kubeconfig,
                   "): ", why,
                   "; start it with `sudo sympozium up`, or name another with "
                   "--kubeconfig");
}

}  // namespace cli
