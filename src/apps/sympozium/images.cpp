#include "images.h"

#include <string>

#include "base/text.h"
#include "protocol/names.h"

extern "C" const char embedded_bridge[], embedded_bridge_end[], embedded_runner[],
    embedded_runner_end[], embedded_busybox[], embedded_busybox_end[];

namespace app {

namespace {

constexpr unsigned program_mode = 0555;
constexpr std::string_view busybox_applets = SYMPOZIUM_BUSYBOX_APPLETS;  // "ash,cat,…"

// Mount points must exist: roots are read-only.
std::vector<node::ImageFile> skeleton() {
  std::vector<node::ImageFile> files;
  for (std::string path :
       {"bin/", "dev/", "etc/", "ipc/", "proc/", "run/sympozium/gateway/", "skills/", "sys/",
        "tmp/", "var/run/secrets/sympozium/token/", "workspace/", "bridge/ipc/", "usr/bin/"})
    files.push_back({.path = std::move(path)});
  return files;
}

node::ImageFile program(std::string path, const char* begin, const char* end) {
  return {.path = std::move(path), .bytes = std::string(begin, end), .mode = program_mode};
}

node::ImageSource image(std::string_view name, std::vector<node::ImageFile> files,
                        std::vector<std::string> entrypoint,
                        std::vector<std::string> arguments = {}) {
  node::ImageSource out;
  out.name = std::string(name);
  out.files = std::move(files);
  out.config.command = {std::move(entrypoint), std::move(arguments)};
  return out;
}

}  // namespace

std::vector<node::ImageSource> product_images(HostImage host) {
  std::vector<node::ImageSource> images;
  auto bridge = skeleton();
  bridge.push_back(program("bin/sympozium-bridge", embedded_bridge, embedded_bridge_end));
  images.push_back(image(protocol::image_bridge, std::move(bridge), {"/bin/sympozium-bridge"}));

  auto runner = skeleton();
  runner.push_back(program("bin/sympozium-runner", embedded_runner, embedded_runner_end));
  images.push_back(image(protocol::image_runner, std::move(runner), {"/bin/sympozium-runner"}));

  auto tools = skeleton();
  tools.push_back(program("bin/sympozium-runner", embedded_runner, embedded_runner_end));
  tools.push_back(program("bin/busybox", embedded_busybox, embedded_busybox_end));
  for (const auto& applet : base::split(busybox_applets, ','))
    if (!applet.empty() && applet != "busybox")
      tools.push_back({.path = "bin/" + applet, .link = "busybox"});
  tools.push_back({.path = "usr/bin/env", .link = "/bin/busybox"});
  images.push_back(
      image(protocol::image_tools, std::move(tools), {"/bin/sympozium-runner"}, {"tools"}));

  if (host == HostImage::yes) images.push_back(node::host_image());
  return images;
}

}  // namespace app
