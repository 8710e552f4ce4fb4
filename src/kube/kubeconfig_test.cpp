#include "kube/kubeconfig.h"

#include <gtest/gtest.h>

#include "io/file.h"
#include "kube/client.h"
#include "support/temp_directory.h"

namespace kube {
namespace {

constexpr std::string_view whole = R"(
apiVersion: v1
kind: Config
current-context: one
contexts:
- {name: one, context: {cluster: c, user: u, namespace: demo}}
- {name: two, context: {cluster: c, user: v}}
clusters:
- name: c
  cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: Y2E=}
users:
- {name: u, user: {client-certificate-data: Y2VydA==, client-key: keys/u.key}}
- {name: v, user: {tokenFile: token}}
)";

std::string complaint(const std::vector<std::string>& files, const std::string& context = {}) {
  try {
    load_kubeconfig(files, context);
  } catch (const base::Error& error) {
    return error.what();
  }
  return "nothing";
}

TEST(Kubeconfig, TakesTheCurrentContextWithCertificatesInlineAndInFiles) {
  test::TempDirectory home;
  io::make_directories(home / "keys", 0700);
  io::write_file(home / "keys/u.key", "key", 0600);
  io::write_file(home / "config", whole, 0600);
  const Config config = load_kubeconfig({home / "config"});
  EXPECT_EQ(config.server, "https://127.0.0.1:6443");
  EXPECT_EQ(config.ns, "demo");
  EXPECT_EQ(config.tls.ca_pem, "ca");
  ASSERT_TRUE(config.tls.identity);
  EXPECT_EQ(config.tls.identity->certificate_pem, "cert");
  EXPECT_EQ(config.tls.identity->key_pem.reveal(), "key");
}

TEST(Kubeconfig, TakesAnotherContextByName) {
  test::TempDirectory home;
  io::write_file(home / "config", whole, 0600);
  const Config config = load_kubeconfig({home / "config"}, "two");
  EXPECT_EQ(config.token_file, home / "token");
  EXPECT_EQ(config.ns, "default");
  EXPECT_FALSE(config.tls.identity);
}

TEST(Kubeconfig, JoinsAListOfFilesTheFirstWins) {
  test::TempDirectory home;
  io::write_file(home / "a", "current-context: two\n", 0600);
  io::write_file(home / "b", whole, 0600);
  EXPECT_EQ(load_kubeconfig({home / "a", home / "missing", home / "b"}).context, "two");
  EXPECT_EQ(kubeconfig_files("x::y", "/home"), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(kubeconfig_files("", "/home"), (std::vector<std::string>{"/home/.kube/config"}));
}

TEST(Kubeconfig, RefusesWhatItCannotHonour) {
  test::TempDirectory home;
  io::write_file(home / "config",
                 "current-context: one\n"
                 "contexts: [{name: one, context: {cluster: c, user: u}}]\n"
                 "clusters: [{name: c, cluster: {server: 'https://x'}}]\n"
                 "users: [{name: u, user: {exec: {command: aws}}}]\n",
                 0600);
  EXPECT_EQ(complaint({home / "config"}),
            home / "config" +
                ": users[u].user.exec: is not supported; use a client certificate, "
                "token or tokenFile");
  EXPECT_EQ(complaint({home / "config"}, "nope"),
            home / "config" + ": contexts: has no entry named \"nope\"");
  EXPECT_NE(complaint({home / "absent"}).find("set KUBECONFIG"), std::string::npos);
}

TEST(Kubeconfig, ReadsAPodsServiceAccount) {
  test::TempDirectory folder;
  io::write_file(folder / "ca.crt", "ca", 0600);
  io::write_file(folder / "namespace", "sympozium-system\n", 0600);
  const Config config = in_cluster("fd00::1", "443", folder.path());
  EXPECT_EQ(config.server, "https://[fd00::1]:443");
  EXPECT_EQ(config.ns, "sympozium-system");
  EXPECT_EQ(config.token_file, folder / "token");
}

TEST(Kubeconfig, SaysWhatAPodsServiceAccountLacks) {
  test::TempDirectory folder;
  try {
    in_cluster("", "443", folder.path());
    ADD_FAILURE();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::Code::not_found);
    EXPECT_NE(std::string(error.what()).find("KUBERNETES_SERVICE_HOST"), std::string::npos);
  }
  try {
    in_cluster("10.0.0.1", "443", folder.path());
    ADD_FAILURE();
  } catch (const base::Error& error) {
    EXPECT_NE(std::string(error.what()).find(folder / "ca.crt"), std::string::npos) << error.what();
  }
}

TEST(Endpoint, KeepsCredentialsOffPlainHttp) {
  Config config{.server = "http://127.0.0.1:8001/prefix/"};
  config.token = base::Secret<std::string>("t");
  const Endpoint endpoint = make_endpoint(config);
  EXPECT_EQ(endpoint.host, "127.0.0.1:8001");
  EXPECT_EQ(endpoint.prefix, "/prefix");
  EXPECT_EQ(endpoint.token.reveal(), "");
  EXPECT_THROW(make_endpoint(Config{.server = "tcp://x"}), base::Error);
  EXPECT_THROW(make_endpoint(Config{.server = "https://x:0"}), base::Error);
}

}  // namespace
}  // namespace kube
