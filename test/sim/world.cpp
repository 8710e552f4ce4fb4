#include "sim/world.h"

#include "base/text.h"
#include "faults/faulty_api.h"
#include "faults/story.h"
#include "objects/agent_run.h"
#include "objects/job.h"
#include "objects/pod.h"

namespace sim {

using base::cat;
using base::Json;
using base::text_at;
using faults::Controllers;

namespace {

const std::string ns = "demo";
constexpr base::Duration horizon{90'000};  // after which nothing goes wrong any more
constexpr base::Duration rest{180'000};    // for everything that is late
constexpr std::int64_t runs_begin_within = 20'000;

std::vector<const schema::KindInfo*> collected() {
  return {&objects::AgentRun::info, &objects::Job::info, &objects::Pod::info};
}

// Of a condition that is true; "" without.
std::string reason_of(const Json& object, std::string_view condition) {
  if (const Json* all = base::find(object, {"status", "conditions"}))
    for (const Json& one : all->as_array())
      if (text_at(one, {"type"}) == condition && text_at(one, {"status"}) == "True")
        return text_at(one, {"reason"});
  return {};
}

bool is_over(const std::string& phase) { return phase == "Succeeded" || phase == "Failed"; }

std::vector<faults::Fault> draw(base::Random& chance, bool of_a_gateway) {
  std::vector<faults::Fault> some(base::random_below(chance, 4));
  for (auto& fault : some) {
    // A gateway dies in other ways; of a conflict it could not know that it is none.
    const auto place =
        faults::Place((of_a_gateway ? 1 : 0) + base::random_below(chance, of_a_gateway ? 2 : 3));
    const auto mishaps = faults::mishaps_at(place);
    fault.mishap = mishaps[base::random_below(chance, mishaps.size())];
    fault.at = 1 + base::random_below(chance, 40);
  }
  return some;
}

House::Setting setting_of(std::uint64_t seed) {
  House::Setting setting;
  setting.seed = seed;
  return setting;
}

}  // namespace

World::World(std::uint64_t seed)
    : house_(setting_of(seed)),
      chance_(seed ^ 0x9e3779b97f4a7c15),
      oracle_(house_),
      controllers_(one_in(4) ? Controllers::several : Controllers::one),
      rules_(house_.ledger, controllers_),
      loops_client_(house_.server.client("loops")),
      jobs_(house_.loop, house_.clock, house_.random, house_.log, metrics_, *loops_client_),
      binder_(house_.loop, house_.clock, house_.random, house_.log, metrics_, *loops_client_),
      collector_(house_.loop, house_.clock, house_.random, house_.log, metrics_, *loops_client_,
                 collected()),
      tasks_(house_.loop),
      gateway_plan_(draw(chance_, true)),
      kubelet_(house_, [this] { return up_to(2'000); }) {
  tasks_.spawn("jobs", jobs_.run());
  tasks_.spawn("binder", binder_.run());
  tasks_.spawn("collector", collector_.run());
  reconcilers::Config config;
  config.runs.retention = base::Duration(60 * 60'000);
  for (int i = controllers_ == Controllers::several ? 2 : 1; i > 0; --i) {
    brains_.push_back(std::make_unique<faults::Brain>(house_.loop, house_.clock, house_.random,
                                                      house_.log, house_.server, house_.ledger,
                                                      config, draw(chance_, false)));
    brains_.back()->plan().jitter(base::Duration(40), below(1'000'000));
    brains_.back()->plan().arm(house_.ledger.version());
  }
  house_.chores.add_lasting([this] {
    bool any = false;
    for (const auto& brain : brains_) any |= brain->revive();
    return any;
  });
  gateway_plan_.arm(house_.ledger.version());
  house_.wrap_api = [this](kube::Api& api) {
    return std::make_unique<faults::FaultyApi>(house_.clock, api, gateway_plan_, house_.ledger,
                                               std::nullopt);
  };
  house_.gateway_port.delay([this] { return one_in(4) ? up_to(30) : base::Duration(0); });
  house_.model.port.delay([this] { return one_in(4) ? up_to(30) : base::Duration(0); });
  house_.tools.delay = [this] { return up_to(8'000); };
  house_.plan_append = [this](const journal::Batch&) { return plan_append(); };
  house_.is_journal_away = [this] { return house_.clock.steady() < journal_away_until_; };
  house_.model.treat = [this](const Asked&, std::size_t length) { return plan_answer(length); };
  house_.ledger.on_change([this](const apiserver::Change& change) { watch_runs(change); });

  auto on_commit = house_.book.on_commit;
  house_.book.on_commit = [this, on_commit](const Committed& entry) {
    ++ended_.commits;
    trace(cat("commit ", entry.gateway, " ", entry.run, " ", entry.body));
    on_commit(entry);
  };
  auto on_asked = house_.model.on_asked;
  house_.model.on_asked = [this, on_asked](const Asked& asked, std::size_t number) {
    trace(cat("asked ", asked.gateway, " ", asked.hash));
    on_asked(asked, number);
  };
  auto on_executed = house_.tools.on_executed;
  house_.tools.on_executed = [this, on_executed](const Executed& executed) {
    trace(cat("executed ", executed.run, "/", executed.call));
    on_executed(executed);
  };
}

World::~World() {
  brains_.clear();
  tasks_.stop();
  house_.loop.run(tasks_.join());
}

void World::trace(std::string_view text) {
  const std::string line = cat(house_.clock.steady().time_since_epoch().count(), " ", text, "\n");
  for (const char c : line)  // FNV-1a
    ended_.trace = (ended_.trace ^ static_cast<unsigned char>(c)) * 0x100000001b3;
}

bool World::is_calm() const { return house_.clock.steady().time_since_epoch() > horizon; }

// ---- what people do ----

void World::make_run(int number) {
  static constexpr std::array kinds{"runner", "runner", "runner", "chat", "messages", "responses"};
  const std::string kind = kinds[below(kinds.size())];
  const bool of_anthropic = kind == "messages" || (kind == "runner" && one_in(3));
  Json run = base::parse_json(
      R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"AgentRun","metadata":{"namespace":"demo"},
      "spec":{"agentRef":"first","agentId":"first","sessionKey":"s","skills":[{"skillPackRef":"tools"}],
              "model":{"model":"sim-1","baseURL":"http://127.0.0.1:9411/v1","authSecretRef":"key"}}})");
  base::ensure(run, {"metadata", "name"}) = cat(kind, "-", number);
  base::ensure(run, {"spec", "model", "provider"}) = of_anthropic ? "anthropic" : "openai";
  // Whoever asks the same as another run is told apart by the number.
  base::ensure(run, {"spec", "task"}) =
      kind == "runner" ? cat("work ", 10 * below(1'000'000) + static_cast<unsigned>(number))
                       : cat("chat ", 1 + below(4), " of ", number);
  house_.create(std::move(run));
}

// ---- what goes wrong ----

void World::plan_faults() {
  for (auto left = below(7); left > 0; --left)
    house_.clock.call_after(up_to(horizon.count()),
                            [this] { house_.chores.add([this] { happen(); }); });
}

void World::happen() {
  static constexpr std::array kinds{"agent",   "bridge", "pod",        "node",    "gateway",
                                    "network", "model",  "controller", "journal", "append"};
  const std::string kind = kinds[below(kinds.size())];
  const auto pods = kubelet_.running();
  const std::string pod = pods.empty() ? "" : pods[below(pods.size())];
  if (pod.empty() && (kind == "agent" || kind == "bridge" || kind == "pod")) return;
  ++ended_.faults[kind];
  trace(cat("fault ", kind, " ", pod));
  house_.log.warn("something goes wrong", {{"kind", kind}, {"pod", pod}});
  if (kind == "agent") kubelet_.kill_agent(pod);
  if (kind == "bridge") kubelet_.kill_bridge(pod);
  if (kind == "pod") kubelet_.lose_pod(pod);
  if (kind == "node")
    for (const auto& one : pods) kubelet_.lose_pod(one);
  if (kind == "gateway") {
    house_.gateway_rest = one_in(2) ? base::Duration(200) : up_to(20'000);
    house_.kill_gateway();
  }
  if (kind == "network") house_.gateway_port.break_all();
  if (kind == "model") house_.model.port.break_all();
  if (kind == "controller")
    brains_[below(brains_.size())]->plan().crash(faults::Mishap::crash_before);
  if (kind == "journal") journal_away_until_ = house_.clock.steady() + up_to(30'000);
  if (kind == "append")
    next_append_dies_ = one_in(2) ? Mishap::Death::before : Mishap::Death::after;
}

Mishap World::plan_append() {
  Mishap mishap;
  mishap.refused = house_.is_journal_away();
  mishap.before = up_to(3);
  mishap.after = up_to(3);
  if (!mishap.refused) mishap.death = std::exchange(next_append_dies_, Mishap::Death::none);
  return mishap;
}

Treatment World::plan_answer(std::size_t length) {
  Treatment treatment;
  treatment.think = one_in(20) ? up_to(60'000) : up_to(3'000);
  treatment.pause = one_in(3) ? up_to(300) : base::Duration(0);
  if (is_calm()) return treatment;
  const auto dice = below(20);
  if (dice == 0) treatment.status = 429;
  if (dice == 1) treatment.status = 500;
  if (dice < 4) {
    treatment.halt = below(length + 1);
    treatment.breaks = true;
  }
  return treatment;
}

// ---- the whole ----

void World::watch_runs(const apiserver::Change& change) {
  trace(cat(change.after->key.storage, " ", change.after->key.name, " ", change.version));
  if (change.after->key.storage != "agentruns.sympozium.ai") return;
  phases_[change.after->uid] = text_at(change.after->tree(), {"status", "phase"});
  names_[change.after->uid] = change.after->key.name;
}

// Object and record of a run must say the same.
void World::compare_ends(Ended& ended) {
  for (const auto& [uid, name] : names_) {
    const Json run = house_.ledger.find(faults::run_ref(ns, name));
    const std::string phase = text_at(run, {"status", "phase"});
    house_.log.info("ended", {{"run", base::to_text(run)}});
    const auto found = oracle_.runs().find(uid);
    const bool has_outcome = found != oracle_.runs().end() && found->second.outcome;
    const auto wrong = [&](std::string_view what) {
      ended.breaches.push_back(cat("run ", name, ": ", what, ": ", base::to_text(run)));
    };
    if (phase == "Succeeded") ++ended.succeeded;
    if (phase == "Succeeded" && !has_outcome) wrong("it succeeded without an outcome");
    if (!has_outcome) continue;
    oracle_.finish(uid);
    ended.unknown_told += static_cast<std::size_t>(found->second.unknown_told);
    const bool well = found->second.outcome->status == protocol::RunStatus::success;
    const std::string said = text_at(run, {"status", "outcome", "status"});
    if (said != (well ? "success" : "error")) wrong("its outcome is not in its status");
    // A report that is later than the controller's grace finds the run failed.
    const bool is_late = phase == "Failed" && reason_of(run, "Finished") != "";
    ended.late += well && is_late ? 1 : 0;
    if (well != (phase == "Succeeded") && !is_late) wrong("its phase is not its outcome's");
  }
}

Ended World::play() {
  try {
    const auto count = static_cast<int>(1 + below(4));
    for (int number = 1; number <= count; ++number)
      house_.clock.call_after(up_to(runs_begin_within), [this, number] {
        house_.chores.add([this, number] {
          make_run(number);
          ++runs_made_;
        });
      });
    plan_faults();
    house_.until("all runs end", [&] {
      return runs_made_ == static_cast<std::size_t>(count) &&
             std::ranges::all_of(phases_, [](const auto& one) { return is_over(one.second); });
    });
    house_.pass(rest);
    compare_ends(ended_);
  } catch (const base::Error& error) {
    ended_.breaches.emplace_back(error.what());
  }
  for (const auto& brain : brains_)
    if (brain->plan().is_storm()) ended_.breaches.emplace_back("a controller calls without end");
  for (const auto& one : rules_.breaches()) ended_.breaches.push_back(one);
  for (const auto& one : rules_.orphans()) ended_.breaches.push_back(one);
  for (const auto& one : oracle_.breaches()) ended_.breaches.push_back(one);
  ended_.runs = runs_made_;
  ended_.asked = house_.model.asked().size();
  ended_.executed = house_.tools.executed.size();
  ended_.gateways = house_.gateways();
  return std::move(ended_);
}

}  // namespace sim
