// Images that somebody brought to this machine: each layer is a directory, unpacked once, and an
// image is an overlay of its layers. OCI image layout (image-spec 1.1), or what `docker save`
// writes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/images.h"

namespace node {

struct StoredImage {
  std::string reference;  // "acme/agent:1"
  Image image;
};

// "agent" → "agent:latest", "docker.io/library/agent:1" → "agent:1", "acme/agent@sha256:…" as it
// is.
std::string image_reference(std::string_view);

// Calls block. Several processes may use one directory at a time.
class ImageStore {
 public:
  // Below it: layers/ and images/. Made when something is imported.
  explicit ImageStore(std::string directory) : directory_(std::move(directory)) {}

  // Takes every image of the archive (or of the layout's directory), or the one of them that `name`
  // names when there is only one. Needs root and tar(1). Error(invalid) says what the file lacks,
  // or which of its parts is not what its digest says; nothing is taken then.
  std::vector<StoredImage> import(const std::string& file, const std::string& name);
  std::optional<Image> find(std::string_view reference) const;
  std::vector<StoredImage> list() const;  // by reference

 private:
  std::string directory_;
};

}  // namespace node
