#include "sim/house.h"

#include <cstdio>
#include <cstdlib>

#include "base/text.h"
#include "faults/story.h"
#include "objects/agent_run.h"
#include "objects/kinds.h"
#include "objects/node.h"
#include "objects/service_account.h"
#include "protocol/names.h"

namespace sim {

using base::cat;
using base::Json;
using base::JsonObject;
using base::text_at;

namespace {

const std::string ns = "demo";
constexpr base::Duration patience{2 * 60 * 60'000}, real_patience{60'000};
constexpr base::Duration restart_pause{500};  // of an agent in its pod

class VirtualGround final : public Ground {
 public:
  base::Clock& clock() override { return clock_; }
  void until(const std::string& what, Chores& chores, const std::function<bool()>& holds) override {
    const base::Instant end = clock_.steady() + patience;
    for (;;) {
      do loop.run_ready();
      while (chores.run());
      if (holds()) return;
      if (clock_.steady() >= end || !clock_.advance_to_next())
        throw base::Error(base::Code::timeout, "it never came: " + what);
    }
  }

 private:
  test::VirtualClock clock_;
};

class RealGround final : public Ground {
 public:
  base::Clock& clock() override { return clock_; }
  void until(const std::string& what, Chores& chores, const std::function<bool()>& holds) override {
    const base::Instant end = clock_.steady() + real_patience;
    while (!holds()) {
      if (clock_.steady() >= end) throw base::Error(base::Code::timeout, "it never came: " + what);
      loop.run(io::sleep(clock_, base::Duration(1)));
      while (chores.run()) {}
    }
  }

 private:
  io::SystemClock clock_{loop};
};

// Everything that a run names, before the first one.
apiserver::History furnished() {
  static const apiserver::History known = [] {
    const auto ground = make_virtual_ground();
    test::SeededRandom random(2);
    House::StoryLog log(ground->clock());
    faults::Server server(ground->loop, ground->clock(), random, log, {});
    const auto hand = server.client("hand");
    const auto create = [&](const std::string& text) {
      Json object = base::parse_json(text);
      const auto* kind =
          objects::find_kind_of(text_at(object, {"apiVersion"}), text_at(object, {"kind"}));
      if (kind->plural != "namespaces" && kind->plural != "nodes")
        base::ensure(object, {"metadata", "namespace"}) = ns;
      kube::Ref ref = kube::ref_of(*kind, object);
      ground->loop.run(hand->create(std::move(ref), std::move(object), {}));
    };
    create(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"demo"}})");
    create(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"node"}})");
    ground->loop.run(
        hand->patch({&objects::Node::info, "", "node", "status"}, faults::node_ready(), {}));
    create(cat(R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":")",
               protocol::service_account_run, R"("}})"));
    create(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"key","annotations":
      {"sympozium.ai/use":"provider","sympozium.ai/hosts":"127.0.0.1:9411"}},
      "stringData":{"API_KEY":"x"}})");
    create(R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"SkillPack","metadata":{"name":"tools"},
      "spec":{"skills":[{"name":"looking","content":"Look."}],"sidecar":{"image":"sympozium/tools","tools":[
        {"name":"note","description":"Notes.","exec":["note"],"positionalArgs":["text"],
         "parameters":{"type":"object","required":["text"],"properties":{"text":{"type":"string"}}}},
        {"name":"look","description":"Looks.","exec":["look"],"positionalArgs":["what"],"idempotent":true,
         "parameters":{"type":"object","required":["what"],"properties":{"what":{"type":"string"}}}}]}}})");
    create(R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"Agent","metadata":{"name":"first"},
      "spec":{"agents":{"default":{"model":"sim-1","baseURL":"http://127.0.0.1:9411/v1"}},
              "authRefs":[{"provider":"openai","secret":"key"},{"provider":"anthropic","secret":"key"}],
              "skills":[{"skillPackRef":"tools"}]}})");
    return server.snapshot();
  }();
  return known;
}

}  // namespace

bool Chores::run() {
  const auto now = std::exchange(waiting_, {});
  for (const auto& chore : now) chore();
  bool any = !now.empty();
  for (const auto& chore : lasting_) any |= chore();
  return any;
}

