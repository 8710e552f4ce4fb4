#include "cli/follow.h"

#include "base/text.h"
#include "cli/recorded.h"
#include "io/http.h"
#include "io/sync.h"
#include "kube/watch.h"
#include "objects/agent_run.h"
#include "objects/pod.h"
#include "protocol/codec.h"
#include "protocol/names.h"

namespace cli {

using base::cat;
using base::Json;
using base::text_at;

namespace {

constexpr base::Duration log_grace{2000};  // for the end of the log once the run is over
constexpr base::Duration log_again{500};   // after a stream that broke
constexpr std::size_t log_line_max = 1024 * 1024;

std::string selector_of(const Json& run) {
  return cat(protocol::label_run_uid, "=", text_at(run, {"metadata", "uid"}));
}

// What the watches have told; wakes who waits for news.
struct Board {
  Json run;
  bool deleted = false, pods_listed = false;
  std::map<std::string, Json> pods;
  std::uint64_t version = 0;
  io::Event news;

  void touch() {
    ++version;
    news.set();
  }
  io::Task<> later_than(std::uint64_t seen) {
    while (version == seen) {
      news.clear();
      co_await news.wait();
    }
  }
  const Json* pod() const {
    const auto named = pods.find(text_at(run, {"status", "podName"}));
    if (named != pods.end()) return &named->second;
    return pods.empty() ? nullptr : &pods.rbegin()->second;
  }
};

class RunWatch final : public kube::WatchSink {
 public:
  RunWatch(Board& board, const FollowSinks& sinks)
      : board_(board), sinks_(sinks), uid_(text_at(board.run, {"metadata", "uid"})) {}
  void list_begins() override { found_ = false; }
  void put(const Json& run) override {
    if (text_at(run, {"metadata", "uid"}) != uid_) return;  // another one of that name
    found_ = true;
    board_.run = run;
    sinks_.run(run);
    board_.touch();
  }
  void gone(const Json& run) override {
    if (text_at(run, {"metadata", "uid"}) == uid_) lose();
  }
  void listed() override {
    if (!found_) lose();
  }

 private:
  void lose() {
    board_.deleted = true;
    board_.touch();
  }
  Board& board_;
  const FollowSinks& sinks_;
  std::string uid_;
  bool found_ = false;
};

class PodWatch final : public kube::WatchSink {
 public:
  explicit PodWatch(Board& board) : board_(board) {}
  void list_begins() override { listed_.clear(); }
  void put(const Json& pod) override {
    const std::string name = text_at(pod, {"metadata", "name"});
    board_.pods[name] = pod;
    listed_[name] = pod;
    board_.touch();
  }
  void gone(const Json& pod) override {
    board_.pods.erase(text_at(pod, {"metadata", "name"}));
    board_.touch();
  }
  void listed() override {
    board_.pods = listed_;
    board_.pods_listed = true;
    board_.touch();
  }

 private:
  Board& board_;
  std::map<std::string, Json> listed_;
};

class Follower {
 public:
  Follower(Session& session, Json run, std::string container, FollowSinks sinks)
      : session_(session),
        container_(std::move(container)),
        sinks_(std::move(sinks)),
        ns_(text_at(run, {"metadata", "namespace"})),
        group_(session.loop) {
    board_.run = std::move(run);
  }

  io::Task<Followed> run() {
    kube::WatchSettings runs{
        .collection = {&objects::AgentRun::info, ns_, {}, {}},
        .field_selector = cat("metadata.name=", text_at(board_.run, {"metadata", "name"}))};
    kube::WatchSettings pods{.collection = {&objects::Pod::info, ns_, {}, {}},
                             .label_selector = selector_of(board_.run)};
    RunWatch run_watch(board_, sinks_);
    PodWatch pod_watch(board_);
    kube::Watcher run_watcher(session_.clock, session_.random, session_.log, session_.api,
                              std::move(runs), run_watch);
    kube::Watcher pod_watcher(session_.clock, session_.random, session_.log, session_.api,
                              std::move(pods), pod_watch);
    group_.spawn("run", run_watcher.run());
    group_.spawn("pods", pod_watcher.run());
    group_.spawn("log", read_logs());
    if (sinks_.delta) group_.spawn("deltas", read_deltas());
    group_.spawn("leave", wait_for_user());
    group_.spawn("end", wait_for_end());
    co_await group_.join();
    co_return Followed{end_, std::move(board_.run)};
  }

 private:
  io::Task<> wait_for_user() {
    co_await session_.interrupted();
    group_.stop();
  }

  io::Task<> wait_for_end() {
    while (!board_.deleted && !is_over(board_.run)) {
      auto news = board_.later_than(board_.version);
      co_await std::move(news);
    }
    end_ = board_.deleted ? Followed::End::deleted : Followed::End::over;
    if (!board_.deleted) {
      auto rest = log_read_.wait();
      co_await at_most(log_grace, std::move(rest));
    }
    group_.stop();
  }

