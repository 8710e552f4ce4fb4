#include "node/volume_store.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/text.h"
#include "io/file.h"
#include "node/sandbox.h"

namespace node {

namespace fs = std::filesystem;

namespace {

constexpr auto files_size = "size=32m,mode=0755,nr_inodes=16384";  // a Secret is at most 1 MiB
constexpr std::int64_t bytes_per_inode = 4096, least_inodes = 64;
constexpr unsigned open_to_all = 0777, set_gid = 02000;

// Empty files are memory, too, which `size=` does not see.
std::int64_t inodes_of(std::int64_t limit) {
  return std::max(least_inodes, limit / bytes_per_inode);
}

void mount_tmpfs(const std::string& path, const std::string& options) {
  if (is_mount_point(path)) return;
  io::make_directories(path, 0755);
  if (::mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) < 0)
    io::throw_errno("mounting a tmpfs at", path);
}

void own(const std::string& path, VolumeOwner owner, unsigned mode) {
  if (owner.group) {
    if (::lchown(path.c_str(), static_cast<uid_t>(-1), *owner.group) < 0)
      io::throw_errno("changing the group of", path);
    mode |= set_gid;
  }
  if (::chmod(path.c_str(), mode) < 0) io::throw_errno("changing the mode of", path);
}

void write_one(const std::string& path, const VolumeFile& file, VolumeOwner owner) {
  io::make_directories(fs::path(path).parent_path().string(), 0755);
  const unsigned mode = owner.group ? file.mode | 0440 : file.mode;
  io::write_file(path, file.bytes, mode);
  const uid_t user = owner.user && file.mode == 0600 ? *owner.user : 0;
  const gid_t group = owner.group ? *owner.group : 0;
  if ((user || group) && ::lchown(path.c_str(), user, group) < 0)
    io::throw_errno("changing the owner of", path);
}

std::string first_part(const std::string& path) { return path.substr(0, path.find('/')); }

}  // namespace

std::string VolumeStore::place(const VolumePlan& plan) const {
  switch (plan.kind) {
    case VolumePlan::Kind::disk: return directory_ + "/disk/" + plan.name;
    case VolumePlan::Kind::memory: return directory_ + "/memory/" + plan.name;
    case VolumePlan::Kind::files: return directory_ + "/files/" + plan.name;
    case VolumePlan::Kind::gateway: return gateway_directory_;
  }
  std::abort();
}

std::map<std::string, std::string> VolumeStore::make(const std::vector<VolumePlan>& plans,
                                                     VolumeOwner owner) const {
  std::map<std::string, std::string> out;
  for (const auto& plan : plans) {
    const std::string path = out[plan.name] = place(plan);
    switch (plan.kind) {
      case VolumePlan::Kind::gateway: break;
      case VolumePlan::Kind::disk:
        if (fs::exists(path)) break;  // its content outlives its containers
        io::make_directories(path, 0755);
        own(path, owner, open_to_all);
        break;
      case VolumePlan::Kind::memory:
        if (is_mount_point(path)) break;
        mount_tmpfs(path, base::cat("size=", plan.limit, ",nr_inodes=", inodes_of(plan.limit),
                                    ",mode=0777"));
        own(path, owner, open_to_all);
        break;
      case VolumePlan::Kind::files:
        mount_tmpfs(directory_ + "/files", files_size);
        write_files(plan, owner);
        break;
    }
  }
  return out;
}

void VolumeStore::write_files(const VolumePlan& plan, VolumeOwner owner) const {
  const std::string volume = place(plan);
  io::make_directories(volume, 0755);
  const std::string link = volume + "/..data";
  std::error_code none;
  const std::string old = fs::read_symlink(link, none).string();
  std::string fresh = "..a";
  if (old == fresh) fresh = "..b";
  io::remove_tree(volume + "/" + fresh);
  io::make_directories(volume + "/" + fresh, 0755);
  std::set<std::string> shown;
  for (const auto& file : plan.files) {
    write_one(base::cat(volume, "/", fresh, "/", file.path), file, owner);
    shown.insert(first_part(file.path));
  }
  const std::string begun = volume + "/..data_tmp";
  ::unlink(begun.c_str());
  if (::symlink(fresh.c_str(), begun.c_str()) < 0) io::throw_errno("linking", begun);
  fs::rename(begun, link);
  for (const auto& name : io::list_directory(volume))
    if (!name.starts_with("..") && !shown.contains(name)) ::unlink((volume + "/" + name).c_str());
  for (const auto& name : shown)
    if (::symlink(("..data/" + name).c_str(), (volume + "/" + name).c_str()) < 0 && errno != EEXIST)
      io::throw_errno("linking", name);
  if (!old.empty()) io::remove_tree(volume + "/" + old);
}

void VolumeStore::remove_memory() const {
  unmount(directory_ + "/files");
  if (!fs::exists(directory_ + "/memory")) return;
  for (const auto& name : io::list_directory(directory_ + "/memory"))
    unmount(directory_ + "/memory/" + name);
}

void VolumeStore::remove() const {
  remove_memory();
  io::remove_tree(directory_);
}

}  // namespace node
