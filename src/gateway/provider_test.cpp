// Model calls against a simulated provider over loopback HTTP. The providers' clock is the test's:
// a pause is over as soon as the log has told of it.
#include "gateway/provider.h"

#include "base/text.h"
#include "gateway/fixture_test.h"
#include "io/crypto.h"
#include "llm/request.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace gateway {
namespace {

using base::cat;
using base::Duration;
using std::chrono::seconds;

struct Outcome {
  std::optional<protocol::TurnResult> result;
  std::optional<ProviderFailed> failed;
  std::vector<std::string> pieces;
  std::string text() const { return base::join(pieces, ""); }
  std::string code() const { return failed ? failed->failure.code : ""; }
  std::string message() const { return failed ? failed->failure.message : ""; }
};

struct ProviderCalls : testing::Test {
  test::VirtualClock clock;
  test::SeededRandom random{1};
  RecordingLog log;
  WrappedApi api;
  ProviderSettings settings;
  std::unique_ptr<Providers> providers_;

  Providers& providers() {
    if (!providers_)
      providers_ = std::make_unique<Providers>(world().loop, clock, random, log, api, settings);
    return *providers_;
  }
  ~ProviderCalls() override {
    for (const auto& line : log.lines) EXPECT_EQ(line.find(test_key), std::string::npos) << line;
  }

