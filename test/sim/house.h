// The data plane of a world: an API server, a journal, a gateway that may die, a provider, pods.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "faults/ledger.h"
#include "faults/server.h"
#include "gateway/server.h"
#include "sim/journals.h"
#include "sim/model.h"
#include "sim/pod.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace sim {

// What must wait until the loop stands still: ends and beginnings of processes.
class Chores {
 public:
  void add(std::function<void()> chore) { waiting_.push_back(std::move(chore)); }
  // Looked at whenever there is time for chores; says whether it did anything.
  void add_lasting(std::function<bool()> chore) { lasting_.push_back(std::move(chore)); }
  bool run();  // false when there were none

 private:
  std::vector<std::function<void()>> waiting_;
  std::vector<std::function<bool()>> lasting_;
};

// What the house stands on: its loop and its time.
struct Ground {
  virtual ~Ground() = default;
  virtual base::Clock& clock() = 0;
  // Goes on until `holds`, a chore done whenever the loop stands still; Error(timeout) when it
  // never comes.
  virtual void until(const std::string& what, Chores&, const std::function<bool()>& holds) = 0;
  io::Loop loop;
};
std::unique_ptr<Ground> make_virtual_ground();  // time passes only when everybody waits for it
std::unique_ptr<Ground> make_real_ground();     // for databases that are processes of their own

// A run that has its pod.
struct Started {
  std::string name, uid, pod, pod_uid;
  std::int64_t attempt = 0;
  Agent agent = Agent::runner;
  std::string task;
};

class House {
 public:
  // A gateway's journal.
  using MakeJournal = std::function<std::unique_ptr<journal::Journal>(House&)>;
  struct Setting {
    std::unique_ptr<Ground> ground = make_virtual_ground();
    std::uint64_t seed = 1;
    MakeJournal journal;  // none: on the house's disk
  };
  House() : House(Setting()) {}
  explicit House(Setting);
  ~House();

  // ---- the gateway ----
  void start_gateway();
  void kill_gateway();  // at the next rest of the loop; the next one begins a little later
  int gateways() const { return gateways_; }

  // ---- by hand: what controller and kubelet do ----
  // provider: "openai", "anthropic".
  Started make_run(const std::string& task, Agent = Agent::runner,
                   const std::string& provider = "openai");
  // A new pod, recorded in the run's status as the next attempt.
  void record_pod(Started&);
  std::string make_token(const std::string& ns, const std::string& service_account,
                         const std::string& pod, const std::string& pod_uid);
  // The pod of the run, running: its agent is started anew when it has failed.
  Pod& start_pod(const Started&);
  Pod* find_pod(const Started&);
  void remove_pod(const Started&);
  void remove_run(const Started&);  // and what was recorded of its pods: others come after it
  bool is_over(const Started& run) const { return over_.contains(run.pod_uid); }
  // A whole life: until its agent has ended with 0.
  void live(const Started&);

  kube::Api& hand() { return *hand_; }
  void create(base::Json object);
  void until(const std::string& what, const std::function<bool()>& holds) {
    ground_->until(what, chores, holds);
  }
  void pass(base::Duration);
  template <class T>
  T run(io::Task<T> task) {
    return loop.run(std::move(task));
  }

 private:
  struct GatewayProcess;
  void start_gateway_later();
  std::unique_ptr<Ground> ground_;
  MakeJournal make_journal_;

 public:
  io::Loop& loop;
  base::Clock& clock;
  test::SeededRandom random;
  // Silent, unless SIM_LOG is set.
  class StoryLog final : public base::Log {
   public:
    explicit StoryLog(const base::Clock& clock) : clock_(clock) {}
    void write(base::Level, std::string_view message, const Fields&) override;

   private:
    const base::Clock& clock_;
  } log;
  Chores chores;
  faults::Server server;
  faults::Ledger ledger;
  Disk disk;
  Book book;
  Model model;
  ToolBox tools;
  Port gateway_port;
  Planned plan_append;
  Away is_journal_away;
  gateway::Settings gateway_settings;
  // Between the API server and the next gateway; none: nothing.
  std::function<std::unique_ptr<kube::Api>(kube::Api&)> wrap_api;
  base::Duration gateway_rest{200};  // between two gateways
  // The journal, for who reads it when all is over.
  journal::Journal& journal();

 private:
  std::unique_ptr<kube::Client> hand_;
  std::unique_ptr<GatewayProcess> gateway_;
  int gateways_ = 0, names_ = 0;
  bool gateway_dies_ = false;
  std::map<std::string, std::unique_ptr<Pod>> pods_;  // by uid
  std::map<std::string, bool> over_;                  // likewise: its agent has ended with 0
};

}  // namespace sim
