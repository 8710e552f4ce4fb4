#include "kube/kubeconfig.h"

#include <filesystem>

#include "base/encoding.h"
#include "base/text.h"
#include "io/file.h"
#include "kube/yaml.h"

namespace kube {

namespace {

using base::Code;
using base::Error;

struct File {
  std::string path;
  base::Json content;
};

[[noreturn]] void refuse(const File& file, std::string_view where, std::string_view what) {
  throw Error(Code::invalid, base::cat(file.path, ": ", where, ": ", what));
}

// An entry of `clusters`, `users` or `contexts`, with the file that it stands in.
struct Entry {
  const File* file;
  const base::Json* value;
  std::string where;  // "users[admin].user"

  std::string text(std::string_view key) const {
    const base::Json* member = base::find(*value, {key});
    if (!member || member->is_null()) return {};
    if (const auto* text = member->if_string()) return std::string(*text);
    refuse(*file, base::cat(where, ".", key), "must be a string");
  }
  bool flag(std::string_view key) const {
    const base::Json* member = base::find(*value, {key});
    if (!member || member->is_null()) return false;
    if (member->is_bool()) return member->get_bool();
    refuse(*file, base::cat(where, ".", key), "must be true or false");
  }
  std::string path(std::string_view key) const {
    const std::string name = text(key);
    if (name.empty()) return {};
    return (std::filesystem::path(file->path).parent_path() / name).lexically_normal().string();
  }
  // `key`-data (base64) or the file that `key` names; "" when neither is set.
  std::string pem(std::string_view key) const {
    const std::string data_key = base::cat(key, "-data");
    if (const std::string data = text(data_key); !data.empty()) {
      auto bytes = base::parse_base64(data);
      if (!bytes) refuse(*file, base::cat(where, ".", data_key), "is not base64");
      return std::move(*bytes);
    }
    const std::string name = path(key);
    return name.empty() ? std::string() : io::read_file(name);
  }
  void refuse_field(std::string_view key, std::string_view what) const {
    const base::Json* member = base::find(*value, {key});
    if (member && !member->is_null()) refuse(*file, base::cat(where, ".", key), what);
  }
};

Entry find_entry(const std::vector<File>& files, std::string_view list, std::string_view inner,
                 const std::string& name) {
  for (const File& file : files) {
    const base::Json* entries = base::find(file.content, {list});
    if (!entries || !entries->is_array()) continue;
    for (const base::Json& entry : entries->get_array()) {
      if (base::text_at(entry, {"name"}) != name) continue;
      const base::Json* value = base::find(entry, {inner});
      std::string where = base::cat(list, "[", name, "].", inner);
      if (!value || !value->is_object()) refuse(file, where, "must be a mapping");
      return {&file, value, std::move(where)};
    }
  }
  throw Error(Code::invalid,
              base::cat(files.front().path, ": ", list, ": has no entry named \"", name, "\""));
}

std::vector<File> read_files(const std::vector<std::string>& names) {
  std::vector<File> files;
  for (const std::string& name : names) {
    auto text = io::find_file(name);
    if (!text) continue;
    auto documents = parse_yaml(*text, name);
    if (documents.size() > 1)
      throw Error(Code::invalid, base::cat(name, ": must be one document, has ", documents.size()));
    if (documents.empty()) continue;
    if (!documents[0].value.is_object())
      throw Error(Code::invalid, base::cat(name, ": is not a kubeconfig: a mapping is expected"));
    files.push_back({name, std::move(documents[0].value)});
  }
  if (files.empty())
    throw Error(Code::not_found, base::cat("no kubeconfig: ", base::join(names, ", "),
                                           " does not exist; set KUBECONFIG or --kubeconfig"));
  return files;
}

void read_cluster(const Entry& cluster, Config& config) {
  config.server = cluster.text("server");
  if (config.server.empty()) refuse(*cluster.file, cluster.where + ".server", "is required");
  cluster.refuse_field("proxy-url",
                       "proxies are not supported; give a server that is reached directly");
  config.tls.ca_pem = cluster.pem("certificate-authority");
  config.tls.insecure_skip_verify = cluster.flag("insecure-skip-tls-verify");
  config.tls.server_name = cluster.text("tls-server-name");
}

void read_user(const Entry& user, Config& config) {
  constexpr std::string_view instead =
      "is not supported; use a client certificate, token or tokenFile";
  for (std::string_view key : {"exec", "auth-provider", "username", "password"})
    user.refuse_field(key, instead);
  for (std::string_view key : {"as", "as-uid", "as-groups", "as-user-extra"})
    user.refuse_field(key, "impersonation is not supported");
  config.token = base::Secret(user.text("token"));
  config.token_file = user.path("tokenFile");
  std::string certificate = user.pem("client-certificate");
  std::string key = user.pem("client-key");
  if (certificate.empty() != key.empty())
    refuse(*user.file, user.where, "client-certificate and client-key go together; one is missing");
  if (!certificate.empty())
    config.tls.identity = io::Identity{std::move(certificate), base::Secret(std::move(key))};
}

}  // namespace

Config load_kubeconfig(const std::vector<std::string>& names, const std::string& context) {
  const std::vector<File> files = read_files(names);
  Config config;
  config.context = context;
  for (const File& file : files)
    if (config.context.empty()) config.context = base::text_at(file.content, {"current-context"});
  if (config.context.empty())
    throw Error(Code::invalid, base::cat(files[0].path,
                                         ": current-context: is not set; name one "
                                         "with --context"));
  const Entry chosen = find_entry(files, "contexts", "context", config.context);
  if (std::string ns = chosen.text("namespace"); !ns.empty()) config.ns = std::move(ns);
  read_cluster(find_entry(files, "clusters", "cluster", chosen.text("cluster")), config);
  if (const std::string user = chosen.text("user"); !user.empty())
    read_user(find_entry(files, "users", "user", user), config);
  return config;
}

std::vector<std::string> kubeconfig_files(const std::string& environment, const std::string& home) {
  std::vector<std::string> files;
  for (std::string& file : base::split(environment, ':'))
    if (!file.empty()) files.push_back(std::move(file));
  if (files.empty()) files.push_back(home + "/.kube/config");
  return files;
}

Config in_cluster(const std::string& host, const std::string& port, const std::string& folder) {
  if (host.empty() || port.empty())
    throw Error(Code::not_found,
                "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  const bool is_ipv6 = host.find(':') != host.npos;
  Config config;
  config.server = base::cat("https://", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", ":", port);
  config.tls.ca_pem = io::read_file(folder + "/ca.crt");
  config.token_file = folder + "/token";
  if (auto ns = io::find_file(folder + "/namespace")) config.ns = std::string(base::trim(*ns));
  config.context = "in-cluster";
  return config;
}

}  // namespace kube
