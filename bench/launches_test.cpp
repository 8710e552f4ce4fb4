// How many programs are started on a run's way to its agent: a home of the shipped program, asked
// of the kernel. Needs root, crun, and the machine's first namespaces.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <set>

#include "base/text.h"
#include "io/crypto.h"
#include "io/process.h"
#include "kube/client.h"
#include "objects/kinds.h"
#include "process_events.h"
#include "support/temp_directory.h"

namespace bench {
namespace {

using base::cat;
using base::Json;

constexpr double patience_ms = 60'000;

struct Home {
  test::TempDirectory folder;
  std::string state = folder / "home", node = cat("launches-", ::getpid());
  io::Loop loop;
  io::SystemClock clock{loop};
  std::unique_ptr<kube::Client> api;

  Home() {
    ::chmod(folder.path().c_str(), 0711);  // the home's users have theirs below it
    sympozium({"up", "--detach", "--state", state, "--node-name", node});
    api = std::make_unique<kube::Client>(
        loop, clock, kube::make_endpoint(kube::load_kubeconfig({state + "/admin.kubeconfig"})));
    create(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"key","namespace":"default",
      "annotations":{"sympozium.ai/use":"provider","sympozium.ai/hosts":"127.0.0.1:9"}}})");
    create(R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"SkillPack",
      "metadata":{"name":"tools","namespace":"default"},
      "spec":{"skills":[{"name":"a","content":"b"}],"sidecar":{"image":"sympozium/tools"}}})");
    create(R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"Agent",
      "metadata":{"name":"first","namespace":"default"},"spec":{"agents":{"default":{"model":"m"}}}})");
  }
  ~Home() { sympozium({"down", "--state", state}); }

  void sympozium(std::vector<std::string> words) {
    io::ProcessSpec spec;
    spec.argv = {SYMPOZIUM_PROGRAM};
    spec.argv.insert(spec.argv.end(), words.begin(), words.end());
    spec.fds = {{2, 2}};
    io::Process process(loop, spec);
    EXPECT_EQ(loop.run(process.wait()), 0) << words.front();
  }
  void create(std::string_view text) {
    Json object = base::parse_json(text);
    const auto* kind = objects::find_kind_of(base::text_at(object, {"apiVersion"}),
                                             base::text_at(object, {"kind"}));
    kube::Ref ref = kube::ref_of(*kind, object);
    loop.run(api->create(std::move(ref), std::move(object), {}));
  }
  void create_run(const std::string& name, std::string_view skills) {
    create(cat(R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"AgentRun","metadata":{"name":")",
               name, R"(","namespace":"default"},
      "spec":{"agentRef":"first","agentId":"first","sessionKey":"s","task":"t","skills":)",
               skills,
               R"(,"model":{"provider":"openai","model":"m","baseURL":"http://127.0.0.1:9/v1",
      "authSecretRef":"key"}}})"));
  }
  // The shim and what it has started so far: control, gateway, node.
  std::set<int> processes() {
    const auto shim = base::parse_int(base::trim(io::read_file(state + "/lock"))).value();
    std::set<int> all{static_cast<int>(shim)};
    const std::string children = io::read_file(cat("/proc/", shim, "/task/", shim, "/children"));
    for (const auto& pid : base::split(base::trim(children), ' '))
      all.insert(static_cast<int>(base::parse_int(pid).value()));
    return all;
  }
};

struct Launches : testing::Test {
  std::optional<ProcessEvents> events;

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    io::init_crypto();
    try {
      events.emplace();
    } catch (const base::Error& error) {
      GTEST_SKIP() << error.what();
    }
  }
  // From the POST to the agent's exec, by any process of a home that does nothing else.
  int launches_of_run(std::string_view skills) {
    Home home;
    const auto ours = home.processes();
    const Program agent{"/bin/sympozium-runner", cat("/sympozium/", home.node, "/")};
    events->forget();
    home.create_run("run", skills);
    for (int launches = 0;;) {
      const ProcessEvent event = events->next(now_ms() + patience_ms);
      if (event.what == ProcessEvent::What::fork && ours.contains(event.parent)) ++launches;
      if (is(agent, event)) return launches;
    }
  }
};

TEST_F(Launches, TwoForBridgeAndAgent) { EXPECT_EQ(launches_of_run("[]"), 2); }

TEST_F(Launches, OneMoreForAToolSidecar) {
  EXPECT_EQ(launches_of_run(R"([{"skillPackRef":"tools"}])"), 3);
}

}  // namespace
}  // namespace bench
