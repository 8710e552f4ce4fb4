#include "node/image_store.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "base/text.h"
#include "io/crypto.h"
#include "io/file.h"
#include "io/process.h"

namespace node {

namespace fs = std::filesystem;
using base::cat;
using base::Code;
using base::Error;
using base::Json;

namespace {

constexpr std::size_t manifest_bytes_max = 16 * 1024 * 1024;
constexpr std::size_t layer_name_length = 32;    // of its digest: mount options are short
constexpr std::size_t mount_options_max = 3500;  // of the kernel's 4095, beside other layers' names

// ---- where things lie ----

std::string layer_directory(const std::string& directory, const std::string& hex) {
  return cat(directory, "/layers/", hex.substr(0, layer_name_length));
}
std::string record_file(const std::string& directory, const std::string& reference) {
  return cat(directory, "/images/", io::sha256_hex(reference), ".json");
}

Json encode(const StoredImage& stored) {
  const auto texts = [](const std::vector<std::string>& all) {
    return base::JsonArray(all.begin(), all.end());
  };
  base::JsonArray environment;
  for (const auto& [name, value] : stored.image.config.environment)
    environment.push_back(base::JsonArray{name, value});
  const ImageConfig& config = stored.image.config;
  return {{"reference", stored.reference},
          {"id", stored.image.id},
          {"layers", texts(stored.image.layers)},
          {"entrypoint", texts(config.command.entrypoint)},
          {"arguments", texts(config.command.arguments)},
          {"environment", std::move(environment)},
          {"directory", config.directory},
          {"uid", config.user.uid},
          {"gid", config.user.gid}};
}

std::vector<std::string> texts_at(const Json& json, std::string_view member) {
  std::vector<std::string> out;
  if (const Json* list = base::find(json, {member}); list && list->is_array())
    for (const Json& one : list->get_array())
      if (one.is_string()) out.emplace_back(one.get_string());
  return out;
}

StoredImage decode(const Json& json) {
  StoredImage out;
  out.reference = base::text_at(json, {"reference"});
  out.image.id = base::text_at(json, {"id"});
  out.image.layers = texts_at(json, "layers");
  ImageConfig& config = out.image.config;
  config.command = {texts_at(json, "entrypoint"), texts_at(json, "arguments")};
  config.environment.clear();
  for (const Json& one : json.at("environment").as_array())
    config.environment.emplace_back(std::string(one.at(0).as_string()),
                                    std::string(one.at(1).as_string()));
  config.directory = base::text_at(json, {"directory"});
  config.user.uid = static_cast<std::uint32_t>(base::find_int(json, {"uid"}).value_or(0));
  config.user.gid = static_cast<std::uint32_t>(base::find_int(json, {"gid"}).value_or(0));
  return out;
}

// ---- unpacking ----

// tar(1) keeps to the directory: it strips leading slashes, refuses "..", and makes links that lead
// out of it last.
void run_tar(const std::string& archive, const std::string& directory) {
  io::Loop loop;
  io::SystemClock clock(loop);
  constexpr base::Duration patience{3'600'000};
  io::ProcessSpec spec{.argv = {"/bin/tar", "--extract", "--file", archive, "--directory",
                                directory, "--numeric-owner", "--same-permissions", "--same-owner"},
                       .env = {"PATH=/usr/bin:/bin"}};
  const auto result = loop.run(io::run_command(loop, clock, std::move(spec), "", patience));
  if (result.code != 0)
    throw Error(Code::invalid, cat("unpacking ", archive, ": ", base::trim(result.err)));
}

// An archive's whiteouts (image-spec, layer.md) as an overlay has them.
void convert_whiteouts(const std::string& directory) {
  constexpr std::string_view prefix = ".wh.", opaque = ".wh..wh..opq";
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.path().filename().string().starts_with(prefix)) found.push_back(entry.path());
  for (const fs::path& path : found) {
    const std::string name = path.filename().string(), folder = path.parent_path().string();
    ::unlink(path.c_str());
    if (name == opaque) {
      if (::setxattr(folder.c_str(), "trusted.overlay.opaque", "y", 1, 0) < 0)
        io::throw_errno("marking as opaque", folder);
    } else if (!name.starts_with(".wh..wh.")) {
      const std::string hidden = cat(folder, "/", name.substr(prefix.size()));
      if (::mknod(hidden.c_str(), S_IFCHR, ::makedev(0, 0)) < 0 && errno != EEXIST)
        io::throw_errno("hiding", hidden);
    }
  }
}

// A folder that is gone when it is not kept.
class Temporary {
 public:
  explicit Temporary(std::string path) : path_(std::move(path)) {
    io::remove_tree(path_);
    io::make_directories(path_, 0755);
  }
  Temporary(const Temporary&) = delete;
  ~Temporary() {
    try {
      io::remove_tree(path_);
    } catch (const Error&) {  // a later import of the same process number does it
    }
  }
  const std::string& path() const { return path_; }
  // False when somebody else was faster.
  void keep_as(const std::string& name) const {
    std::error_code error;
    fs::rename(path_, name, error);
    if (error && !fs::exists(name))
      throw Error(Code::unavailable, cat(name, ": ", error.message()));
  }