  io::Task<> ask(ProviderTarget target, std::string task, Outcome& out) {
    const std::vector<protocol::Message> conversation{
        {protocol::Role::user, std::move(task), {}, {}}};
    std::string request = llm::make_request("sim-1", conversation, {}, llm::Delivery::streamed);
    auto call = providers().call(std::move(target), std::move(request),
                                 [&out](std::string_view text) { out.pieces.emplace_back(text); });
    try {
      out.result = co_await std::move(call);
    } catch (const ProviderFailed& failed) {
      out.failed = failed;
      EXPECT_EQ(failed.failure.message.find(test_key), std::string::npos) << failed.failure.message;
    }
  }
  io::Task<> let_pauses_pass() {
    for (std::size_t seen = 0;;) {
      co_await log.noted.wait();
      log.noted.clear();
      while (seen < log.pauses.size()) clock.advance(log.pauses[seen++]);
    }
  }
  // Runs the story with a limit of its own, in case that it does not end.
  void play(io::Task<> story) {
    auto whole = [](io::Task<> inner) -> io::Task<> {
      co_await io::within(world().clock, seconds(20), "the story", std::move(inner));
    };
    world().loop.run(whole(std::move(story)));
  }
  Outcome call(ProviderTarget target, const std::string& task = "hello") {
    Outcome out;
    auto story = [](ProviderCalls& test, ProviderTarget to, std::string what,
                    Outcome& kept) -> io::Task<> {
      io::TaskGroup pauses(world().loop);
      pauses.spawn("pauses", test.let_pauses_pass());
      co_await test.ask(std::move(to), std::move(what), kept);
      pauses.stop();
      co_await pauses.join();
    };
    play(story(*this, std::move(target), task, out));
    return out;
  }
  static ProviderTarget target_of(const std::string& base_url, const std::string& secret) {
    return {"default", "openai", base_url, secret};
  }
  static ProviderTarget target_of(const Dictated& provider) {
    return target_of(provider.base_url(), "");
  }
  static ProviderTarget target_of(const Simulated& provider) {
    return target_of(provider.base_url(), make_secret(provider.place()));
  }
};

void expect_words(const std::string& text, const std::vector<std::string>& words) {
  for (const auto& word : words)
    EXPECT_NE(text.find(word), std::string::npos) << word << "\n" << text;
}

TEST_F(ProviderCalls, StreamTheTextAndReturnTheAnswer) {
  Simulated provider(R"(
conversations:
  - steps:
      - text: I call f.
        tool_calls: [{name: f, arguments: {a: 1}}]
        usage: {prompt_tokens: 30, completion_tokens: 12}
)");
  const Outcome out = call(target_of(provider));
  ASSERT_TRUE(out.result) << out.message();
  EXPECT_EQ(out.text(), "I call f.");
  EXPECT_EQ(out.result->message.content, "I call f.");
  ASSERT_EQ(out.result->message.toolCalls.size(), 1U);
  EXPECT_EQ(out.result->message.toolCalls[0].arguments, "{\"a\":1}");
  EXPECT_EQ(out.result->finish, protocol::Finish::tool_calls);
  EXPECT_EQ(out.result->usage.inputTokens, 30);
  EXPECT_EQ(out.result->usage.outputTokens, 12);
  EXPECT_EQ(provider.authorizations, std::vector<std::string>{"Bearer " + test_key});
}

TEST_F(ProviderCalls, SendNoKeyWhereNoneIsNeeded) {
  Simulated provider("conversations: [{steps: [{text: hi}]}]");
  EXPECT_EQ(call(target_of(provider.base_url(), "")).text(), "hi");
  EXPECT_EQ(provider.authorizations, std::vector<std::string>{""});
}

// Request shapes as each provider's reference has them.
TEST_F(ProviderCalls, AreAddressedAndShowTheirKeyAsEachProviderExpects) {
  struct Seen {
    std::string target, authorization, api_key, x_api_key, model;
    bool operator==(const Seen&) const = default;
  } seen;
  Served provider([&](io::Exchange& exchange) -> io::Task<> {
    const std::string body = co_await exchange.body(1 << 20);
    const auto header = [&](const char* name) { return std::string(exchange.headers().get(name)); };
    seen = {exchange.target(), header("Authorization"), header("api-key"), header("x-api-key"),
            base::text_at(base::parse_json(body), {"model"})};
    co_await exchange.begin(200, {{"Content-Type", stream_type}});
    co_await exchange.send(whole);
    co_await exchange.end();
  });
  const std::string origin = "http://" + provider.place(), key = test_key;
  const std::string secret = make_secret(provider.place());
  struct Case {
    std::string provider, path, secret;
    Seen seen;
  };
  const std::vector<Case> cases{
      {"openai", "/v1", secret, {"/v1/chat/completions", "Bearer " + key, "", "", "sim-1"}},
      {"ollama", "/v1", "", {"/v1/chat/completions", "", "", "", "sim-1"}},
      {"vllm", "/v1", secret, {"/v1/chat/completions", "Bearer " + key, "", "", "sim-1"}},
      {"lm-studio", "/v1", "", {"/v1/chat/completions", "", "", "", "sim-1"}},
      {"azure-openai",
       "",
       secret,
       {"/openai/deployments/sim-1/chat/completions?api-version=2024-10-21", "", key, "", "sim-1"}},
      {"azure-openai", "/openai/v1", secret, {"/openai/v1/chat/completions", "", key, "", "sim-1"}},
  };
  for (const auto& one : cases) {
    const Outcome out = call({"default", one.provider, origin + one.path, one.secret, "sim-1"});
    ASSERT_TRUE(out.result) << one.provider << one.path << ": " << out.message();
    EXPECT_EQ(seen, one.seen) << one.provider << one.path << ": " << seen.target;
  }
}

TEST_F(ProviderCalls, HandOnArgumentsThatAreNoJson) {
  Simulated provider(
      "conversations: [{steps: [{tool_calls: [{name: f, arguments: '{\"a\": oops'}]}]}]");
  const Outcome out = call(target_of(provider));
  ASSERT_TRUE(out.result) << out.message();
  EXPECT_EQ(out.result->message.toolCalls.at(0).arguments, "{\"a\": oops");
}

TEST_F(ProviderCalls, SayWhatIsWrongWithTheKey) {
  Simulated provider(
      "conversations: [{forever: true, steps: [{errors: [{status: 401, message: bad key}, "
      "{status: 403, message: not you}]}]}]");
  const Outcome unknown = call(target_of(provider));
  EXPECT_EQ(unknown.code(), "provider_unauthorized");
  expect_words(unknown.message(),
               {"openai at http://127.0.0.1:", "401", "bad key", "spec.model.authSecretRef"});
  EXPECT_EQ(call(target_of(provider)).code(), "provider_unauthorized");
  EXPECT_EQ(provider.stats().requests, 2);
}

TEST_F(ProviderCalls, NeverRepeatAKeyThatTheProviderRepeats) {
  Served echo([](io::Exchange& exchange) -> io::Task<> {
    co_await exchange.body(1 << 20);
    const std::string key(exchange.headers().get("Authorization"));
    co_await exchange.respond(
        {401, {}, cat("{\"error\":{\"message\":\"I do not know ", key, "\"}}")});
  });
  const Outcome out = call(target_of(cat("http://", echo.place()), make_secret(echo.place())));
  expect_words(out.message(), {"I do not know Bearer [key]"});
}

TEST_F(ProviderCalls, SayThatTheModelIsUnknownOrTheConversationTooLong) {
  Simulated provider(
      "conversations: [{forever: true, steps: [{errors: [{status: 404, message: no model sim-1}, "
      "{status: 400, message: too long, code: context_length_exceeded}]}]}]");
  const Outcome unknown = call(target_of(provider));
  EXPECT_EQ(unknown.code(), "invalid_request");
  expect_words(unknown.message(), {"no model sim-1", "spec.model.model"});
  EXPECT_EQ(call(target_of(provider)).code(), "context_length");
  EXPECT_EQ(provider.stats().requests, 2);
}

TEST_F(ProviderCalls, WaitAsLongAsA429Asks) {
  Simulated provider(
      "conversations: [{steps: [{text: at last, errors: [{status: 429, headers: {Retry-After: "
      "\"7\"}}]}]}]");
  const Outcome out = call(target_of(provider));
  EXPECT_EQ(out.text(), "at last") << out.message();
  EXPECT_EQ(provider.stats().requests, 2);
  EXPECT_EQ(clock.steady(), base::Instant(seconds(7)));
}

TEST_F(ProviderCalls, HoldTheOthersOfAKeyBackAfterOne429) {
  Simulated provider(R"(
conversations:
  - task: first
    steps: [{text: one, errors: [{status: 429, headers: {Retry-After: "7"}}]}]
  - steps: [{text: other}]
)");
  const ProviderTarget target = target_of(provider);
  Outcome first, second, third, stranger;
  auto story = [&]() -> io::Task<> {
    io::TaskGroup calls(world().loop);
    calls.spawn("first", ask(target, "first", first));
    co_await log.noted.wait();
    calls.spawn("second", ask(target, "second", second));
    calls.spawn("third", ask(target, "third", third));
    // Another key of the same provider is not held back.
    co_await ask(target_of(provider.base_url(), ""), "stranger", stranger);
    EXPECT_EQ(stranger.text(), "other");
    clock.advance(Duration(6'999));
    co_await ask(target_of(provider.base_url(), ""), "stranger again", stranger);
    EXPECT_EQ(provider.stats().requests, 3);
    clock.advance(Duration(1));
    co_await calls.join();
  };
  play(story());
  EXPECT_EQ(first.text(), "one");
  EXPECT_EQ(second.text(), "other");
  EXPECT_EQ(third.text(), "other");
  EXPECT_EQ(provider.stats().requests, 6);
  EXPECT_EQ(provider.stats().errors, 1);
}

TEST_F(ProviderCalls, GiveUpWhenA429AsksForTooMuch) {
  Simulated provider(
      "conversations: [{steps: [{errors: [{status: 429, message: slow, headers: {Retry-After: "
      "\"3600\"}}]}]}]");
  const Outcome out = call(target_of(provider));
  EXPECT_EQ(out.code(), "rate_limited");
  expect_words(out.message(), {"slow", "1h0m0s"});
  EXPECT_EQ(provider.stats().requests, 1);
}

TEST_F(ProviderCalls, TryAgainAfterAFaultOfTheProvider) {
  Simulated provider(
      "conversations: [{steps: [{text: fine, errors: [{status: 500}, {status: 503}]}]}]");
  const Outcome out = call(target_of(provider));
  EXPECT_EQ(out.text(), "fine") << out.message();
  EXPECT_EQ(provider.stats().requests, 3);
}

TEST_F(ProviderCalls, TryFiveTimes) {
  Simulated provider(
      "conversations: [{steps: [{errors: [{status: 500}, {status: 500}, {status: 500}, {status: "
      "500}, {status: 500, message: still broken}, {status: 500}]}]}]");
  const Outcome out = call(target_of(provider));
  EXPECT_EQ(out.code(), "provider_unavailable");
  expect_words(out.message(), {"still broken", "(tried 5 times)"});
  EXPECT_EQ(provider.stats().requests, 5);
}

TEST_F(ProviderCalls, AskAgainInSilenceWhenAStreamBreaksOff) {
  Simulated provider(
      "conversations: [{steps: [{text: one two three four, half_streams: 2, usage: "
      "{prompt_tokens: 9, completion_tokens: 4}}]}]");
  const Outcome out = call(target_of(provider));
  ASSERT_TRUE(out.result) << out.message();
  EXPECT_EQ(out.result->message.content, "one two three four");
  EXPECT_EQ(out.text(), "one ");  // what the first try said before it broke, once
  EXPECT_EQ(provider.stats().halves, 2);
  EXPECT_EQ(provider.stats().requests, 3);
}

TEST_F(ProviderCalls, CountWhatABrokenStreamCost) {
  Dictated provider{.answers = {{stream_type, half, breaks}, {stream_type, whole}}};
  const Outcome out = call(target_of(provider));
  ASSERT_TRUE(out.result) << out.message();
  EXPECT_EQ(out.result->message.content, "ab");
  EXPECT_EQ(out.result->usage.inputTokens, 20);
  EXPECT_EQ(out.result->usage.outputTokens, 3);
}

TEST_F(ProviderCalls, CountWhatAFailureCost) {
  Dictated provider{.answers = {{stream_type, half, breaks}}};
  const Outcome out = call(target_of(provider));
  EXPECT_EQ(out.code(), "provider_unavailable");
  expect_words(out.message(), {"broke its answer off", "(tried 5 times)"});
  EXPECT_EQ(out.failed->usage.inputTokens, 50);
  EXPECT_EQ(out.text(), "a");
}

TEST_F(ProviderCalls, EndWithDoneAndNotWithTheConnection) {
  Dictated provider{.answers = {{stream_type, whole, hangs}}};
  Outcome out;
  auto story = [&]() -> io::Task<> {
    io::TaskGroup calls(world().loop);
    calls.spawn("call", ask(target_of(provider), "x", out));
    while (out.text() != "ab") co_await io::yield();
    while (clock.waiting() == 0) co_await io::yield();
    clock.advance(seconds(1));
    co_await calls.join();
  };
  play(story());
  EXPECT_TRUE(out.result);
}

TEST_F(ProviderCalls, GiveUpOnSilence) {
  Dictated provider{.answers = {{"", ""}, {stream_type, half, hangs}, {stream_type, whole}}};
  Outcome out;
  auto story = [&]() -> io::Task<> {
    io::TaskGroup calls(world().loop);
    calls.spawn("call", ask(target_of(provider), "x", out));
    calls.spawn("pauses", let_pauses_pass());
    co_await provider.asked.wait();
    clock.advance(settings.first_byte);  // no header
    while (out.text() != "a") co_await io::yield();
    clock.advance(settings.silence);  // no more
    while (!out.result && !out.failed) co_await io::yield();
    calls.stop();
    co_await calls.join();
  };
  play(story());
  ASSERT_TRUE(out.result) << out.message();
  EXPECT_EQ(out.result->message.content, "ab");
  EXPECT_EQ(provider.requests, 3U);
}

TEST_F(ProviderCalls, SayThatAnAnswerIsNone) {
  Dictated page{.answers = {{"text/html", "<html>It works!</html>"}}};
  const Outcome out = call(target_of(page));
  EXPECT_EQ(out.code(), "invalid_request");
  expect_words(out.message(), {"It works!", "spec.model.baseURL"});
  EXPECT_EQ(page.requests, 1U);
  Dictated garbage{.answers = {{stream_type, "data: {oops\n\n"}}};
  EXPECT_EQ(call(target_of(garbage)).code(), "invalid_request");
  Dictated inside{.answers = {{stream_type, "data: {\"error\":{\"message\":\"overloaded\"}}\n\n"},
                              {stream_type, whole}}};
  EXPECT_TRUE(call(target_of(inside)).result);
  EXPECT_EQ(inside.requests, 2U);
}

TEST_F(ProviderCalls, SayThatNobodyIsThere) {
  auto listener = io::listen_tcp(world().loop, "127.0.0.1", 0);
  const std::string base_url = cat("http://127.0.0.1:", listener->port(), "/v1");
  listener->close();
  const Outcome out = call(target_of(base_url, ""));
  EXPECT_EQ(out.code(), "unreachable");
  expect_words(out.message(), {base_url.substr(0, base_url.size() - 3), "refused",
                               "spec.model.baseURL", "(tried 5 times)"});
}

TEST_F(ProviderCalls, SpeakTlsWithThoseWhoProveWhoTheyAre) {
  const auto key = io::make_p256_key();
  auto certificate = [&](io::CertificateRequest::Use use, const std::string& ca) {
    io::CertificateRequest request{.common_name = ca.empty() ? "ca" : "provider",
                                   .organizations = {},
                                   .dns_names = {},
                                   .ips = {"127.0.0.1"},
                                   .use = use,
                                   .not_before = world().clock.now() - std::chrono::hours(1),
                                   .not_after = world().clock.now() + std::chrono::hours(1)};
    return io::issue_certificate(request, key, ca, key);
  };
  settings.ca_pem = certificate(io::CertificateRequest::Use::ca, "");
  auto tls = io::make_context(
      io::TlsServer{{certificate(io::CertificateRequest::Use::server, settings.ca_pem), key}, ""});
  modelsim::Simulator simulator(
      world().clock,
      modelsim::parse_script("conversations: [{forever: true, steps: [{text: hi}]}]", "s"),
      [](std::string_view) {});
  Served served(simulator.handler(), tls);
  const auto target = target_of(cat("https://", served.place()), make_secret(served.place()));
  const Outcome proved = call(target);
  EXPECT_EQ(proved.text(), "hi") << proved.message();

  providers_.reset();
  settings.ca_pem = "";  // the system's roots do not know this one
  const Outcome out = call(target);
  EXPECT_EQ(out.code(), "unreachable");
  expect_words(out.message(), {"did not prove who it is"});
  EXPECT_EQ(simulator.stats().requests, 1);
}

TEST_F(ProviderCalls, SendNoKeyThatIsNotMeantForTheHost) {
  Simulated provider("conversations: [{steps: [{text: hi}]}]");
  const std::string base_url = provider.base_url();
  const Outcome missing = call(target_of(base_url, "no-such-secret"));
  EXPECT_EQ(missing.code(), "provider_unauthorized");
  expect_words(missing.message(), {"no Secret \"no-such-secret\"", "sympozium.ai/use=provider"});
  expect_words(call(target_of(base_url, make_secret(provider.place(), ""))).message(),
               {"sympozium.ai/use"});
  expect_words(call(target_of(base_url, make_secret(""))).message(), {"sympozium.ai/hosts"});
  expect_words(call(target_of(base_url, make_secret("127.0.0.1:1"))).message(),
               {"may not be sent to", provider.place(), "127.0.0.1:1"});
  EXPECT_EQ(provider.stats().requests, 0);
}

TEST_F(ProviderCalls, WaitForAnApiServerThatIsAwayOrDoesNotKnowOurRightsYet) {
  Simulated provider("conversations: [{forever: true, steps: [{text: hi}]}]");
  const auto target = target_of(provider);
  const auto answer_after = [&](int failures, base::Code failure) {
    api.failures = failures;
    api.failure = failure;
    Outcome out;
    auto story = [&]() -> io::Task<> {
      io::TaskGroup calls(world().loop);
      calls.spawn("call", ask(target, "x", out));
      while (!out.result && !out.failed) {
        if (api.failures > 0) clock.advance(Duration(100));
        if (api.failures == 0) clock.advance_to_next();
        co_await io::yield();
      }
      co_await calls.join();
    };
    play(story());
    return out;
  };
  EXPECT_EQ(answer_after(3, base::Code::unavailable).text(), "hi");
  EXPECT_EQ(answer_after(3, base::Code::denied).text(), "hi");
  EXPECT_NE(answer_after(1'000'000, base::Code::denied).message().find("authSecretRef"),
            std::string::npos);
}

TEST_F(ProviderCalls, TakeTurnsWhenAKeyHasNoSeatLeft) {
  settings.calls_at_once = 1;
  Dictated provider{.answers = {{stream_type, half, hangs}, {stream_type, whole}}};
  Outcome first, second;
  auto story = [&]() -> io::Task<> {
    io::TaskGroup calls(world().loop);
    calls.spawn("first", ask(target_of(provider), "x", first));
    while (first.text() != "a") co_await io::yield();
    calls.spawn("second", ask(target_of(provider), "y", second));
    Outcome other;  // has gone all the way while the second one waits
    auto elsewhere = target_of("http://localhost:" + std::to_string(provider.served.port()), "");
    co_await ask(elsewhere, "z", other);
    EXPECT_TRUE(other.result);
    EXPECT_EQ(provider.requests, 2U);
    provider.never.set();  // the first stream ends, in its middle
    co_await log.noted.wait();
    clock.advance(seconds(2));
    co_await calls.join();
  };
  play(story());
  EXPECT_TRUE(first.result) << first.message();
  EXPECT_TRUE(second.result) << second.message();
}

}  // namespace
}  // namespace gateway