std::unique_ptr<Ground> make_virtual_ground() { return std::make_unique<VirtualGround>(); }
std::unique_ptr<Ground> make_real_ground() { return std::make_unique<RealGround>(); }

void House::StoryLog::write(base::Level, std::string_view message, const Fields& fields) {
  static const bool is_wanted = std::getenv("SIM_LOG");
  if (!is_wanted) return;
  std::string line(message);
  for (const auto& [key, value] : fields) line += cat(" ", key, "=", value);
  std::fprintf(stderr, "%s %s\n", base::format_time_millis(clock_.now()).c_str(), line.c_str());
}

struct House::GatewayProcess {
  GatewayProcess(House& house, int number)
      : client(house.server.client("gateway")),
        api(house.wrap_api ? house.wrap_api(*client) : nullptr),
        inner(house.make_journal_ ? house.make_journal_(house)
                                  : std::make_unique<DiskJournal>(house.disk)),
        journal(house.clock, *inner, house.book, number, house.plan_append, house.is_journal_away,
                [&house] { house.kill_gateway(); }),
        gateway(house.loop, house.clock, house.random, house.log, journal, api ? *api : *client,
                settings(house, number)),
        http(house.loop, house.clock, house.log, {}, gateway.handler()),
        tasks(house.loop) {
    tasks.spawn("gateway", run(house));
    house.gateway_port.open(http, tasks);
  }
  // What it cannot go on with ends the process; it is started again.
  io::Task<> run(House& house) {
    try {
      co_await gateway.run();
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
      house.log.error("the gateway ends", {{"error", error.what()}});
      house.kill_gateway();
    }
  }
  static gateway::Settings settings(House& house, int number) {
    gateway::Settings out = house.gateway_settings;
    out.provider.dialer = [&house, number](const std::string&, std::uint16_t) {
      return house.model.port.dialer(std::to_string(number));
    };
    return out;
  }

  std::unique_ptr<kube::Client> client;
  std::unique_ptr<kube::Api> api;
  std::unique_ptr<journal::Journal> inner;
  Witness journal;
  gateway::Gateway gateway;
  io::HttpServer http;
  io::TaskGroup tasks;
};

House::House(Setting setting)
    : ground_(std::move(setting.ground)),
      make_journal_(std::move(setting.journal)),
      loop(ground_->loop),
      clock(ground_->clock()),
      random(setting.seed),
      log(clock),
      server(loop, clock, random, log, furnished()),
      ledger(server.store(), server.catalog()),
      disk(clock),
      model(loop, clock, log),
      gateway_port(clock),
      hand_(server.client("hand")) {
  start_gateway();
}

House::~House() {
  pods_.clear();
  gateway_port.shut();
  if (gateway_) {
    gateway_->tasks.stop();
    loop.run(gateway_->tasks.join());
  }
  gateway_.reset();
}

// ---- the gateway ----

void House::start_gateway() {
  if (!make_journal_) disk.open();
  gateway_ = std::make_unique<GatewayProcess>(*this, ++gateways_);
}

void House::kill_gateway() {
  if (std::exchange(gateway_dies_, true)) return;
  chores.add([this] {
    gateway_port.shut();
    gateway_->tasks.stop();
    loop.run(gateway_->tasks.join());
    gateway_.reset();
    start_gateway_later();
  });
}

// As often as it takes: its journal may be away.
void House::start_gateway_later() {
  clock.call_after(gateway_rest, [this] {
    chores.add([this] {
      try {
        start_gateway();
        gateway_dies_ = false;
      } catch (const base::Error& error) {
        log.error("no gateway", {{"error", error.what()}});
        start_gateway_later();
      }
    });
  });
}

journal::Journal& House::journal() { return *gateway_->inner; }

// ---- by hand ----

void House::create(Json object) {
  const auto* kind =
      objects::find_kind_of(text_at(object, {"apiVersion"}), text_at(object, {"kind"}));
  kube::Ref ref = kube::ref_of(*kind, object);
  run(hand_->create(std::move(ref), std::move(object), {}));
}

