// Flags of the roles that `up` starts: "--name value" pairs and nothing else. People use the CLI;
// this is between processes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace app {

class Flags {
 public:
  // Throws Error(invalid) for a word that is none of `known`, or has no value.
  Flags(const std::vector<std::string>& arguments, const std::vector<std::string>& known);
  const std::string& get(const std::string& name) const;  // Error(invalid) when it was not given
  std::string find(const std::string& name, std::string otherwise) const;

 private:
  std::map<std::string, std::string> values_;
};

// Sockets handed over by the shim, as sd_listen_fds(3) says: the descriptor of this name.
// Error(invalid) when there is none.
int listen_fd_named(const std::string& name);
std::optional<int> find_listen_fd(const std::string& name);

}  // namespace app
