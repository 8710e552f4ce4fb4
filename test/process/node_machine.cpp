#include "node_machine.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/text.h"
#include "io/file.h"
#include "node/shim/shim.h"

namespace process {

namespace fs = std::filesystem;
using base::cat;

Machine::Machine() {
  char name[] = "/tmp/sympozium-node-XXXXXX";
  directory = ::mkdtemp(name);
  node::shim::Config config;
  config.directory = directory + "/shim";
  config.socket = socket = directory + "/shim.sock";
  config.cgroup = cgroup = cat("/sympozium/test-", ::getpid());
  shim = ::fork();
  if (shim == 0) ::_exit(node::shim::run(config));
  for (int i = 0; i < 500 && !fs::exists(socket); ++i) ::poll(nullptr, 0, 10);
  const io::Fd mounts(::open(cat("/proc/", shim, "/ns/mnt").c_str(), O_RDONLY | O_CLOEXEC));
  const fs::path here = fs::current_path();  // joining goes to the root directory
  if (::setns(mounts.get(), CLONE_NEWNS) < 0) io::throw_errno("joining the mounts of", "the shim");
  fs::current_path(here);
}

Machine::~Machine() {
  ::kill(shim, SIGTERM);
  int status = 0;
  ::waitpid(shim, &status, 0);
  EXPECT_EQ(status, 0) << "the shim's exit";
  fs::remove_all(directory);
}

Machine* machine = nullptr;

namespace {

class Environment final : public testing::Environment {
 public:
  void SetUp() override {
    if (::geteuid() == 0) machine = new Machine;
  }
  void TearDown() override { delete machine; }
};
const auto* environment = testing::AddGlobalTestEnvironment(new Environment);

}  // namespace

node::ImageSource tools_image() {
  node::ImageSource out;
  out.name = "sympozium/tools";
  out.files.push_back({"bin/busybox", io::read_file("/bin/busybox"), 0755, ""});
  for (std::string tool :
       {"sh",    "cat",  "id",   "ls",  "sleep",    "echo", "ip", "mount", "stat",     "dd",
        "touch", "head", "tail", "env", "hostname", "kill", "ps", "mknod", "readlink", "date"})
    out.files.push_back({"bin/" + tool, "", 0, "busybox"});
  for (auto place : {"workspace/"}) out.files.push_back({place, "", 0755, ""});
  out.files.push_back({"tmp/", "", 01777, ""});
  return out;
}

}  // namespace process
