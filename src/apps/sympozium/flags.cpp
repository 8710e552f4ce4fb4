#include "flags.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/text.h"

namespace app {

Flags::Flags(int argc, char** argv, const std::vector<std::string>& known) {
  for (int i = 0; i < argc; i += 2) {
    std::string name = argv[i];
    if (!name.starts_with("--") || std::ranges::find(known, name.substr(2)) == known.end())
      throw base::Error(base::Code::invalid, "unknown flag " + name);
    if (i + 1 >= argc) throw base::Error(base::Code::invalid, name + " needs a value");
    values_[name.substr(2)] = argv[i + 1];
  }
}

const std::string& Flags::get(const std::string& name) const {
  auto at = values_.find(name);
  if (at == values_.end()) throw base::Error(base::Code::invalid, "--" + name + " is required");
  return at->second;
}

std::string Flags::find(const std::string& name, std::string otherwise) const {
  auto at = values_.find(name);
  return at == values_.end() ? otherwise : at->second;
}

int listen_fd_named(const std::string& name) {
  const char* names = std::getenv("LISTEN_FDNAMES");
  const auto all = base::split(names ? names : "", ':');
  auto at = std::ranges::find(all, name);
  if (at == all.end())
    throw base::Error(base::Code::invalid, "no socket \"" + name + "\" was handed over");
  constexpr int first = 3;
  return first + static_cast<int>(at - all.begin());
}

}  // namespace app
