// The product's own images: what the OCI images of a release hold, carried in this executable.
#pragma once

#include <vector>

#include "node/images.h"

namespace app {

// sympozium/bridge, sympozium/runner, sympozium/tools; and `host` when it is allowed.
enum class HostImage : bool { no, yes };
std::vector<node::ImageSource> product_images(HostImage);

}  // namespace app
