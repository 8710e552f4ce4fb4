// sympozium: the command line, and every role of the embedded home.
#include <unistd.h>

#include "apps/roles/role.h"
#include "cli/cli.h"
#include "image.h"
#include "modelsim/server.h"
#include "up.h"

int main(int argc, char** argv) {
  constexpr auto hidden = cli::Command::Shown::hidden;
  const cli::Environment environment{
      .variables = cli::read_variables(environ),
      .version = SYMPOZIUM_VERSION,
      .commands = {{"up", "Start the embedded home, or join a cluster as a node", app::run_up},
                   {"down", "End it; what it keeps stays", app::run_down},
                   {"status", "Say whether it runs, and where", app::run_status},
                   {"reset", "Remove its objects and journals", app::run_reset},
                   {"image", "Bring images for the pods of this machine", app::run_image},
                   {"manifests", "Print what a cluster needs first", app::run_manifests},
                   {"model-sim", "Serve a scripted stand-in for a model", modelsim::run},
                   {"control", "", app::run_control, hidden},
                   {"gateway", "", app::run_gateway, hidden},
                   {"node", "", app::run_node, hidden}}};
  return cli::run(argc, argv, environment);
}
