// Flags of the roles that `up` starts: "--name value" pairs and nothing else. People use the CLI;
// this is between processes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

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

// "720h" of a flag; Error(invalid) that names it when it is no duration above zero.
base::Duration parse_age(const std::string& flag, const std::string& text);

// Sockets handed over by the shim, as sd_listen_fds(3) says: the descriptor of this name.
// Error(invalid) when there is none.
int listen_fd_named(const std::string& name);
std::optional<int> find_listen_fd(const std::string& name);

}  // namespace app
