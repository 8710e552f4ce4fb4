// apply: what files say becomes what the server has.
#include <sys/stat.h>

#include "base/text.h"
#include "cli/manifest.h"
#include "cli/session.h"
#include "cli/three_way.h"
#include "io/file.h"

namespace cli {

using base::cat;
using base::Json;

namespace {

constexpr std::size_t file_bytes_max = 16 * 1024 * 1024;

bool is_folder(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

void add(std::vector<Manifest>& out, std::vector<Manifest> more) {
  for (Manifest& manifest : more) out.push_back(std::move(manifest));
}

// Its *.yaml, *.yml and *.json in order of name; files that hold no Kubernetes object are left out
// and said so.
std::vector<Manifest> read_folder(Session& session, const std::string& folder) {
  std::vector<Manifest> manifests;
  for (const std::string& name : io::list_directory(folder)) {
    const std::string path = cat(folder, folder.ends_with('/') ? "" : "/", name);
    if (!name.ends_with(".yaml") && !name.ends_with(".yml") && !name.ends_with(".json")) continue;
    if (is_folder(path)) continue;
    const std::string text = io::read_file(path, file_bytes_max);
    if (holds_objects(text, path))
      add(manifests, parse_manifests(text, path));
    else
      session.terminal.note(path + ": no Kubernetes object, left out");
  }
  if (manifests.empty())
    throw base::Error(
        base::Code::invalid,
        cat("-f ", folder, ": the folder has no *.yaml, *.yml or *.json with objects"));
  return manifests;
}

// Everything is read and checked before anything is sent.
std::vector<Manifest> read_all(Session& session, const std::vector<std::string>& files) {
  std::vector<Manifest> manifests;
  for (const std::string& file : files) {
    if (file == "-")
      add(manifests, parse_manifests(session.terminal.read_input(), "standard input"));
    else if (is_folder(file))
      add(manifests, read_folder(session, file));
    else
      add(manifests, parse_manifests(io::read_file(file, file_bytes_max), file));
  }
  if (manifests.empty())
    throw base::Error(base::Code::invalid, "-f: there is no object in what was given");
  return manifests;
}

void set_namespace(const Session& session, Manifest& manifest) {
  if (manifest.kind->scope == schema::Scope::cluster) return;
  const std::string own = base::text_at(manifest.object, {"metadata", "namespace"});
  if (session.ns_given && !own.empty() && own != session.ns)
    throw base::Error(base::Code::invalid,
                      cat(describe(manifest), ": metadata.namespace is ", own, " but -n says ",
                          session.ns, "; leave one of them out"));
  if (own.empty()) base::ensure(manifest.object, {"metadata", "namespace"}) = session.ns;
}

struct Applied {
  Json object;
  std::string_view how;
};

io::Task<Applied> apply_one(Session& session, Manifest manifest, bool dry_run) {
  const Json desired = with_last_applied(std::move(manifest.object));
  const kube::Ref ref = kube::ref_of(*manifest.kind, desired);
  kube::Ref address = ref;
  std::optional<Json> live = co_await kube::find(session.api, std::move(address));
  address = ref;
  if (!live) {
    Json object = desired;
    kube::CreateOptions options{dry_run, kube::UnknownFields::refuse};
    Json made = co_await session.api.create(std::move(address), std::move(object), options);
    co_return Applied{std::move(made), "created"};
  }
  Json patch = plan_apply(*live, desired);
  if (patch.get_object().empty()) co_return Applied{std::move(*live), "unchanged"};
  kube::PatchOptions options{dry_run, kube::UnknownFields::refuse};
  Json made = co_await session.api.patch(std::move(address), std::move(patch), options);
  const bool same = base::text_at(made, {"metadata", "resourceVersion"}) ==
                    base::text_at(*live, {"metadata", "resourceVersion"});
  co_return Applied{std::move(made), same && !dry_run ? "unchanged" : "configured"};
}

}  // namespace

io::Task<int> execute(Session& session, ApplyOptions options) {
  std::vector<Manifest> manifests = read_all(session, options.files);
  for (Manifest& manifest : manifests) set_namespace(session, manifest);
  std::vector<Json> made;
  for (Manifest& manifest : manifests) {
    const std::string where = describe(manifest);
    const std::string name =
        name_of(*manifest.kind, base::text_at(manifest.object, {"metadata", "name"}));
    std::optional<Applied> applied;
    try {
      applied = co_await apply_one(session, std::move(manifest), options.dry_run);
    } catch (const base::Error& error) {
      if (error.code() == base::Code::unavailable || error.code() == base::Code::timeout) throw;
      throw base::within(where, error);
    }
    if (session.output == Output::text)
      session.terminal.print(
          cat(name, " ", applied->how, options.dry_run ? " (dry run)" : "", "\n"));
    made.push_back(std::move(applied->object));
  }
  if (session.output != Output::text) session.terminal.print(format_objects(made, session.output));
  co_return exit_ok;
}

}  // namespace cli
