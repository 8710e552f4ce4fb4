#include "fields/world.h"

#include "apiserver/fake_exchange.h"
#include "base/text.h"
#include "contract/provider.h"
#include "gateway/server.h"
#include "io/blocking.h"
#include "journal/sqlite_journal.h"
#include "kube/client.h"
#include "loops/job_loop.h"
#include "modelsim/server.h"
#include "objects/secret.h"
#include "objects/service_account.h"
#include "protocol/names.h"
#include "reconcilers/manager.h"
#include "reconcilers/writer.h"
#include "support/temp_directory.h"

namespace fields {

namespace {

constexpr base::Duration patience{20'000};
const std::string ns = "default";

class OnlyErrors final : public base::Log {
  void write(base::Level level, std::string_view message, const Fields& fields) override {
    if (level < base::Level::error) return;
    std::string line(message);
    for (const auto& [key, value] : fields) line += base::cat(" ", key, "=", value);
    std::fprintf(stderr, "%s\n", line.c_str());
  }
};

constexpr char script[] = R"(
conversations:
  - task: read it
    steps:
      - tool_calls: [{name: read_file, arguments: {path: /workspace/a}}]
        usage: {prompt_tokens: 30, completion_tokens: 12}
      - text: done
        usage: {prompt_tokens: 50, completion_tokens: 3}
  - task: count it
    steps:
      - tool_calls: [{name: count_words, arguments: {path: a.txt, lines: 3}}]
    forever: true
  - steps: [{text: done}]
    forever: true
)";

}  // namespace

struct World::Impl {
  test::TempDirectory directory;
  io::Loop loop;
  io::SystemClock clock{loop};
  io::SystemRandom random;
  OnlyErrors log;
  io::BlockingPool pool;
  std::unique_ptr<contract::Provider> server = contract::make_own_provider(loop, clock, random);
  kube::Client api{loop, clock,
                   kube::make_endpoint(
                       kube::load_kubeconfig({server->kubeconfig("admin", {"system:masters"})}))};

  Asked asked;
  modelsim::Simulator simulator{clock, modelsim::parse_script(script, "script"),
                                [](std::string_view) {}};
  io::HttpServer provider{
      loop, clock, log, {}, [this](io::Exchange& exchange) { return answer(exchange); }};
  std::unique_ptr<io::Listener> listener = io::listen_tcp(loop, "127.0.0.1", 0);

  journal::SqliteJournal journal{
      loop, clock, pool, directory / "journal.db", {gateway::outbox_status}};
  gateway::Gateway gateway{loop, clock, random, log, journal, api, {}};
  reconcilers::Manager manager{loop, clock, random, log, api, {}};
  controller::Metrics metrics;
  loops::JobLoop jobs{loop, clock, random, log, metrics, api};
  int names = 0;
  io::TaskGroup tasks{loop};

  Impl() {
    tasks.spawn("provider", provider.serve(*listener, nullptr));
    tasks.spawn("gateway", gateway.run());
    tasks.spawn("manager", manager.run());
    tasks.spawn("jobs", jobs.run());
  }
  ~Impl() {
    tasks.stop();
    loop.run(tasks.join());
  }

  io::Task<> answer(io::Exchange& exchange) {
    std::string body = co_await exchange.body(1 << 20);
    asked = {exchange.target(), std::string(exchange.headers().get("Authorization")),
             base::parse_json(body)};
    apiserver::FakeExchange again(exchange.method(), "/v1/chat/completions", std::move(body));
    auto handler = simulator.handler();
    co_await handler(again);
    io::Response response{again.status, again.response_headers, again.text};
    co_await exchange.respond(std::move(response));
  }

