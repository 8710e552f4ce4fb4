// Everything around the controllers: the server, the loops that make and place pods, a kubelet,
// time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/metrics.h"
#include "faults/brain.h"
#include "faults/rules.h"
#include "faults/story.h"
#include "io/loop.h"
#include "loops/binder.h"
#include "loops/gc_loop.h"
#include "loops/job_loop.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace faults {

struct Setting {
  base::Duration retention{60 * 60'000};
  Controllers controllers = Controllers::one;
  base::Duration dying{0};  // how long the kubelet takes to end a pod
  std::uint64_t seed = 1;   // of uids and all other chance; another one than that of what is known
};

// Time passes only when everybody waits for it. The same arguments make the same world.
class World {
 public:
  // The faults happen to the first controller, once `arm` was called.
  World(apiserver::History known, Setting, std::vector<Fault>);
  ~World();

  void arm();
  // Up to here the story goes as another one does.
  void part();
  const Plan::Counts& parted_at() const { return parted_at_; }
  // As `arm`, and every call and event of every controller takes its time by chance: with odd seeds
  // up to 40 ms, with even ones up to 4 s.
  void arm_with_jitter(std::uint64_t seed);

  // ---- what people, a kubelet and the gateway do; with their own connection ----
  kube::Api& hand() { return *hand_; }
  template <class T>
  T run(io::Task<T> task) {
    return loop_.run(std::move(task));
  }
  void create(base::Json);
  void remove(const kube::Ref&, kube::RemoveOptions = {});

  // ---- time ----
  // Until it holds; Error(timeout) after 20 virtual minutes.
  void until(const std::string& what, const std::function<bool()>& holds);
  void pass(base::Duration);

  // ---- what is to be seen, without asking the server ----
  const Ledger& ledger() const { return ledger_; }
  const Rules& rules() const { return rules_; }
  base::Json find(const kube::Ref& ref) const { return ledger_.find(ref); }
  const Plan& plan() const { return brains_[0]->plan(); }
  bool is_storm() const;
  bool is_ready() const;

  apiserver::History snapshot() { return server_.snapshot(); }
  const Cast cast;

 private:
  // Silent, unless FAULTS_LOG is set.
  class StoryLog final : public base::Log {
   public:
    void write(base::Level, std::string_view message, const Fields&) override;
  };
  void settle();
  void keep_pods(const apiserver::Change&);
  io::Task<> finish_pod(kube::Ref, std::string uid);

  const Setting setting_;
  io::Loop loop_;
  test::VirtualClock clock_;
  test::SeededRandom random_;
  StoryLog log_;
  controller::Metrics metrics_;
  Server server_;
  Ledger ledger_;
  Rules rules_;
  std::unique_ptr<kube::Client> hand_, others_;
  loops::JobLoop jobs_;
  loops::Binder binder_;
  loops::GcLoop collector_;
  io::TaskGroup tasks_;
  std::vector<std::unique_ptr<Brain>> brains_;
  Plan::Counts parted_at_{};
};

}  // namespace faults
