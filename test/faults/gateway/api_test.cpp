// Each call of a gateway to the API server fails once, and each event of its watches.
#include <gtest/gtest.h>

#include "base/text.h"
#include "faults/faulty_api.h"
#include "faults/story.h"
#include "sim/oracle.h"

namespace sim {
namespace {

using faults::Fault;
using faults::Mishap;
using faults::Place;

class Told {
 public:
  explicit Told(std::vector<Fault> some) : plan_(std::move(some)) {
    house_.wrap_api = [this](kube::Api& api) {
      return std::make_unique<faults::FaultyApi>(house_.clock, api, plan_, house_.ledger,
                                                 std::nullopt);
    };
    plan_.arm(house_.ledger.version());
    house_.kill_gateway();  // the next one has that API
    house_.pass(base::Duration(1'000));
    const Started run = house_.make_run("work 0");
    house_.live(run);
    house_.until("its outcome is in its status", [&] {
      const auto object = house_.ledger.find(faults::run_ref("demo", run.name));
      status = base::text_at(object, {"status", "outcome", "status"});
      return !status.empty();
    });
    oracle_.finish(run.uid);
    const auto& outcome = oracle_.known(run.uid).outcome;
    well = outcome && outcome->status == protocol::RunStatus::success;
    breaches = oracle_.breaches();
    counts = plan_.counts();
  }

 private:
  House house_;
  Oracle oracle_{house_};
  faults::Plan plan_;

 public:
  std::string status;
  bool well = false;
  std::vector<std::string> breaches;
  faults::Plan::Counts counts{};
};

TEST(ApiOfAGateway, MayFailAtEachCallAndAtEachEvent) {
  const Told undisturbed({});
  EXPECT_TRUE(undisturbed.well);
  for (const Place place : {Place::call, Place::event}) {
    const std::size_t count = undisturbed.counts[static_cast<std::size_t>(place)];
    EXPECT_GT(count, 3u);
    for (const Mishap mishap : faults::mishaps_at(place))
      for (std::size_t at = 1; at <= count; ++at) {
        const Fault fault{mishap, at};
        const Told told({fault});
        // No server says of an object that it is gone; a gateway takes that for an answer.
        EXPECT_TRUE(told.well || mishap == Mishap::gone) << faults::format(fault);
        EXPECT_EQ(told.status, told.well ? "success" : "error") << faults::format(fault);
        for (const auto& breach : told.breaches) ADD_FAILURE() << faults::format(fault) << breach;
      }
  }
}

}  // namespace
}  // namespace sim
