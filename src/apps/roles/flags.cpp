#include "apps/roles/flags.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/text.h"

namespace app {

Flags::Flags(const std::vector<std::string>& arguments, const std::vector<std::string>& known) {
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const std::string& name = arguments[i];
    if (!name.starts_with("--") || std::ranges::find(known, name.substr(2)) == known.end())
      throw base::Error(base::Code::invalid, "unknown flag " + name);
    if (i + 1 >= arguments.size()) throw base::Error(base::Code::invalid, name + " needs a value");
    values_[name.substr(2)] = arguments[i + 1];
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

base::Duration parse_age(const std::string& flag, const std::string& text) {
  const auto age = base::parse_duration(text);
  if (!age || *age <= base::Duration(0))
    throw base::Error(base::Code::invalid, base::cat(flag, ": \"", text,
                                                     "\" is no duration above zero; write one as "
                                                     "720h or 90m"));
  return *age;
}

std::optional<int> find_listen_fd(const std::string& name) {
  const char* names = std::getenv("LISTEN_FDNAMES");
  const auto all = base::split(names ? names : "", ':');
  auto at = std::ranges::find(all, name);
  if (at == all.end()) return {};
  constexpr int first = 3;
  return first + static_cast<int>(at - all.begin());
}

int listen_fd_named(const std::string& name) {
  const auto fd = find_listen_fd(name);
  if (!fd) throw base::Error(base::Code::invalid, "no socket \"" + name + "\" was handed over");
  return *fd;
}

}  // namespace app
