// The commands against our own API server in this process. The test plays controller and node; the
// log, which a node would serve, comes from a script.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "contract/provider.h"
#include "io/sync.h"
#include "kube/client.h"
#include "objects/agent_run.h"
#include "objects/kinds.h"
#include "objects/pod.h"

namespace cli {

using base::Json;
using base::parse_json;
using base::text_at;

// A log stream: these pieces, then its end or a break.
struct Script {
  std::vector<std::string> pieces;
  enum class End : unsigned char { ends, breaks } end = End::ends;
};

class ScriptedLog final : public kube::LogStream {
 public:
  explicit ScriptedLog(Script script) : script_(std::move(script)) {}
  io::Task<std::optional<std::string>> next() override {
    if (at_ < script_.pieces.size()) co_return script_.pieces[at_++];
    if (script_.end == Script::End::breaks)
      throw base::Error(base::Code::unavailable, "connection reset");
    co_return std::nullopt;
  }

 private:
  Script script_;
  std::size_t at_ = 0;
};

// The server, with logs from a script (the last one again and again).
class WithLogs final : public kube::Api {
 public:
  explicit WithLogs(kube::Api& api) : api_(api) {}
  io::Task<Json> get(kube::Ref r, kube::GetOptions o) override { return api_.get(r, o); }
  io::Task<kube::Page> list(kube::Ref r, kube::ListOptions o) override { return api_.list(r, o); }
  io::Task<std::unique_ptr<kube::WatchStream>> watch(kube::Ref r, kube::WatchOptions o) override {
    return api_.watch(r, o);
  }
  io::Task<Json> create(kube::Ref r, Json b, kube::CreateOptions o) override {
    return api_.create(r, b, o);
  }
  io::Task<Json> patch(kube::Ref r, Json b, kube::PatchOptions o) override {
    return api_.patch(r, b, o);
  }
  io::Task<Json> remove(kube::Ref r, kube::RemoveOptions o) override { return api_.remove(r, o); }
  io::Task<std::unique_ptr<kube::LogStream>> log(kube::Ref, kube::LogOptions o) override {
    asked.push_back(o);
    Script script = scripts.empty() ? Script{} : scripts.front();
    if (scripts.size() > 1) scripts.erase(scripts.begin());
    co_return std::make_unique<ScriptedLog>(std::move(script));
  }
  io::Task<Json> get_path(std::string path) override { return api_.get_path(path); }

  std::vector<Script> scripts;
  std::vector<kube::LogOptions> asked;

 private:
  kube::Api& api_;
};

struct Commands : testing::Test {
  // `journal` reaches a journal API; without it the server has none.
  explicit Commands(contract::Dial journal = {})
      : server_(contract::make_own_provider(loop_, clock_, random_, std::move(journal))) {}

  struct Result {
    int code;
    std::string out, err;
  };

  // One command to its end; `others` runs beside it.
  Result call(std::vector<std::string> words, io::Task<>* others = nullptr,
              const std::string& input = "") {
    const int in = memory(input), out = memory(""), err = memory("");
    out_ = out;
    Terminal terminal(in, out, err);
    const Parsed parsed = parse(std::move(words), {});
    if (!parsed.line) return {parsed.code, parsed.out, parsed.err};
    const bool ns_given = !parsed.line->common.ns.empty();
    Session session{loop_,
                    clock_,
                    random_,
                    log_,
                    api_,
                    client_,
                    terminal,
                    ns_given ? parsed.line->common.ns : "default",
                    ns_given,
                    parsed.line->common.output,
                    [this] { return leave_.wait(); }};
    Result result{-1, "", ""};
    try {
      auto task = std::visit([&](const auto& options) { return execute(session, options); },
                             parsed.line->command);
      result.code = loop_.run(both(loop_, clock_, std::move(task), others));
    } catch (const base::Error& error) {
      result.err = std::string("error: ") + error.what();
      result.code = 99;
    }
    result.out = content(out);
    result.err += content(err);
    for (int fd : {in, out, err}) ::close(fd);
    return result;
  }