Started House::make_run(const std::string& task, Agent agent, const std::string& provider) {
  Started out{.name = cat("run-", ++names_), .agent = agent, .task = task};
  Json object = base::parse_json(
      R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"AgentRun","metadata":{"namespace":"demo"},
      "spec":{"agentRef":"first","agentId":"first","sessionKey":"s","skills":[{"skillPackRef":"tools"}],
              "model":{"model":"sim-1","baseURL":"http://127.0.0.1:9411/v1","authSecretRef":"key"}}})");
  base::ensure(object, {"metadata", "name"}) = out.name;
  base::ensure(object, {"spec", "task"}) = task;
  base::ensure(object, {"spec", "model", "provider"}) = provider;
  kube::Ref ref = faults::run_ref(ns, out.name);
  const Json made = run(hand_->create(std::move(ref), std::move(object), {}));
  out.uid = text_at(made, {"metadata", "uid"});
  record_pod(out);
  return out;
}

void House::record_pod(Started& of) {
  of.pod = cat(of.name, "-", ++of.attempt);
  Json pod = base::parse_json(
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"demo"},"spec":{"serviceAccountName":"sympozium-run","containers":[{"name":"agent","image":"i"}]}})");
  base::ensure(pod, {"metadata", "name"}) = of.pod;
  kube::Ref ref = faults::pod_ref(ns, of.pod);
  const Json made = run(hand_->create(std::move(ref), std::move(pod), {}));
  of.pod_uid = text_at(made, {"metadata", "uid"});
  kube::Ref status = faults::run_ref(ns, of.name);
  status.subresource = "status";
  Json patch = JsonObject{{"status", JsonObject{{"podUID", of.pod_uid}, {"attempt", of.attempt}}}};
  run(hand_->patch(std::move(status), std::move(patch), {}));
}

std::string House::make_token(const std::string& space, const std::string& account,
                              const std::string& pod, const std::string& pod_uid) {
  Json request{
      {"apiVersion", "authentication.k8s.io/v1"},
      {"kind", "TokenRequest"},
      {"spec",
       JsonObject{
           {"audiences", base::JsonArray{protocol::audience_gateway}},
           {"expirationSeconds", 24 * 60 * 60},
           {"boundObjectRef",
            JsonObject{{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", pod}, {"uid", pod_uid}}}}}};
  kube::Ref ref{&objects::ServiceAccount::info, space, account, "token"};
  const Json made = run(hand_->create(std::move(ref), std::move(request), {}));
  return text_at(made, {"status", "token"});
}

Pod& House::start_pod(const Started& of) {
  const std::string uid = of.pod_uid;
  const auto exited = [this, uid](int code) {
    if (code == 0) {
      over_[uid] = true;
      return;
    }
    clock.call_after(restart_pause, [this, uid] {
      chores.add([this, uid] {
        const auto pod = pods_.find(uid);
        if (pod == pods_.end()) return;
        pod->second->kill_agent();
        pod->second->start_agent();
      });
    });
  };
  const std::string token =
      make_token(ns, std::string(protocol::service_account_run), of.pod, of.pod_uid);
  PodFacts facts{.run = of.uid, .token = token, .task = of.task, .agent = of.agent};
  auto& pod = pods_[uid];
  pod = std::make_unique<Pod>(loop, clock, random, log, gateway_port, tools, std::move(facts),
                              exited);
  pod->start_bridge();
  pod->start_agent();
  return *pod;
}

Pod* House::find_pod(const Started& of) {
  const auto found = pods_.find(of.pod_uid);
  return found == pods_.end() ? nullptr : found->second.get();
}

void House::remove_pod(const Started& of) { pods_.erase(of.pod_uid); }

void House::remove_run(const Started& of) {
  remove_pod(of);
  for (auto attempt = of.attempt; attempt > 0; --attempt)
    run(hand_->remove(faults::pod_ref(ns, cat(of.name, "-", attempt)),
                      {.grace_period_seconds = 0}));
  run(hand_->remove(faults::run_ref(ns, of.name), {}));
}

void House::live(const Started& of) {
  start_pod(of);
  until(cat(of.name, " is over"), [&] { return is_over(of); });
  remove_pod(of);
}

void House::pass(base::Duration time) {
  auto over = std::make_shared<bool>(false);
  clock.call_after(time, [over] { *over = true; });
  until("that time passes", [&] { return *over; });
}

}  // namespace sim
