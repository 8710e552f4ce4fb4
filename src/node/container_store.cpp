#include "node/container_store.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "io/file.h"
#include "node/logs.h"
#include "node/sandbox.h"

namespace node {

namespace fs = std::filesystem;
using base::cat;

namespace {

constexpr std::size_t message_bytes = 4096, log_bytes = 2048, log_lines = 80;
constexpr unsigned writable_by_all = 0666;

bool exists(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0;
}

// The mounts whose place the image does not have. What lies below /dev and /proc is made by the
// runtime on their own file systems, what lies below another mount on that one.
std::vector<BindMount> homeless(const Image& image, const ContainerPlan& plan) {
  // A place in one layer may be hidden by another: with layers every mount gets a place of its own.
  const auto has = [&](const std::string& path) {
    return image.layers.empty() && exists(image.root + path);
  };
  std::vector<BindMount> out;
  auto below = [](const std::string& path, const std::string& outer) {
    return path.starts_with(outer + "/");
  };
  for (const auto& mount : plan.mounts) {
    const bool inside = std::ranges::any_of(
        plan.mounts, [&](const auto& other) { return below(mount.target, other.target); });
    if (inside || below(mount.target, "/dev") || has(mount.target)) continue;
    out.push_back(mount);
  }
  if (!has(plan.directory)) out.push_back({"/", plan.directory, Access::read_only});
  return out;
}

void make_places(const std::string& skeleton, const std::vector<BindMount>& mounts) {
  for (const auto& mount : mounts) {
    const std::string place = skeleton + mount.target;
    if (fs::is_directory(mount.source)) {
      io::make_directories(place, 0755);
    } else {
      io::make_directories(fs::path(place).parent_path().string(), 0755);
      io::write_file(place, "", 0644);
    }
  }
}

void mount_overlay(const std::string& place, const std::string& options, unsigned long flags) {
  unmount(place);
  io::make_directories(place, 0755);
  if (::mount("overlay", place.c_str(), "overlay", flags, options.c_str()) < 0)
    io::throw_errno("mounting an overlay at", place);
}

void empty_file(const std::string& path, unsigned mode) {
  io::write_file(path, "", mode);
  if (::chmod(path.c_str(), mode) < 0) io::throw_errno("changing the mode of", path);
}

}  // namespace

void ContainerStore::make_scratch(const std::string& hostname) const {
  const std::string scratch = directory_ + "/scratch";
  io::make_directories(scratch, 0755);
  if (!is_mount_point(scratch) &&
      ::mount("tmpfs", scratch.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
              "size=1m,mode=0755") < 0)
    io::throw_errno("mounting a tmpfs at", scratch);
  // Once: later the termination messages may have filled it.
  auto write = [&](std::string_view name, const std::string& text) {
    const std::string path = cat(scratch, "/", name);
    if (!exists(path)) io::write_file(path, text, 0644);
  };
  write("hosts", cat("127.0.0.1\tlocalhost ", hostname, "\n::1\tlocalhost ip6-localhost\n"));
  write("hostname", hostname + "\n");
  write("resolv.conf", "");  // a pod has only lo: nobody to ask
}

std::vector<BindMount> ContainerStore::scratch_mounts() const {
  std::vector<BindMount> out;
  for (std::string file : {"hosts", "hostname", "resolv.conf"})
    out.push_back({directory_ + "/scratch/" + file, "/etc/" + file, Access::read_only});
  return out;
}

Bundle ContainerStore::bundle(const std::string& container, std::int64_t attempt) const {
  return {cat(directory_, "/containers/", container, "/", attempt),
          cat(directory_, "/logs/", container, "/", attempt, ".log"),
          cat(directory_, "/scratch/termination-", container, "-", attempt)};
}

Bundle ContainerStore::make(const std::string& container, std::int64_t attempt, const Image& image,
                            ContainerPlan plan) const {
  const Bundle out = bundle(container, attempt);
  io::make_directories(out.directory, 0700);
  io::make_directories(fs::path(out.log).parent_path().string(), 0700);
  empty_file(out.termination, writable_by_all);
  const auto missing = homeless(image, plan);
  const std::string lower = image.layers.empty() ? image.root : base::join(image.layers, ":");
  plan.root = out.directory + "/root";
  if (plan.root_access == Access::read_write) {
    io::make_directories(out.directory + "/upper", 0755);
    io::make_directories(out.directory + "/work", 0700);
    mount_overlay(plan.root,
                  cat("lowerdir=", lower, ",upperdir=", out.directory,
                      "/upper,workdir=", out.directory, "/work,volatile"),
                  0);
  } else if (!missing.empty()) {
    make_places(out.directory + "/skeleton", missing);
    if (!image.layers.empty()) add_standard_places(out.directory + "/skeleton");
    mount_overlay(plan.root, cat("lowerdir=", out.directory, "/skeleton:", lower), MS_RDONLY);
  } else {
    plan.root = image.root;
  }
  io::write_file(out.directory + "/config.json", base::to_text(oci_config(plan)), 0600);
  return out;
}

void ContainerStore::release(const std::string& container, std::int64_t attempt) const {
  unmount(bundle(container, attempt).directory + "/root");
}

void ContainerStore::forget_older(const std::string& container, std::int64_t attempt) const {
  for (std::int64_t old = attempt - 2; old >= 0; --old) {
    const Bundle gone = bundle(container, old);
    if (!exists(gone.directory) && !exists(gone.log)) return;
    unmount(gone.directory + "/root");
    io::remove_tree(gone.directory);
    for (const auto& file : {gone.log, gone.log + ".1", gone.termination}) ::unlink(file.c_str());
  }
}

std::vector<std::string> ContainerStore::writable_roots() const {
  std::vector<std::string> out;
  std::error_code none;
  for (const auto& container : fs::directory_iterator(directory_ + "/containers", none))
    for (const auto& attempt : fs::directory_iterator(container.path(), none))
      if (exists(attempt.path().string() + "/upper"))
        out.push_back(attempt.path().string() + "/upper");
  return out;
}

void ContainerStore::remove_scratch() const { unmount(directory_ + "/scratch"); }

void ContainerStore::remove() const {
  std::error_code none;
  for (const auto& container : fs::directory_iterator(directory_ + "/containers", none))
    for (const auto& attempt : fs::directory_iterator(container.path(), none))
      unmount(attempt.path().string() + "/root");
  remove_scratch();
  io::remove_tree(directory_);
}

std::string termination_message(const Bundle& bundle, bool fall_back_to_log) {
  std::string text = io::find_file(bundle.termination, 1 << 20).value_or("");
  if (text.empty() && fall_back_to_log) {
    LogOptions options;
    options.tail_lines = log_lines;
    text = read_log({bundle.log}, options);
    if (text.size() > log_bytes) text.erase(0, text.size() - log_bytes);
  }
  text = base::repair_utf8(base::clip(text, message_bytes));
  return std::string(base::clip(text, message_bytes));
}

}  // namespace node
