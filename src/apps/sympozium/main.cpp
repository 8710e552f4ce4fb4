// sympozium: the command line, and every role of the embedded home.
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "role.h"
#include "up.h"

namespace {

int run(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  const std::vector<std::string> rest(argv + std::min(argc, 2), argv + argc);
  if (command == "up") return app::run_up(rest);
  if (command == "down") return app::run_down(rest);
  if (command == "status") return app::run_status(rest);
  if (command == "reset") return app::run_reset(rest);
  if (command == "node") return app::run_node(argc - 2, argv + 2);
  if (command == "control") return app::run_control(argc - 2, argv + 2);
  std::fprintf(stderr, "usage: sympozium up|down|status|reset\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const base::Error& error) {
    std::fprintf(stderr, "sympozium: %s\n", error.what());
    return error.code() == base::Code::invalid ? 2 : 1;
  }
}
