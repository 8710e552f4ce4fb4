#include "node/shim/host.h"

#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace node::shim {

namespace fs = std::filesystem;

namespace {

constexpr const char* cgroup_root = "/sys/fs/cgroup";
constexpr const char* unified = "/sys/fs/cgroup/unified";

std::string content(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

bool is_v2() { return fs::exists(fs::path(cgroup_root) / "cgroup.controllers"); }

bool holds_groups(const fs::path& path) {
  struct statfs info{};
  if (::statfs(path.c_str(), &info) < 0) return false;
  return info.f_type == CGROUP_SUPER_MAGIC || info.f_type == CGROUP2_SUPER_MAGIC;
}

// The directories that hold groups: one per v1 hierarchy, or the one of v2.
std::vector<fs::path> hierarchies() {
  if (is_v2()) return {cgroup_root};
  std::vector<fs::path> out;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(cgroup_root, none))
    if (!entry.is_symlink() && holds_groups(entry.path())) out.push_back(entry.path());
  return out;
}

// Controllers that this kernel has and that no v1 hierarchy in sight holds: they are v2's, or in a
// hierarchy that another shim has mounted for itself.
std::vector<std::string> controllers_not_in_sight() {
  std::set<std::string> mounted;
  for (const auto& line : base::split(content("/proc/self/mounts"), '\n')) {
    const auto fields = base::split(line, ' ');  // device, place, type, options
    if (fields.size() < 4 || fields[2] != "cgroup") continue;
    for (const auto& option : base::split(fields[3], ',')) mounted.insert(option);
  }
  const auto of_v2 =
      base::split(base::trim(content(fs::path(unified) / "cgroup.controllers")), ' ');
  std::vector<std::string> out;
  for (const auto& line : base::split(content("/proc/cgroups"), '\n')) {
    const auto fields = base::split(line, '\t');  // name, hierarchy, groups, enabled
    if (fields.size() != 4 || line.starts_with('#') || mounted.contains(fields[0])) continue;
    const bool attached = fields[1] != "0";
    if (attached || std::ranges::find(of_v2, fields[0]) != of_v2.end()) out.push_back(fields[0]);
  }
  return out;
}

std::vector<pid_t> processes_below(const fs::path& group) {
  std::error_code none;
  std::vector<fs::path> groups{group};
  for (const auto& entry : fs::recursive_directory_iterator(group, none))
    if (entry.is_directory()) groups.push_back(entry.path());
  std::vector<pid_t> out;
  for (const auto& each : groups) {
    std::istringstream pids(content(each / "cgroup.procs"));
    for (pid_t pid = 0; pids >> pid;)
      if (pid > 1) out.push_back(pid);
  }
  return out;
}

void kill_below(const fs::path& group) {
  for (const pid_t each : processes_below(group)) ::kill(each, SIGKILL);
}

bool remove_below(const fs::path& group) {
  std::error_code none;
  std::vector<fs::path> children;
  for (const auto& entry : fs::directory_iterator(group, none))
    if (entry.is_directory()) children.push_back(entry.path());
  for (const auto& child : children) remove_below(child);
  return ::rmdir(group.c_str()) == 0 || errno == ENOENT;
}

}  // namespace

PrivateMounts::PrivateMounts(const std::string& group) {
  if (::unshare(CLONE_NEWNS) < 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0)
    throw base::Error(base::Code::denied,
                      std::string("making a mount namespace: ") + std::strerror(errno));
  if (is_v2() || !fs::exists(unified)) return;
  for (const auto& controller : controllers_not_in_sight()) {
    const fs::path place = fs::path(cgroup_root) / controller;
    ::mkdir(place.c_str(), 0755);
    if (::mount("none", place.c_str(), "cgroup", 0, controller.c_str()) < 0) {
      ::rmdir(place.c_str());
      continue;  // in use by v2: the runtime will say so
    }
    borrowed_.push_back(controller);
    std::error_code none;
    fs::create_directories(place.string() + group, none);
  }
}

PrivateMounts::~PrivateMounts() {
  for (const auto& controller : borrowed_) {
    const fs::path place = fs::path(cgroup_root) / controller;
    std::error_code none;
    bool used = false;
    for (const auto& entry : fs::directory_iterator(place, none)) used |= entry.is_directory();
    ::umount2(place.c_str(), MNT_DETACH);
    if (!used) ::rmdir(place.c_str());
  }
}

void remove_cgroup(const std::string& group) {
  for (const auto& hierarchy : hierarchies()) remove_below(hierarchy.string() + group);
}

void clear_containers(const std::string& directory, const std::string& group) {
  for (int attempt = 0; attempt < 200; ++attempt) {
    bool all = true;
    for (const auto& hierarchy : hierarchies()) {
      const fs::path path = hierarchy.string() + group;
      if (!fs::exists(path)) continue;
      kill_below(path);
      all &= remove_below(path);
    }
    if (all) break;
    ::poll(nullptr, 0, 10);  // the killed need a moment to leave their groups
  }
  // The parents that several homes share go with the last of them.
  for (auto slash = group.rfind('/'); slash > 0 && slash != std::string::npos;
       slash = group.rfind('/', slash - 1))
    for (const auto& hierarchy : hierarchies())
      ::rmdir((hierarchy.string() + group.substr(0, slash)).c_str());
  std::error_code none;
  fs::remove_all(directory, none);
}

std::vector<pid_t> processes_of(const std::string& group) {
  for (const auto& hierarchy : hierarchies()) {
    auto found = processes_below(hierarchy.string() + group);
    if (!found.empty()) return found;
  }
  return {};
}

int oom_kills(const std::string& group) {
  const std::string text =
      is_v2() ? content(std::string(cgroup_root) + group + "/memory.events")
              : content(std::string(cgroup_root) + "/memory" + group + "/memory.oom_control");
  for (const auto& line : base::split(text, '\n'))
    if (line.starts_with("oom_kill "))
      return static_cast<int>(base::parse_int(base::trim(line.substr(9))).value_or(0));
  return 0;
}

}  // namespace node::shim