  // Looks now, then at each change, until `holds`.
  io::Task<> wait(kube::Ref ref, std::function<bool(const base::Json&)> holds) {
    const std::string name = std::exchange(ref.name, "");
    kube::ListOptions all{.field_selector = "metadata.name=" + name};
    kube::Page page = co_await api.list(ref, all);
    if (!page.items.empty() && holds(page.items[0])) co_return;
    kube::WatchOptions options{.field_selector = all.field_selector,
                               .resource_version = page.resource_version};
    auto stream = co_await api.watch(ref, options);
    while (auto event = co_await stream->next()) {
      const bool is_there = event->type == kube::WatchEvent::Type::added ||
                            event->type == kube::WatchEvent::Type::modified;
      if (is_there && holds(event->object)) co_return;
    }
    throw base::Error(base::Code::timeout, "the watch of " + name + " ended");
  }
};

World::World() : impl_(std::make_unique<Impl>()) {}
World::~World() = default;

std::string World::unique(const std::string& name) { return base::cat(name, "-", ++impl_->names); }

base::Json World::create(const schema::KindInfo& kind, base::Json manifest) {
  kube::Ref ref{&kind, ns, "", ""};
  return impl_->loop.run(impl_->api.create(ref, std::move(manifest), {}));
}

base::Json World::fetch(const schema::KindInfo& kind, const std::string& name,
                        kube::Detail detail) {
  kube::Ref ref{&kind, ns, name, ""};
  return impl_->loop.run(impl_->api.get(ref, {.detail = detail}));
}

std::vector<base::Json> World::row(const schema::KindInfo& kind, const std::string& name) {
  const base::Json table = fetch(kind, name, kube::Detail::table);
  const auto& cells = table.at("rows").at(0).at("cells").as_array();
  return {cells.begin() + 1, cells.end()};
}

void World::wait(const schema::KindInfo& kind, const std::string& name,
                 const std::function<bool(const base::Json&)>& holds) {
  kube::Ref ref{&kind, ns, name, ""};
  auto waiting = impl_->wait(ref, holds);
  impl_->loop.run(io::within(impl_->clock, patience, "waiting for " + name, std::move(waiting)));
}

std::string World::make_secret(const objects::TextMap& keys) {
  objects::Secret secret;
  secret.metadata.name = "key";
  secret.metadata.annotations = {
      {"sympozium.ai/use", "provider"},
      {"sympozium.ai/hosts", base::cat("127.0.0.1:", impl_->listener->port())}};
  secret.stringData = keys;
  return make(secret).metadata.name;
}

Started World::start(objects::AgentRun run) {
  Started out;
  const objects::AgentRun made = make(std::move(run));
  out.run = until<objects::AgentRun>(made, [](const objects::AgentRun& now) {
    return !now.status.podUID.empty() || objects::is_terminal(now.status.phase);
  });
  EXPECT_EQ(out.run.status.error, "");
  objects::TokenRequest wanted;
  wanted.spec.audiences = {std::string(protocol::audience_gateway)};
  wanted.spec.boundObjectRef = objects::BoundObjectReference{.kind = "Pod",
                                                             .apiVersion = "v1",
                                                             .name = out.run.status.podName,
                                                             .uid = out.run.status.podUID};
  base::Json request = reconcilers::to_manifest(wanted);
  kube::Ref ref{&objects::ServiceAccount::info, ns, std::string(protocol::service_account_run),
                "token"};
  const base::Json issued = impl_->loop.run(impl_->api.create(ref, std::move(request), {}));
  out.token = base::text_at(issued, {"status", "token"});
  return out;
}

namespace {

void sign(apiserver::FakeExchange& exchange, const Started& from) {
  exchange.request_headers.set("Authorization", "Bearer " + from.token);
  exchange.request_headers.set(protocol::header_protocol,
                               std::to_string(protocol::protocol_version));
  if (!from.execution.empty())
    exchange.request_headers.set(protocol::header_execution, from.execution);
}

}  // namespace

std::string World::ask(const Started& from, const std::string& path, const std::string& body) {
  apiserver::FakeExchange exchange("POST", path, body);
  sign(exchange, from);
  auto handler = impl_->gateway.handler();
  impl_->loop.run(handler(exchange));
  EXPECT_EQ(exchange.status, 200) << exchange.text;
  return exchange.text;
}

int World::status_of(const Started& from, const std::string& path, const std::string& body) {
  apiserver::FakeExchange exchange("POST", path, body);
  sign(exchange, from);
  auto handler = impl_->gateway.handler();
  impl_->loop.run(handler(exchange));
  return exchange.status;
}

protocol::Welcome World::hello(Started& started) {
  const auto welcome = protocol::from_text<protocol::Welcome>(
      ask(started, "/v1/hello", protocol::to_text(protocol::Hello{"test"})));
  started.execution = base::cat(welcome.attempt, ".", welcome.execution);
  return welcome;
}

protocol::TurnResult World::turn(const Started& started, protocol::Turn turn) {
  const std::string lines = ask(started, "/v1/turn", protocol::to_text(turn));
  const auto last = base::split(base::trim(lines), '\n').back();
  const auto event = protocol::from_text<protocol::TurnEvent>(last);
  if (event.result) return *event.result;
  ADD_FAILURE() << lines;
  return {};
}

std::string World::provider_url(const std::string& path) const {
  return base::cat("http://127.0.0.1:", impl_->listener->port(), path);
}

const Asked& World::asked() const { return impl_->asked; }

// ---- one for all ----

namespace {

std::unique_ptr<World>& place() {
  static std::unique_ptr<World> the;
  return the;
}

class EndOfWorld final : public testing::Environment {
  void TearDown() override { place().reset(); }
};
[[maybe_unused]] const auto* const environment = testing::AddGlobalTestEnvironment(new EndOfWorld);

}  // namespace

World& world() {
  if (!place()) place() = std::make_unique<World>();
  return *place();
}

}  // namespace fields
