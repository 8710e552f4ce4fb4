// The root filesystems that containers are made from: the product's own, unpacked once and shared
// read-only, named by their content.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/environment.h"
#include "node/oci.h"
#include "node/security.h"

namespace node {

struct ImageFile {
  std::string path;  // "bin/sympozium-bridge"; a trailing '/' makes a directory, entered by whom
                     // may read it
  std::string bytes;
  unsigned mode = 0644;
  std::string link;  // target of a symbolic link; then bytes and mode do not count
};

// What an image says about its containers, as an OCI image configuration does.
struct ImageConfig {
  Command command;
  Variables environment{{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}};
  std::string directory = "/";
  Identity user;
  std::vector<BindMount> mounts;
};

struct ImageSource {
  std::string name;              // "sympozium/tools"
  std::vector<ImageFile> files;  // unpacked under the store's directory…
  std::string directory;         // …or, when not empty, a root that lies there already
  ImageConfig config;
};

struct Image {
  std::string id;    // "sha256:…" of its files
  std::string root;  // directory; "" with layers
  ImageConfig config;
  std::vector<std::string> layers{};  // directories, the top one first
};

// "registry:5000/team/sympozium/tools:v1@sha256:…" → "sympozium/tools".
std::string image_name(std::string_view reference);

class Images {
 public:
  // Unpacks what is not there yet (temp directory, then rename). Blocks. Images that were imported
  // are found below `directory`, too, as soon as they are there.
  Images(const std::string& directory, const std::vector<ImageSource>&);
  std::optional<Image> find(std::string_view reference) const;

 private:
  std::map<std::string, Image, std::less<>> images_;
  std::string directory_;
};

// Places that the node mounts into every container; a root that has them needs no overlay.
void add_standard_places(const std::string& root);

// The machine's own /usr as an image, read-only, with /bin and its kin as links into it.
ImageSource host_image();

}  // namespace node
