#include "image.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "base/text.h"
#include "home/state.h"
#include "node/image_store.h"

namespace app {

namespace fs = std::filesystem;
using base::cat;

namespace {

constexpr int exit_error = 1, exit_usage = 2, exit_refused = 3;
constexpr char usage[] =
    "usage: sudo sympozium image import FILE [--name NAME] [--state DIR]\n"
    "       sudo sympozium image list [--state DIR]\n"
    "\n"
    "Images for pods of this machine's node, for spec.harness.image and tool sidecars. FILE is an\n"
    "OCI image layout (folder or tar) or what `docker save` writes.\n"
    "\n"
    "  --name NAME    of the image, when the file has none, or instead of it\n"
    "  --state DIR    of `sympozium up` (default /var/lib/sympozium)\n"
    "\n"
    "example: docker save my-agent:1 -o agent.tar && sudo sympozium image import agent.tar\n";

struct Request {
  std::string verb, file, name, state;
};

Request parse(const std::vector<std::string>& arguments) {
  Request out;
  const auto refuse = [](const auto&... why) {
    throw base::Error(base::Code::invalid, cat(why...));
  };
  std::vector<std::string> words;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string* place = arguments[i] == "--name"    ? &out.name
                         : arguments[i] == "--state" ? &out.state
                                                     : nullptr;
    if (place && i + 1 == arguments.size()) refuse(arguments[i], " needs a value");
    if (place)
      *place = arguments[++i];
    else if (arguments[i].starts_with("-"))
      refuse("unknown flag ", arguments[i], "; there are: --name, --state");
    else
      words.push_back(arguments[i]);
  }
  if (words.empty() || (words[0] != "import" && words[0] != "list"))
    refuse("there are: image import FILE, image list");
  const bool imports = words[0] == "import";
  if (words.size() != (imports ? 2u : 1u))
    refuse(imports ? "image import takes one FILE" : "image list takes nothing");
  if (!imports && !out.name.empty()) refuse("--name is for image import");
  out.verb = words[0];
  if (imports) out.file = words[1];
  return out;
}

void print(const node::StoredImage& stored) {
  std::printf("%-50s %s\n", stored.reference.c_str(), stored.image.id.c_str());
}

}  // namespace

int run_image(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments)
    if (argument == "--help" || argument == "-h") {
      std::fputs(usage, stdout);
      return 0;
    }
  Request request;
  try {
    request = parse(arguments);
  } catch (const base::Error& error) {
    std::fprintf(stderr, "sympozium: %s\n%s", error.what(), usage);
    return exit_usage;
  }
  if (::getuid() != 0) {
    std::fputs("sympozium image needs root: sudo sympozium image …\n", stderr);
    return exit_refused;
  }
  try {
    home::Layout layout;
    if (!request.state.empty()) layout.root = fs::absolute(request.state).lexically_normal();
    home::prepare(layout);
    node::ImageStore store(layout.images());
    const auto images =
        request.verb == "import" ? store.import(request.file, request.name) : store.list();
    for (const auto& stored : images) print(stored);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sympozium: %s\n", error.what());
    return exit_error;
  }
}

}  // namespace app