 private:
  std::string path_;
};

// ---- what an archive says ----

std::string hex_of(const std::string& digest) {
  constexpr std::string_view algorithm = "sha256:";
  const std::string hex = digest.starts_with(algorithm) ? digest.substr(algorithm.size()) : "";
  if (hex.size() != 64 || hex.find_first_not_of("0123456789abcdef") != std::string::npos)
    throw Error(Code::invalid, cat("\"", digest, "\" is no sha256 digest"));
  return hex;
}

struct Layer {
  std::string file, hex;
};
struct Found {
  std::string reference;  // "" when the archive names none
  std::string config_hex;
  Json config;
  std::vector<Layer> layers;  // lowest first
};

Json parse_file(const std::string& path) {
  const auto text = io::find_file(path, manifest_bytes_max);
  if (!text)
    throw Error(Code::invalid, cat("the archive lacks ", fs::path(path).filename().string()));
  return base::parse_json(*text);
}

std::string machine_architecture() {
  utsname machine{};
  ::uname(&machine);
  const std::string name = machine.machine;
  return name == "x86_64" ? "amd64" : name == "aarch64" ? "arm64" : name;
}

class OciLayout {
 public:
  explicit OciLayout(std::string root) : root_(std::move(root)) {}

  std::vector<Found> images() const {
    std::vector<Found> out;
    add(out, parse_file(root_ + "/index.json"), "");
    return out;
  }

 private:
  std::string blob(const Json& descriptor) const {
    return cat(root_, "/blobs/sha256/", hex_of(base::text_at(descriptor, {"digest"})));
  }
  Json parse_blob(const Json& descriptor) const {
    const std::string hex = hex_of(base::text_at(descriptor, {"digest"}));
    const auto text = io::find_file(blob(descriptor), manifest_bytes_max);
    if (!text) throw Error(Code::invalid, cat("the archive lacks blob sha256:", hex));
    if (io::sha256_hex(*text) != hex)
      throw Error(Code::invalid, cat("blob sha256:", hex, " is not what its digest says"));
    return base::parse_json(*text);
  }

  void add(std::vector<Found>& out, const Json& index, const std::string& above) const {
    const Json* manifests = base::find(index, {"manifests"});
    if (!manifests || !manifests->is_array())
      throw Error(Code::invalid, "index.json has no list \"manifests\"");
    for (const Json& descriptor : manifests->get_array()) {
      std::string reference = above;
      for (const char* key : {"io.containerd.image.name", "org.opencontainers.image.ref.name"})
        if (const auto name = base::text_at(descriptor, {"annotations", key});
            !name.empty() && reference.empty())
          reference = name;
      if (base::text_at(descriptor, {"mediaType"}).find("index") != std::string::npos ||
          base::text_at(descriptor, {"mediaType"}).find("manifest.list") != std::string::npos) {
        add(out, parse_blob(descriptor), reference);
        continue;
      }
      const std::string architecture = base::text_at(descriptor, {"platform", "architecture"});
      if (!architecture.empty() && architecture != machine_architecture()) continue;
      const Json manifest = parse_blob(descriptor);
      Found found{reference,
                  hex_of(base::text_at(manifest, {"config", "digest"})),
                  parse_blob(manifest.at("config")),
                  {}};
      if (const Json* layers = base::find(manifest, {"layers"}); layers && layers->is_array())
        for (const Json& layer : layers->get_array())
          found.layers.push_back({blob(layer), hex_of(base::text_at(layer, {"digest"}))});
      out.push_back(std::move(found));
    }
  }

