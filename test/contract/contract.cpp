#include "contract/contract.h"

#include "base/text.h"
#include "io/tls.h"
#include "kube/kubeconfig.h"

namespace contract {

namespace {

constexpr base::Duration deadline{20'000};

struct Host {
  std::string ip;
  std::uint16_t port;
};

Host host_of(const std::string& server) {
  auto rest = std::string_view(server).substr(std::string_view("https://").size());
  auto colon = rest.rfind(':');
  return {std::string(rest.substr(0, colon)),
          std::uint16_t(*base::parse_int(rest.substr(colon + 1)))};
}

// One process holds one server against the contract; a case is told from another by its namespace.
struct World {
  io::Loop loop;
  io::SystemClock clock{loop};
  io::SystemRandom random;
  std::unique_ptr<Provider> provider = make_provider(loop, clock, random);
  std::map<std::string, std::unique_ptr<io::HttpClient>> clients;

  io::HttpClient& client(const std::string& user, const std::vector<std::string>& groups,
                         bool anonymous) {
    auto& client = clients[anonymous ? "" : user];
    if (client) return *client;
    auto config = kube::load_kubeconfig({provider->kubeconfig(user, groups)});
    if (anonymous) config.tls.identity.reset();
    auto host = host_of(config.server);
    if (config.tls.server_name.empty()) config.tls.server_name = host.ip;
    auto dialer = io::tls_dialer(io::tcp_dialer(host.ip, host.port), io::make_context(config.tls));
    client = std::make_unique<io::HttpClient>(loop, clock, std::move(dialer),
                                              base::cat(host.ip, ":", host.port));
    return *client;
  }
};

World& world() {
  static World* const the = new World;  // ended by the environment below
  return *the;
}

class EndOfWorld final : public testing::Environment {
  void TearDown() override {
    world().clients.clear();
    world().provider.reset();
  }
};
[[maybe_unused]] const auto* const environment = testing::AddGlobalTestEnvironment(new EndOfWorld);

io::Task<Answer> send(io::HttpClient& client, io::Request request) {
  auto response = co_await client.send(std::move(request), deadline);
  Answer answer{response.status, {}, response.body, response.headers};
  if (answer.text.starts_with('{')) answer.body = base::parse_json(answer.text);
  co_return answer;
}

io::Request make_request(const std::string& method, const std::string& path,
                         const std::string& body, const Headers& headers) {
  io::Request request{method, path, {}, body};
  request.headers.set("Accept", headers.accept);
  if (!body.empty()) request.headers.set("Content-Type", headers.type);
  if (!headers.token.empty()) request.headers.set("Authorization", "Bearer " + headers.token);
  for (const auto& [name, value] : headers.more) request.headers.add(name, value);
  return request;
}

}  // namespace

Json OpenWatch::next() {
  auto read = [](OpenWatch& self) -> io::Task<Json> {
    for (;;) {
      if (auto line = self.lines_.next()) co_return base::parse_json(*line);
      auto piece = co_await self.stream_->next();
      if (!piece) co_return Json();
      self.lines_.add(*piece);
    }
  };
  return loop_.run(
      io::within(clock_, base::Duration(10'000), "next event of a watch", read(*this)));
}

std::vector<std::string> OpenWatch::next_names(std::size_t count) {
  std::vector<std::string> names;
  while (names.size() < count) {
    auto event = next();
    if (event.is_null()) break;
    names.push_back(
        base::cat(text_at(event, {"type"}), " ", text_at(event, {"object", "metadata", "name"})));
  }
  return names;
}

Contract::Contract() {
  ns_ = "contract-" + base::random_suffix(world().random, 8);
  auto made = create("/api/v1/namespaces", JsonObject{{"apiVersion", "v1"},
                                                      {"kind", "Namespace"},
                                                      {"metadata", JsonObject{{"name", ns_}}}});
  EXPECT_EQ(made.status, 201) << made.text;
  EXPECT_TRUE(
      eventually([&] { return ask("GET", path("serviceaccounts") + "/default").status == 200; }));
}

Contract::~Contract() {
  be_admin();
  ask("DELETE", "/api/v1/namespaces/" + ns_);
}

io::Loop& Contract::loop() { return world().loop; }
Provider& Contract::provider() { return *world().provider; }

io::HttpClient& Contract::client() { return world().client(user_, groups_, anonymous_); }

void Contract::be(const std::string& user, const std::vector<std::string>& groups) {
  user_ = user;
  groups_ = groups;
  anonymous_ = false;
}

void Contract::be_nobody() {
  be_admin();
  anonymous_ = true;
}

Answer Contract::ask(const std::string& method, const std::string& target, const std::string& body,
                     const Headers& headers) {
  return loop().run(send(client(), make_request(method, target, body, headers)));
}

Answer Contract::create(const std::string& collection, const Json& object) {
  return ask("POST", collection, base::to_text(object));
}

Answer Contract::merge(const std::string& target, const std::string& patch) {
  return ask("PATCH", target, patch, {"application/merge-patch+json"});
}

std::unique_ptr<OpenWatch> Contract::watch(const std::string& target, const Headers& headers) {
  auto stream = loop().run(client().open(make_request("GET", target, "", headers), deadline));
  return std::make_unique<OpenWatch>(loop(), world().clock, std::move(stream));
}

Contract::Result Contract::kubectl(std::vector<std::string> arguments, std::string input) {
  io::ProcessSpec spec;
  spec.argv = {find_kubectl(),
               "--kubeconfig",
               provider().kubeconfig(user_, groups_),
               "-n",
               ns_,
               "--cache-dir",
               "/tmp/contract-kubectl-cache-" + std::to_string(getpid())};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  spec.env = {"HOME=/nonexistent", "PATH=/usr/bin:/bin"};
  auto result = loop().run(
      io::run_command(loop(), world().clock, spec, std::move(input), base::Duration(60'000)));
  return {result.code, result.out, result.err};
}

std::string Contract::path(const std::string& collection) const {
  static const std::map<std::string, std::string> roots{
      {"jobs", "/apis/batch/v1"},
      {"leases", "/apis/coordination.k8s.io/v1"},
      {"roles", "/apis/rbac.authorization.k8s.io/v1"},
      {"rolebindings", "/apis/rbac.authorization.k8s.io/v1"},
      {"agents", "/apis/sympozium.ai/v1alpha1"},
      {"agentruns", "/apis/sympozium.ai/v1alpha1"},
      {"skillpacks", "/apis/sympozium.ai/v1alpha1"}};
  auto root = roots.find(collection);
  return base::cat(root == roots.end() ? "/api/v1" : root->second, "/namespaces/", ns_, "/",
                   collection);
}

bool Contract::eventually(const std::function<bool()>& done, base::Duration limit) {
  auto& clock = world().clock;
  for (auto end = clock.steady() + limit; clock.steady() < end;) {
    if (done()) return true;
    loop().run(io::sleep(clock, base::Duration(20)));
  }
  return false;
}

Json make_config_map(const std::string& name, JsonObject data) {
  return JsonObject{{"apiVersion", "v1"},
                    {"kind", "ConfigMap"},
                    {"metadata", JsonObject{{"name", name}}},
                    {"data", std::move(data)}};
}

Json make_pod(const std::string& name) {
  return base::parse_json(
      base::cat(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")", name,
                R"("},"spec":{"automountServiceAccountToken":false,"schedulerName":"nobody",)"
                R"("containers":[{"name":"main","image":"busybox:1"}]}})"));
}

Json make_job(const std::string& name) {
  return base::parse_json(
      base::cat(R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":")", name,
                R"("},"spec":{"template":{"spec":{"automountServiceAccountToken":false,)"
                R"("schedulerName":"nobody","restartPolicy":"Never",)"
                R"("containers":[{"name":"main","image":"busybox:1"}]}}}})"));
}

}  // namespace contract
