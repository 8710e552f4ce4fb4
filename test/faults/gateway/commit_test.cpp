// A gateway dies at each commit of a run, before it and after it.
#include <gtest/gtest.h>

#include "base/text.h"
#include "sim/oracle.h"

namespace sim {
namespace {

using base::cat;
using Death = Mishap::Death;

struct Part {
  std::string name;
  Agent agent;
  std::string task, provider;
  friend std::ostream& operator<<(std::ostream& out, const Part& one) { return out << one.name; }
};

class AtEachCommit : public testing::TestWithParam<Part> {
 protected:
  House house_;
  Oracle oracle_{house_};
  std::size_t commits_ = 0;
  Started live(Death death, std::size_t at) {
    const Part& part = GetParam();
    const Started run = house_.make_run(part.task, part.agent, part.provider);
    commits_ = 0;
    house_.plan_append = [&, uid = run.uid](const journal::Batch& batch) {
      if (batch.run != uid || ++commits_ != at) return Mishap{};
      return Mishap{.death = death};
    };
    house_.live(run);
    oracle_.finish(run.uid);
    house_.remove_run(run);
    return run;
  }
  std::string result(const Started& run) {
    const auto& outcome = oracle_.known(run.uid).outcome;
    return outcome ? house_.run(house_.journal().blobs({outcome->text})).front() : "none";
  }
};

TEST_P(AtEachCommit, AGatewayThatDiesLosesNothingAndPaysForNothingTwice) {
  const std::string undisturbed = result(live(Death::none, 0));
  const std::size_t commits = commits_;
  ASSERT_GT(commits, 5u);
  for (const Death death : {Death::before, Death::after})
    for (std::size_t at = 1; at <= commits; ++at) {
      const int gateways = house_.gateways();
      const Started run = live(death, at);
      EXPECT_EQ(house_.gateways(), gateways + 1) << "it did not die at " << at;
      // What the model hears of a call that is unknown changes what it says.
      if (oracle_.known(run.uid).unknown_told == 0) EXPECT_EQ(result(run), undisturbed) << at;
    }
  for (const auto& breach : oracle_.breaches()) ADD_FAILURE() << breach;
}

INSTANTIATE_TEST_SUITE_P(Of, AtEachCommit,
                         testing::Values(Part{"Runner", Agent::runner, "work 0", "openai"},
                                         Part{"RunnerOfAnthropic", Agent::runner, "work 0",
                                              "anthropic"},
                                         Part{"Chat", Agent::chat, "chat 3", "openai"},
                                         Part{"Responses", Agent::responses, "chat 2", "openai"},
                                         Part{"Messages", Agent::messages, "chat 3", "anthropic"}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sim
