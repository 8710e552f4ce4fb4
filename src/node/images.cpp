#include "node/images.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/text.h"
#include "io/crypto.h"
#include "io/file.h"
#include "node/image_store.h"

namespace node {

namespace fs = std::filesystem;

namespace {

std::string digest(const std::vector<ImageFile>& files) {
  std::string listing;
  for (const auto& file : files)
    listing += base::cat(file.path, '\0', file.mode, '\0', file.link, '\0',
                         io::sha256_hex(file.bytes), '\n');
  return io::sha256_hex(listing);
}

}  // namespace

void add_standard_places(const std::string& root) {
  for (auto directory : {"/proc", "/dev", "/sys", "/etc"})
    io::make_directories(root + directory, 0755);
  for (auto file : {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"})
    if (!fs::exists(root + file)) io::write_file(root + file, "", 0644);
}

namespace {

// Who may read a directory may enter it.
unsigned directory_mode(unsigned mode) { return mode | (mode & 0444) >> 2; }

void unpack(const std::string& root, const std::vector<ImageFile>& files) {
  for (const auto& file : files) {
    const std::string path = root + "/" + file.path;
    if (file.path.ends_with('/')) {
      io::make_directories(path, 0755);
      if (::chmod(path.c_str(), directory_mode(file.mode)) < 0) io::throw_errno("chmod", path);
      continue;
    }
    io::make_directories(fs::path(path).parent_path().string(), 0755);
    if (!file.link.empty()) {
      if (::symlink(file.link.c_str(), path.c_str()) < 0) io::throw_errno("linking", path);
    } else {
      io::write_file(path, file.bytes, file.mode);
    }
  }
}

}  // namespace

std::string image_name(std::string_view reference) {
  reference = reference.substr(0, reference.find('@'));
  if (auto colon = reference.rfind(':');
      colon != std::string_view::npos && reference.find('/', colon) == std::string_view::npos)
    reference = reference.substr(0, colon);
  const auto last = reference.rfind('/');
  if (last == std::string_view::npos || last == 0) return std::string(reference);
  const auto before = reference.rfind('/', last - 1);
  return std::string(before == std::string_view::npos ? reference : reference.substr(before + 1));
}

Images::Images(const std::string& directory, const std::vector<ImageSource>& sources)
    : directory_(directory) {
  io::make_directories(directory, 0755);
  for (const auto& source : sources) {
    Image image;
    image.config = source.config;
    if (!source.directory.empty()) {
      image.id = "directory:" + source.directory;
      image.root = source.directory;
    } else {
      const std::string hash = digest(source.files);
      image.id = "sha256:" + hash;
      image.root = directory + "/" + hash;
      if (!fs::exists(image.root)) {
        const std::string begun = image.root + ".begun";
        io::remove_tree(begun);
        io::make_directories(begun, 0755);
        unpack(begun, source.files);
        add_standard_places(begun);
        fs::rename(begun, image.root);
      }
    }
    images_.insert_or_assign(source.name, std::move(image));
  }
}

std::optional<Image> Images::find(std::string_view reference) const {
  auto at = images_.find(image_name(reference));
  if (at != images_.end()) return at->second;
  return ImageStore(directory_).find(reference);
}

ImageSource host_image() {
  ImageSource out;
  out.name = "host";
  for (auto directory : {"usr/", "root/", "var/", "run/", "workspace/"})
    out.files.push_back({directory, "", 0755, ""});
  out.files.push_back({"tmp/", "", 01777, ""});
  for (std::string name : {"bin", "sbin", "lib", "lib64"})
    out.files.push_back({name, "", 0, "usr/" + name});
  out.files.push_back({"etc/passwd",
                       "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n", 0644,
                       ""});
  out.files.push_back({"etc/group", "root:x:0:\nnogroup:x:65534:\n", 0644, ""});
  out.config.mounts = {{"/usr", "/usr", Access::read_only}};
  out.config.command.entrypoint = {"/bin/sh"};
  return out;
}

}  // namespace node
