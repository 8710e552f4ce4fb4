// What the images of a pod hold, in one root with a network of its own: the bridge's port is the
// pod's, and ours is a network where nobody has it.
#pragma once

#include <string>
#include <vector>

#include "bench.h"
#include "io/process.h"
#include "support/temp_directory.h"

namespace bench {

class PodRoot {
 public:
  // --bridge, --runner: the shipped programs. From now on this process has mounts of its own.
  explicit PodRoot(const Flags&);
  ~PodRoot();
  PodRoot(const PodRoot&) = delete;

  // What listens from now on is reached in the new network alone, what listened before in the old.
  void leave_network();
  // Shows this folder as /run/gateway.
  void mount_gateway(const std::string& folder);
  void write_token(const std::string& token);
  // A program in the root, ended with this process.
  io::ProcessSpec program(std::vector<std::string> words,
                          std::vector<std::string> environment) const;
  std::string operator/(const std::string& name) const { return root_ / name; }

 private:
  void mount(const char* type, const std::string& source, const std::string& target,
             unsigned long flags);

  test::TempDirectory root_;
  std::vector<std::string> mounts_;
};

// Until the bridge answers.
io::Task<> wait_for_bridge(io::HttpClient&, base::Clock&);

}  // namespace bench