  std::string root_;
};

// manifest.json of `docker save`: layers are named by path, their digests stand in the config.
std::vector<Found> images_of_docker(const std::string& root) {
  std::vector<Found> out;
  const Json manifest = parse_file(root + "/manifest.json");
  if (!manifest.is_array()) throw Error(Code::invalid, "manifest.json is no list");
  for (const Json& one : manifest.get_array()) {
    const std::string config = base::text_at(one, {"Config"});
    const auto inside = [&](const std::string& path) {
      if (path.empty() || path.starts_with('/') || path.find("..") != std::string::npos)
        throw Error(Code::invalid,
                    cat("manifest.json names \"", path, "\", which is no file of it"));
      return cat(root, "/", path);
    };
    const std::string text = io::read_file(inside(config), manifest_bytes_max);
    Found found{"", io::sha256_hex(text), base::parse_json(text), {}};
    const auto files = texts_at(one, "Layers");
    const Json* rootfs = base::find(found.config, {"rootfs"});
    const auto digests = rootfs ? texts_at(*rootfs, "diff_ids") : std::vector<std::string>();
    if (files.size() != digests.size())
      throw Error(Code::invalid, "manifest.json and its config count layers differently");
    for (std::size_t i = 0; i < files.size(); ++i)
      found.layers.push_back({inside(files[i]), hex_of(digests[i])});
    auto tags = texts_at(one, "RepoTags");
    if (tags.empty()) tags.emplace_back();
    for (const std::string& tag : tags) {
      found.reference = tag;
      out.push_back(found);
    }
  }
  return out;
}

// "1000:1000", or a name of the image's own /etc/passwd.
Identity user_of(const std::string& text, const std::vector<std::string>& layers) {
  Identity out;
  if (text.empty()) return out;
  const auto colon = text.find(':');
  const std::string user = text.substr(0, colon);
  const auto group = colon == std::string::npos
                         ? std::nullopt
                         : base::parse_int(std::string_view(text).substr(colon + 1));
  if (const auto number = base::parse_int(user)) {
    out.uid = static_cast<std::uint32_t>(*number);
  } else {
    bool known = false;
    for (const std::string& layer : layers) {
      const io::Fd directory = io::open_directory(layer);
      std::string passwd;
      try {
        passwd = io::read_beneath(directory.get(), "etc/passwd", manifest_bytes_max);
      } catch (const Error&) {
        continue;  // not in this layer
      }
      for (const std::string& line : base::split(passwd, '\n')) {
        const auto fields = base::split(line, ':');
        if (fields.size() < 4 || fields[0] != user) continue;
        out.uid = static_cast<std::uint32_t>(base::parse_int(fields[2]).value_or(0));
        out.gid = static_cast<std::uint32_t>(base::parse_int(fields[3]).value_or(0));
        known = true;
      }
      if (known) break;
    }
    if (!known) throw Error(Code::invalid, cat("the image has no user \"", user, "\""));
  }
  if (group) out.gid = static_cast<std::uint32_t>(*group);
  return out;
}

ImageConfig config_of(const Json& json, const std::vector<std::string>& layers) {
  const std::string os = base::text_at(json, {"os"}),
                    architecture = base::text_at(json, {"architecture"});
  if (os != "linux" || architecture != machine_architecture())
    throw Error(Code::invalid, cat("the image is for ", os, "/", architecture,
                                   ", this machine is linux/", machine_architecture()));
  ImageConfig out;
  const Json* config = base::find(json, {"config"});
  if (!config) return out;
  out.command = {texts_at(*config, "Entrypoint"), texts_at(*config, "Cmd")};
  for (const std::string& variable : texts_at(*config, "Env")) {
    const auto at = variable.find('=');
    if (at == std::string::npos) continue;
    std::erase_if(out.environment,
                  [&](const auto& known) { return known.first == variable.substr(0, at); });
    out.environment.emplace_back(variable.substr(0, at), variable.substr(at + 1));
  }
  if (const auto directory = base::text_at(*config, {"WorkingDir"}); !directory.empty())
    out.directory = directory;
  out.user = user_of(base::text_at(*config, {"User"}), layers);
  return out;
}

}  // namespace