  io::Task<> read_logs() {
    LogSource reading;
    std::size_t lines = 0;
    bool complete = true;
    for (;;) {
      const auto seen = board_.version;
      const Json* pod = board_.pod();
      const auto source = pod ? find_log(*pod, container_) : std::nullopt;
      if (source && !source->is_log_of(reading)) {
        lines = 0;
        complete = false;
      }
      if (source) reading = *source;
      const bool over = is_over(board_.run);
      if (complete && over && board_.pods_listed) break;
      if (complete) {
        co_await board_.later_than(seen);
        continue;
      }
      const bool whole = co_await read_once(reading, lines);
      complete = whole && (reading.terminated || over || said_end_);
      if (!whole && over) break;
      if (!complete) {
        auto news = board_.later_than(seen);
        co_await at_most(log_again, std::move(news));
      }
    }
    log_read_.set();
  }

  // A server without a journal, or one that does not let us read it, shows none.
  io::Task<> read_deltas() {
    const std::string path = cat(protocol::journal_path(ns_, "rundeltas"),
                                 "?watch=true&run=", text_at(board_.run, {"metadata", "uid"}));
    for (;;) {
      try {
        std::string asked = path;
        auto stream = co_await session_.raw.open_path(std::move(asked));
        co_await read_lines(*stream, [this](std::string_view line) {
          const auto event = protocol::from_text<protocol::RunEvent>(std::string(line));
          sinks_.delta(schema::read<protocol::ModelDelta>(event.data));
        });
      } catch (const base::Error& error) {
        if (error.code() != base::Code::unavailable && error.code() != base::Code::timeout) {
          if (error.code() == base::Code::cancelled) throw;
          co_return;
        }
      }
      co_await io::sleep(session_.clock, log_again);
    }
  }

  // Reads one stream to its end, telling the lines behind `lines`; false when it broke.
  io::Task<bool> read_once(LogSource source, std::size_t& lines) {
    said_end_ = false;
    try {
      kube::Ref pod{&objects::Pod::info, ns_, source.pod, {}};
      kube::LogOptions options;
      options.container = container_;
      options.follow = true;
      auto stream = co_await session_.api.log(std::move(pod), std::move(options));
      io::LineSplitter splitter(log_line_max);
      std::size_t number = 0;
      for (;;) {
        auto piece = co_await stream->next();
        if (!piece) break;
        splitter.add(*piece);
        while (auto line = splitter.next()) take(*line, ++number, lines);
      }
      if (auto rest = splitter.rest(); !rest.empty()) take(rest, ++number, lines);
      co_return true;
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
    }
    co_return false;
  }

  void take(const std::string& line, std::size_t number, std::size_t& lines) {
    said_end_ = line.starts_with('{') && line.find("\"type\":\"end\"") != line.npos;
    if (number <= lines) return;
    lines = number;
    sinks_.log_line(line);
  }

  io::Task<> at_most(base::Duration limit, io::Task<> task) {
    try {
      co_await io::within(session_.clock, limit, "waiting", std::move(task));
    } catch (const base::Error& error) {
      if (error.code() != base::Code::timeout) throw;
    }
  }

  Session& session_;
  std::string container_;
  FollowSinks sinks_;
  std::string ns_;
  Board board_;
  io::Event log_read_;
  bool said_end_ = false;
  Followed::End end_ = Followed::End::left;
  io::TaskGroup group_;  // last: its tasks use all of the above
};

}  // namespace

std::optional<LogSource> find_log(const Json& pod, std::string_view container) {
  for (std::string_view list : {"containerStatuses", "initContainerStatuses"}) {
    const Json* statuses = base::find(pod, {"status", list});
    if (!statuses || !statuses->is_array()) continue;
    for (const Json& status : statuses->get_array()) {
      if (text_at(status, {"name"}) != container) continue;
      const bool terminated = base::find(status, {"state", "terminated"});
      if (!terminated && !base::find(status, {"state", "running"})) return {};
      return LogSource{text_at(pod, {"metadata", "name"}), text_at(pod, {"metadata", "uid"}),
                       base::find_int(status, {"restartCount"}).value_or(0), terminated};
    }
  }
  return {};
}

io::Task<Followed> follow(Session& session, Json run, std::string container, FollowSinks sinks) {
  Follower follower(session, std::move(run), std::move(container), std::move(sinks));
  Followed followed = co_await follower.run();
  co_return followed;
}

io::Task<std::optional<Json>> find_pod(Session& session, Json run) {
  kube::Ref pods{&objects::Pod::info, text_at(run, {"metadata", "namespace"}), {}, {}};
  kube::ListOptions options;
  options.label_selector = selector_of(run);
  kube::Page page = co_await session.api.list(std::move(pods), std::move(options));
  const std::string named = text_at(run, {"status", "podName"});
  std::optional<Json> newest;
  for (Json& pod : page.items) {
    if (text_at(pod, {"metadata", "name"}) == named) co_return std::move(pod);
    if (!newest || text_at(*newest, {"metadata", "creationTimestamp"}) <
                       text_at(pod, {"metadata", "creationTimestamp"}))
      newest = std::move(pod);
  }
  co_return newest;
}

}  // namespace cli
