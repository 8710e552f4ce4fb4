#include "executor/executor.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "base/json.h"
#include "base/text.h"
#include "executor/request.h"
#include "io/file.h"
#include "io/process.h"

namespace executor {

using base::cat;
using base::Json;

namespace {

constexpr std::size_t request_bytes_max = 4 * 1024 * 1024;

bool is_directory(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool exists(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0;
}

class Executor {
 public:
  Executor(io::Loop& loop, base::Clock& clock, base::Log& log, Config config)
      : loop_(loop),
        clock_(clock),
        log_(log),
        config_(std::move(config)),
        tools_(config_.ipc + "/tools"),
        running_(loop) {}

  io::Task<> run() {
    while (!is_directory(tools_)) {
      // The bridge makes it as it starts; we may be quicker.
      io::DirectoryWatch parent(loop_, config_.ipc);
      if (is_directory(tools_)) break;
      co_await parent.next();
    }
    io::DirectoryWatch requests(loop_, tools_);
    io::TaskGroup watching(loop_);
    io::Task<> ending = wait_for_end(watching);
    watching.spawn("watching for the end", std::move(ending));
    io::Task<> serving = serve(requests);
    watching.spawn("serving requests", std::move(serving));
    co_await watching.join();
    running_.stop();
  }

 private:
  io::Task<> wait_for_end(io::TaskGroup& group) {
    io::DirectoryWatch folder(loop_, config_.ipc);
    while (!io::find_file(config_.ipc + "/done", 64)) co_await folder.next();
    group.stop();
  }

  io::Task<> serve(io::DirectoryWatch& requests) {
    scan();
    for (;;) {
      auto changes = co_await requests.next();
      for (const auto& change : changes) {
        if (change.what == io::DirectoryWatch::Change::What::overflow) scan();
        if (change.what == io::DirectoryWatch::Change::What::appeared) start(change.name);
      }
    }
  }

  void scan() {
    for (const auto& name : io::list_directory(tools_)) start(name);
  }

  void start(const std::string& name) {
    auto id = find_request_id(name);
    if (!id || !begun_.insert(*id).second) return;
    if (exists(result_path(*id))) return;
    io::Task<> task = answer(*std::move(id), name);
    running_.spawn("command", std::move(task));
  }

  std::string result_path(const std::string& id) const { return cat(tools_, "/", result_file(id)); }

  io::Task<> answer(std::string id, std::string name) {
    Json result;
    try {
      // The commands may put anything here; a pipe in a file's place would hold us for ever.
      const io::Fd folder = io::open_directory(tools_);
      const std::string text = io::read_beneath(folder.get(), name, request_bytes_max);
      Request request = parse_request(text, config_.shell);
      if (!config_.target.empty() && !request.target.empty() && request.target != config_.target)
        co_return;
      result = co_await execute(std::move(request));
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
      log_.warn("request refused", {{"id", id}, {"error", error.what()}});
      result = {{"exitCode", 126}, {"stdout", ""}, {"stderr", error.what()}, {"timedOut", false}};
    }
    result.as_object()["id"] = id;
    const std::string text = base::to_text(result);
    try {
      io::write_file(result_path(id), text, 0644);
    } catch (const base::Error& error) {
      log_.warn("a result was not written", {{"id", id}, {"error", error.what()}});
    }
  }

  io::Task<Json> execute(Request request) {
    io::ProcessSpec spec;
    spec.argv = std::move(request.argv);
    spec.env = config_.environment;
    if (!request.call_id.empty()) spec.env.push_back("SYMPOZIUM_CALL_ID=" + request.call_id);
    spec.directory = !request.work_dir.empty()         ? request.work_dir
                     : is_directory(config_.workspace) ? config_.workspace
                                                       : "/";
    if (!is_directory(spec.directory))
      throw base::Error(base::Code::invalid, "workdir " + spec.directory + ": no such directory");
    bool timed_out = false;
    io::CommandResult done{124, "", ""};
    try {
      done = co_await io::run_command(loop_, clock_, std::move(spec), std::move(request.input),
                                      request.timeout);
    } catch (const base::Error& error) {
      if (error.code() != base::Code::timeout) throw;
      timed_out = true;
      done.err = cat("killed: no end after ", base::format_duration(request.timeout));
    }
    co_return Json{{"exitCode", done.code},
                   {"stdout", cut(done.out)},
                   {"stderr", cut(done.err)},
                   {"timedOut", timed_out}};
  }

  static std::string cut(const std::string& text) {
    std::string out = base::repair_utf8(base::clip(text, stream_bytes_max));
    if (text.size() > stream_bytes_max) out += cat("\n[cut: ", text.size(), " bytes in all]");
    return out;
  }

  io::Loop& loop_;
  base::Clock& clock_;
  base::Log& log_;
  Config config_;
  std::string tools_;
  std::set<std::string> begun_;
  io::TaskGroup running_;
};

}  // namespace

io::Task<> run(io::Loop& loop, base::Clock& clock, base::Log& log, Config config) {
  Executor executor(loop, clock, log, std::move(config));
  co_await executor.run();
}

}  // namespace executor
