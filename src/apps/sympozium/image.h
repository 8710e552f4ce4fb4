// `sympozium image`: images for the pods of this machine's node.
#pragma once

#include <string>
#include <vector>

namespace app {

// Exit codes: 0, 1 error, 2 usage, 3 no root.
int run_image(const std::vector<std::string>& arguments);

}  // namespace app