  Json apply(const std::string& yaml) {
    const Result result = call({"apply", "-f", "-", "-o", "json"}, nullptr, yaml);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.code == 0 ? parse_json(base::trim(result.out)) : Json();
  }
  void apply_agent() {
    apply(R"({apiVersion: sympozium.ai/v1alpha1, kind: Agent, metadata: {name: first},
      spec: {agents: {default: {model: sim-1, baseURL: "http://127.0.0.1:9/v1"}},
             authRefs: [{provider: openai, secret: key}]}})");
  }

  // ---- the test as controller and node ----

  io::Task<Json> next_run() {
    kube::Ref runs{&objects::AgentRun::info, "default", {}, {}};
    auto stream = co_await client_.watch(std::move(runs), kube::WatchOptions{});
    for (;;) {
      auto event = co_await stream->next();
      if (event && event->type == kube::WatchEvent::Type::added) co_return event->object;
    }
  }
  io::Task<> set_status(const schema::KindInfo* kind, std::string name, Json status) {
    kube::Ref ref{kind, "default", std::move(name), "status"};
    Json patch = base::JsonObject{{"status", std::move(status)}};
    co_await client_.patch(std::move(ref), std::move(patch), kube::PatchOptions{});
  }
  io::Task<> start_pod(Json run) {
    Json pod = parse_json(
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"default","labels":{}},
            "spec":{"nodeName":"n","containers":[{"name":"agent","image":"i"}]}})");
    base::ensure(pod, {"metadata", "labels", "sympozium.ai/run-uid"}) =
        text_at(run, {"metadata", "uid"});
    kube::Ref ref = kube::ref_of(objects::Pod::info, pod);
    co_await client_.create(std::move(ref), std::move(pod), kube::CreateOptions{});
    Json status = parse_json(
        R"({"containerStatuses":[{"name":"agent","image":"i","imageID":"i","ready":true,"restartCount":0,
            "state":{"running":{"startedAt":"2026-01-02T03:04:05Z"}}}]})");
    co_await set_status(&objects::Pod::info, "p", std::move(status));
    Json running = parse_json(R"({"phase":"Running","podName":"p"})");
    co_await set_status(&objects::AgentRun::info, text_at(run, {"metadata", "name"}),
                        std::move(running));
  }
  // A whole run: pod, log, this end.
  io::Task<> play(std::string last_status) {
    Json run = co_await next_run();
    co_await start_pod(run);
    co_await eventually([this] { return !api_.asked.empty(); });
    Json status = parse_json(last_status);
    co_await set_status(&objects::AgentRun::info, text_at(run, {"metadata", "name"}),
                        std::move(status));
  }
  io::Task<> eventually(std::function<bool()> done) {
    for (int i = 0; i < 2000 && !done(); ++i) co_await io::sleep(clock_, base::Duration(5));
  }

  static int memory(const std::string& text) {
    const int fd = ::memfd_create("test", MFD_CLOEXEC);
    EXPECT_EQ(::write(fd, text.data(), text.size()), ssize_t(text.size()));
    ::lseek(fd, 0, SEEK_SET);
    return fd;
  }
  static std::string content(int fd) {
    std::string text(static_cast<std::size_t>(::lseek(fd, 0, SEEK_END)), '\0');
    EXPECT_EQ(::pread(fd, text.data(), text.size(), 0), ssize_t(text.size()));
    return text;
  }
  static io::Task<int> both(io::Loop& loop, base::Clock& clock, io::Task<int> task,
                            io::Task<>* others) {
    io::TaskGroup group(loop);
    if (others) group.spawn("others", std::move(*others));
    const int code =
        co_await io::within(clock, base::Duration(20'000), "the command", std::move(task));
    group.stop();
    co_await group.join();
    co_return code;
  }

  struct Quiet final : base::Log {
    void write(base::Level, std::string_view, const Fields&) override {}
  };

  io::Loop loop_;
  io::SystemClock clock_{loop_};
  io::SystemRandom random_;
  Quiet log_;
  std::unique_ptr<contract::Provider> server_;
  kube::Client client_{loop_, clock_,
                       kube::make_endpoint(kube::load_kubeconfig(
                           {server_->kubeconfig("admin", {"system:masters"})}))};
  WithLogs api_{client_};
  int out_ = -1;  // of the command that runs
  io::Event leave_;
};

}  // namespace cli