std::string image_reference(std::string_view text) {
  for (const std::string_view prefix : {"docker.io/library/", "docker.io/"})
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  const auto last = text.substr(text.rfind('/') == std::string_view::npos ? 0 : text.rfind('/'));
  return last.find_first_of(":@") == std::string_view::npos ? cat(text, ":latest")
                                                            : std::string(text);
}

std::vector<StoredImage> ImageStore::import(const std::string& file, const std::string& name) {
  for (const char* part : {"/layers", "/images"}) io::make_directories(directory_ + part, 0755);
  const Temporary unpacked(cat(directory_, "/.import-", ::getpid()));
  std::string root = file;
  if (!fs::is_directory(file)) {
    root = unpacked.path();
    run_tar(fs::absolute(file).string(), root);
  }
  std::vector<Found> found;
  if (fs::exists(root + "/index.json"))
    found = OciLayout(root).images();
  else if (fs::exists(root + "/manifest.json"))
    found = images_of_docker(root);
  else
    throw Error(Code::invalid, cat(file,
                                   " is no image: it has neither index.json (OCI image layout) nor "
                                   "manifest.json (docker save)"));
  if (found.empty())
    throw Error(Code::invalid, cat(file, " holds no image for linux/", machine_architecture()));
  if (!name.empty() && found.size() > 1)
    throw Error(Code::invalid,
                cat(file, " holds ", found.size(), " images; import it without --name"));

  std::vector<StoredImage> out;
  for (const Found& one : found) {
    StoredImage stored;
    const std::string& reference = name.empty() ? one.reference : name;
    if (reference.empty() || (name.empty() && reference.find_first_of("/:") == std::string::npos &&
                              one.reference == "latest"))
      throw Error(Code::invalid,
                  cat("the image in ", file, " has no name; give it one with --name"));
    stored.reference = image_reference(reference);
    stored.image.id = "sha256:" + one.config_hex;
    std::size_t options = 0;
    for (const Layer& layer : one.layers) {
      const std::string place = layer_directory(directory_, layer.hex);
      options += place.size() + 1;
      if (!fs::exists(place)) {
        if (!fs::exists(layer.file))
          throw Error(Code::invalid, cat("the archive lacks layer sha256:", layer.hex));
        if (io::sha256_file_hex(layer.file) != layer.hex)
          throw Error(Code::invalid,
                      cat("layer sha256:", layer.hex, " is not what its digest says"));
        const Temporary begun(cat(place, ".begun-", ::getpid()));
        run_tar(layer.file, begun.path());
        convert_whiteouts(begun.path());
        begun.keep_as(place);
      }
      stored.image.layers.insert(stored.image.layers.begin(), place);
    }
    if (options > mount_options_max)
      throw Error(Code::invalid, cat(stored.reference, " has ", one.layers.size(),
                                     " layers, more than one mount takes; squash them"));
    stored.image.config = config_of(one.config, stored.image.layers);
    out.push_back(std::move(stored));
  }
  for (const StoredImage& stored : out)
    io::write_file(record_file(directory_, stored.reference), base::to_text(encode(stored)), 0644,
                   io::Durable::yes);
  return out;
}

std::optional<Image> ImageStore::find(std::string_view reference) const {
  const auto text =
      io::find_file(record_file(directory_, image_reference(reference)), manifest_bytes_max);
  if (!text) return std::nullopt;
  return decode(base::parse_json(*text)).image;
}

std::vector<StoredImage> ImageStore::list() const {
  std::vector<StoredImage> out;
  if (!fs::exists(directory_ + "/images")) return out;
  for (const std::string& name : io::list_directory(directory_ + "/images"))
    if (name.ends_with(".json"))
      out.push_back(decode(base::parse_json(io::read_file(cat(directory_, "/images/", name)))));
  std::ranges::sort(out, {}, &StoredImage::reference);
  return out;
}

}  // namespace node
