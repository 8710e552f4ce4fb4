// Role `node`: our kubelet. Root; decides on runtimes, mounts and cgroups; speaks to the API server
// and its shim only.
#include "node/node.h"

#include "apps/roles/flags.h"
#include "apps/roles/role.h"
#include "images.h"
#include "io/crypto.h"
#include "io/file.h"

namespace app {

int run_node(const std::vector<std::string>& arguments) {
  io::init_crypto();
  const Flags flags(arguments, {"kubeconfig", "name", "directory", "shim", "gateway", "cgroup",
                                "client-ca", "host-image"});
  Process process("node");
  kube::Client api = process.connect(flags.get("kubeconfig"));
  node::NodeConfig config;
  config.name = flags.get("name");
  config.directory = flags.get("directory");
  config.shim_socket = flags.get("shim");
  config.gateway_directory = flags.get("gateway");
  config.cgroup = flags.get("cgroup");
  config.images = product_images(flags.get("host-image") == "yes" ? HostImage::yes : HostImage::no);
  config.logs.client_ca_pem = io::read_file(flags.get("client-ca"));
  node::Node node(process.loop, process.clock, process.random, process.log, api, std::move(config));
  process.group.spawn("node", node.run());
  return process.run();
}

}  // namespace app
