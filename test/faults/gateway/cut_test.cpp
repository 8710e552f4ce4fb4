// A streamed answer is cut at each of its bytes: by the provider, by the gateway's death, by the
// connection of the bridge or of the agent.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/text.h"
#include "sim/oracle.h"

namespace sim {
namespace {

using base::cat;

enum class Cut : std::uint8_t { provider, gateway, bridge, agent };

struct Stream {
  std::string name;
  Agent agent;
  std::string task, provider;
  std::size_t step = 1;  // every byte, unless most of it is told by another stream, too
  friend std::ostream& operator<<(std::ostream& out, const Stream& one) { return out << one.name; }
};

// Of how many bytes one is tried. FAULTS_EVERY=1: every byte of all streams.
std::size_t step_of(const Stream& stream, Cut cut) {
  if (const char* every = std::getenv("FAULTS_EVERY"))
    return static_cast<std::size_t>(base::parse_int(every).value_or(1));
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  constexpr std::size_t slow = 13;
#else
  constexpr std::size_t slow = 1;
#endif
  return slow * (cut == Cut::bridge || cut == Cut::agent ? 8 : stream.step);
}

// The runs of one stream, one after the other, each cut at another byte.
class Cuts {
 public:
  Cuts(const Stream& stream, Cut cut) : stream_(stream), cut_(cut) {}

  // Nothing: undisturbed.
  Started live(std::optional<std::size_t> byte) {
    const Started run = house_.make_run(stream_.task, stream_.agent, stream_.provider);
    bool is_first = true;
    house_.model.treat = [&](const Asked&, std::size_t length) {
      Treatment treatment;
      if (!std::exchange(is_first, false)) return treatment;
      length_ = length;
      treatment.halt = byte;
      treatment.breaks = cut_ == Cut::provider;
      if (cut_ == Cut::gateway) treatment.then = [&] { house_.kill_gateway(); };
      if (cut_ == Cut::bridge) treatment.then = [&] { house_.gateway_port.break_all(); };
      if (cut_ == Cut::agent) treatment.then = [&] { house_.find_pod(run)->break_connections(); };
      return treatment;
    };
    const std::size_t before = house_.model.asked().size();
    house_.live(run);
    oracle.finish(run.uid);
    house_.remove_run(run);
    asked = house_.model.asked().size() - before;
    return run;
  }
  std::size_t length() const { return length_; }
  std::string result(const Started& run) {
    const auto& outcome = oracle.known(run.uid).outcome;
    return outcome ? house_.run(house_.journal().blobs({outcome->text})).front() : "none";
  }
  const std::vector<Oracle::Call>& calls(const Started& run) { return oracle.known(run.uid).calls; }

 private:
  const Stream& stream_;
  const Cut cut_;
  House house_;
  std::size_t length_ = 0;

 public:
  Oracle oracle{house_};
  std::size_t asked = 0;  // requests that reached the provider in the latest run
};

class AtEachByte : public testing::TestWithParam<std::tuple<Stream, Cut>> {};

TEST_P(AtEachByte, AnAnswerThatIsCutIsPaidForOnceMoreOnlyWhenItIsLost) {
  const Stream stream = std::get<0>(GetParam());
  const Cut cut = std::get<1>(GetParam());
  Cuts cuts(stream, cut);
  const std::string undisturbed = cuts.result(cuts.live({}));
  const std::size_t usual = cuts.asked, length = cuts.length();
  ASSERT_GT(length, 200u);
  const std::size_t step = step_of(stream, cut);
  std::size_t again = 0;
  for (std::size_t byte = 0; byte <= length; byte += step) {
    const Started run = cuts.live(byte);
    EXPECT_EQ(cuts.result(run), undisturbed) << byte;
    EXPECT_LE(cuts.asked, usual + 1) << byte;
    again += cuts.asked - usual;
    std::size_t unknown = 0;
    for (const auto& call : cuts.calls(run)) unknown += call.outcome ? 0 : 1;
    EXPECT_EQ(unknown, cut == Cut::gateway ? cuts.asked - usual : 0) << byte;
    if (cut == Cut::bridge || cut == Cut::agent) {
      EXPECT_EQ(cuts.asked, usual) << byte << ": the gateway reads on when nobody listens";
    }
  }
  if (cut == Cut::provider || cut == Cut::gateway) {
    EXPECT_GT(again, length / step / 2);
  }
  for (const auto& breach : cuts.oracle.breaches()) ADD_FAILURE() << breach;
}

INSTANTIATE_TEST_SUITE_P(
    Of, AtEachByte,
    testing::Combine(testing::Values(Stream{"Turn", Agent::runner, "ask", "openai"},
                                     Stream{"TurnOfAnthropic", Agent::runner, "ask", "anthropic",
                                            3},
                                     Stream{"Chat", Agent::chat, "chat 2", "openai"},
                                     Stream{"Responses", Agent::responses, "chat 2", "openai", 8},
                                     Stream{"Messages", Agent::messages, "chat 2", "anthropic"}),
                     testing::Values(Cut::provider, Cut::gateway, Cut::bridge, Cut::agent)),
    [](const auto& info) {
      const Cut cut = std::get<1>(info.param);
      return cat(std::get<0>(info.param).name, cut == Cut::provider  ? "CutByTheProvider"
                                               : cut == Cut::gateway ? "CutByAGatewaysDeath"
                                               : cut == Cut::bridge  ? "CutFromTheBridge"
                                                                     : "CutFromTheAgent");
    });

}  // namespace
}  // namespace sim
