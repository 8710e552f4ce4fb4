// What the tests of this folder stand on: our own API server in this process, HTTP servers on
// loopback, a log that is read back.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "contract/provider.h"
#include "io/http.h"
#include "io/sync.h"
#include "io/tls.h"
#include "kube/client.h"
#include "modelsim/server.h"
#include "objects/secret.h"

namespace gateway {

struct World {
  io::Loop loop;
  io::SystemClock clock{loop};
  io::SystemRandom random;
  std::unique_ptr<contract::Provider> server = contract::make_own_provider(loop, clock, random);
  kube::Client api{loop, clock,
                   kube::make_endpoint(
                       kube::load_kubeconfig({server->kubeconfig("admin", {"system:masters"})}))};
  int names = 0;
};
// One for all tests; ended after the last.
World& world();

class RecordingLog final : public base::Log {
 public:
  void write(base::Level, std::string_view message, const Fields& fields) override {
    std::string line(message);
    for (const auto& [key, value] : fields) line += " " + key + "=" + value;
    lines.push_back(std::move(line));
    for (const auto& [key, value] : fields)
      if (key == "pause") pauses.push_back(base::parse_duration(value).value());
    noted.set();
  }
  std::vector<std::string> lines;
  std::vector<base::Duration> pauses;
  io::Event noted;
};

// The API server, away for the first `failures` questions; counts those about paths and keeps the
// patches.
class WrappedApi final : public kube::Api {
 public:
  io::Task<base::Json> get(kube::Ref ref, kube::GetOptions options) override {
    if (failures-- > 0) throw base::Error(failure, "connection refused");
    return world().api.get(ref, options);
  }
  io::Task<kube::Page> list(kube::Ref r, kube::ListOptions o) override {
    return world().api.list(r, o);
  }
  io::Task<std::unique_ptr<kube::WatchStream>> watch(kube::Ref r, kube::WatchOptions o) override {
    return world().api.watch(r, o);
  }
  io::Task<base::Json> create(kube::Ref r, base::Json b, kube::CreateOptions o) override {
    return world().api.create(r, b, o);
  }
  io::Task<base::Json> patch(kube::Ref r, base::Json b, kube::PatchOptions o) override {
    base::Json patched = co_await world().api.patch(std::move(r), b, std::move(o));
    patches.push_back(std::move(b));
    written.set();
    co_return patched;
  }
  io::Task<base::Json> remove(kube::Ref r, kube::RemoveOptions o) override {
    return world().api.remove(r, o);
  }
  io::Task<std::unique_ptr<kube::LogStream>> log(kube::Ref r, kube::LogOptions o) override {
    return world().api.log(r, o);
  }
  io::Task<base::Json> get_path(std::string path) override {
    ++paths_asked;
    if (paths_denied-- > 0) throw base::Error(base::Code::denied, "forbidden");
    if (keys && path == "/openid/v1/jwks") co_return *keys;
    co_return co_await world().api.get_path(path);
  }
  int failures = 0, paths_asked = 0, paths_denied = 0;
  base::Code failure = base::Code::unavailable;
  std::optional<base::Json> keys;  // in place of the server's
  std::vector<base::Json> patches;
  io::Event written;  // with each patch
};

// An HTTP server on a loopback port for as long as it lives.
class Served {
 public:
  explicit Served(io::Handler handler, std::shared_ptr<io::TlsServerContext> tls = nullptr)
      : server_(world().loop, world().clock, log_, {}, std::move(handler)), tasks_(world().loop) {
    tasks_.spawn("server", server_.serve(*listener_, std::move(tls)));
  }
  std::string place() const { return "127.0.0.1:" + std::to_string(port()); }
  std::uint16_t port() const { return listener_->port(); }

 private:
  RecordingLog log_;
  io::HttpServer server_;
  std::unique_ptr<io::Listener> listener_ = io::listen_tcp(world().loop, "127.0.0.1", 0);
  io::TaskGroup tasks_;
};

// A scripted provider that remembers the keys it was shown.
class Simulated {
 public:
  explicit Simulated(const std::string& script)
      : simulator_(world().clock, modelsim::parse_script(script, "script"),
                   [](std::string_view) {}) {}
  const modelsim::Stats& stats() const { return simulator_.stats(); }
  std::string base_url() const { return "http://" + place() + "/v1"; }
  std::string place() const { return served_.place(); }

  std::vector<std::string> authorizations, keys, targets;  // keys: of Azure's header
  io::Event asked;
  int unanswered = 0;  // this many requests are never answered

 private:
  io::Task<> answer(io::Exchange& exchange) {
    authorizations.emplace_back(exchange.headers().get("Authorization"));
    keys.emplace_back(exchange.headers().get("api-key"));
    targets.push_back(exchange.target());
    asked.set();
    if (unanswered-- > 0) co_await never_.wait();
    co_await simulator_.handler()(exchange);
  }
  io::Event never_;
  modelsim::Simulator simulator_;
  Served served_{[this](io::Exchange& exchange) { return answer(exchange); }};
};

// A provider that says what the test wrote down, answer by answer.
struct Dictated {
  struct Answer {
    std::string type, bytes;
    enum class End : unsigned char { ends, breaks, hangs } end = End::ends;
  };
  std::vector<Answer> answers;
  io::Event asked, never;
  std::size_t requests = 0;
  Served served{[this](io::Exchange& exchange) { return answer(exchange); }};

  io::Task<> answer(io::Exchange& exchange) {
    co_await exchange.body(1 << 20);
    const Answer& said = answers.at(std::min(requests++, answers.size() - 1));
    asked.set();
    if (said.type.empty()) co_await never.wait();
    co_await exchange.begin(200, {{"Content-Type", said.type}});
    co_await exchange.send(said.bytes);
    if (said.end == Answer::End::breaks) throw base::Error(base::Code::unavailable, "dictated end");
    if (said.end == Answer::End::hangs) co_await never.wait();
    co_await exchange.end();
  }
  std::string base_url() const { return "http://" + served.place(); }
};
inline constexpr auto breaks = Dictated::Answer::End::breaks;
inline constexpr auto hangs = Dictated::Answer::End::hangs;
inline const std::string stream_type = "text/event-stream";
inline const std::string half =
    "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":10,"
    "\"completion_tokens\":1}}\n\n";
inline const std::string whole =
    half +
    "data: {\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":"
    "\"stop\"}],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2}}\n\n"
    "data: [DONE]\n\n";

inline const std::string test_key = "sk-never-to-be-seen";

// A Secret that holds test_key as API_KEY; its name.
std::string make_secret(const std::string& hosts, const std::string& use = "provider");

std::string unique_name(const std::string& prefix);

}  // namespace gateway
