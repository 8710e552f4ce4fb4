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
constexpr std::string_view unknown =
    "outcome unknown: the tool sidecar was restarted while this command ran; it may have had its "
    "effect. Look before you repeat it.";

enum class Claimed : bool { no, before };  // before: by an executor that is gone

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
    for (const auto& name : io::list_directory(tools_))
      if (auto id = find_claimed_id(name)) start(*std::move(id), name, Claimed::before);
    scan();
    for (;;) {
      auto changes = co_await requests.next();
      for (const auto& change : changes) {
        if (change.what == io::DirectoryWatch::Change::What::overflow) scan();
        if (change.what == io::DirectoryWatch::Change::What::appeared) look_at(change.name);
      }
    }
  }

  void scan() {
    for (const auto& name : io::list_directory(tools_)) look_at(name);
  }

  void look_at(const std::string& name) {
    if (auto id = find_request_id(name)) start(*std::move(id), name, Claimed::no);
  }

  void start(std::string id, std::string name, Claimed claimed) {
    if (!begun_.insert(id).second || exists(result_path(id))) return;
    io::Task<> task = answer(std::move(id), std::move(name), claimed);
    running_.spawn("command", std::move(task));
  }

  std::string result_path(const std::string& id) const { return cat(tools_, "/", result_file(id)); }

  // Nothing when it was answered and cleared away.
  static std::optional<std::string> read(int folder, const std::string& name) {
    try {
      return io::read_beneath(folder, name, request_bytes_max);
    } catch (const base::Error& error) {
      if (error.code() != base::Code::not_found) throw;
      return {};
    }
  }

  // Whoever claims a request has begun it, so that it is not begun again after him.
  static bool claim(int folder, const std::string& id, const std::string& name) {
    if (::renameat(folder, name.c_str(), folder, claimed_file(id).c_str()) == 0) return true;
    if (errno != ENOENT) io::throw_errno("claiming", name);
    return false;
  }

  io::Task<> answer(std::string id, std::string name, Claimed claimed) {
    Json result;
    try {
      // The commands may put anything here; a pipe in a file's place would hold us for ever.
      const io::Fd folder = io::open_directory(tools_);
      const auto text = read(folder.get(), name);
      if (!text) co_return;
      Request request = parse_request(*text, config_.shell);
      if (!config_.target.empty() && !request.target.empty() && request.target != config_.target)
        co_return;
      if (claimed == Claimed::no && !claim(folder.get(), id, name)) co_return;
      if (claimed == Claimed::before && !request.idempotent)
        result = failure(137, unknown);
      else
        result = co_await execute(std::move(request));
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
      log_.warn("request refused", {{"id", id}, {"error", error.what()}});
      result = failure(126, error.what());
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

  static Json failure(int exit_code, std::string_view why) {
    return {{"exitCode", exit_code}, {"stdout", ""}, {"stderr", why}, {"timedOut", false}};
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
