#include "agent/launcher.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "base/text.h"

namespace agent {

using base::cat;
using protocol::StepType;

namespace {

constexpr std::size_t out_bytes_kept = 256 * 1024, err_bytes_kept = 4 * 1024;
constexpr std::size_t result_bytes_max = 8 * 1024 * 1024;
constexpr int first_signal_code = 128;  // as shells say it

// The program is there and cannot be executed: for want of rights, or with too long a task.
struct Unstartable : base::Error {
  using base::Error::Error;
};

std::string find_in(const std::string& path, const std::string& name) {
  if (name.contains('/')) return name.starts_with('/') ? name : cat("/workspace/", name);
  for (const std::string& folder : base::split(path, ':')) {
    std::string candidate = cat(folder, "/", name);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

std::string variable_in(const std::vector<std::string>& env, std::string_view name) {
  for (const std::string& one : env)
    if (one.starts_with(cat(name, "="))) return one.substr(name.size() + 1);
  return {};
}

void empty(const std::string& directory) {
  for (const std::string& name : io::list_directory(directory))
    io::remove_tree(cat(directory, "/", name));
}

void keep_tail(std::string& tail, std::string_view more, std::size_t limit) {
  tail += more;
  if (tail.size() > 2 * limit) tail.erase(0, tail.size() - limit);
}

std::string whole_characters(std::string text, std::size_t limit) {
  if (text.size() > limit) text.erase(0, text.size() - limit);
  while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xc0) == 0x80)
    text.erase(0, 1);
  return std::string(base::trim(text));
}

// Orphans of the program become ours; the program itself is for its Process to reap.
void reap_orphans(int program) {
  siginfo_t info{};
  while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0 &&
         info.si_pid != program) {
    ::waitpid(info.si_pid, nullptr, 0);
    info = {};
  }
}

io::Task<> reap_always(const io::Process& process) {
  for (;;) {
    co_await io::next_signal({SIGCHLD});
    reap_orphans(process.pid());
  }
}

}  // namespace

Launcher::Launcher(io::Loop& loop, base::Clock& clock, BridgeClient& bridge, LauncherConfig config,
                   LauncherSinks sinks)
    : loop_(loop),
      clock_(clock),
      bridge_(bridge),
      config_(std::move(config)),
      sinks_(std::move(sinks)) {}

void Launcher::note(StepType type, std::string text, bool failed) {
  protocol::Step step{.type = type, .text = std::move(text), .failed = failed};
  step.time = base::format_time_millis(clock_.now());
  sinks_.step(step);
}

void Launcher::stop(int signal) {
  stopped_by_ = signal;
  if (process_) process_->kill(signal);
}

io::Task<int> Launcher::run() {
  protocol::Hello hello{"sympozium-init"};
  const protocol::Welcome welcome = co_await bridge_.hello(std::move(hello));
  const bool again = welcome.attempt > 1 || welcome.execution > 1;
  note(StepType::start, cat("run ", welcome.ns, "/", welcome.name, " with ", welcome.model,
                            again ? ", run again from its start" : ""));
  if (welcome.outcome) {
    note(StepType::end, "the outcome was committed before");
    co_return 0;
  }
  if (again) {
    empty(config_.workspace);
    empty(config_.temporary);
  }
  io::remove_tree(config_.result_file);

  tell_task(welcome);
  const std::string program = find_in(variable_in(config_.env, "PATH"), config_.argv.front());
  if (program.empty() || ::access(program.c_str(), X_OK) != 0) {
    co_await commit(
        {protocol::RunStatus::error, "",
         cat("spec.harness.command: the image has no program \"", config_.argv.front(), "\"")});
    co_return 0;
  }
  if (stopped_by_ != 0) co_return first_signal_code + stopped_by_;
  const bool stuck = is_stuck(welcome.completed);
  std::optional<End> ended;
  std::string unstartable;
  try {
    ended = co_await run_program(program);
  } catch (const Unstartable& error) {
    unstartable = error.what();
  }
  if (!ended) {
    co_await commit({protocol::RunStatus::error, "", cat("spec.harness.command: ", unstartable)});
    co_return 0;
  }
  End end = std::move(*ended);
  if (stopped_by_ != 0) co_return first_signal_code + stopped_by_;
  if (end.code == 0) {
    co_await commit(success(std::move(end.out)));
    co_return 0;
  }
  const std::string words = cat("the program ended with code ", end.code);
  if (end.code >= first_signal_code || !stuck) {
    note(StepType::note, words, true);
    if (end.code < first_signal_code)
      io::write_file(config_.progress_file, std::to_string(welcome.completed), 0600);
    co_return end.code;
  }
  std::string error = cat(words, ", and so it did before, with no model call completed in between");
  if (const std::string last = whole_characters(std::move(end.err), err_bytes_kept); !last.empty())
    error += cat("; its last words: ", last);
  co_await commit({protocol::RunStatus::error, "", std::move(error)});
  co_return 0;
}

void Launcher::tell_task(const protocol::Welcome& welcome) {
  const std::pair<std::string, std::string> told[]{{"TASK", welcome.task},
                                                   {"SYSTEM_PROMPT", welcome.system}};
  for (const auto& [name, value] : told) config_.env.push_back(cat(name, "=", value));
  for (std::string& argument : config_.argv) {
    std::string expanded;
    for (std::size_t at = 0; at < argument.size();) {
      const auto* const named = std::ranges::find_if(told, [&](const auto& one) {
        return argument.compare(at, one.first.size() + 3, cat("$(", one.first, ")")) == 0;
      });
      const bool found = named != std::end(told);
      expanded += found ? named->second : std::string(1, argument[at]);
      at += found ? named->first.size() + 3 : 1;
    }
    argument = std::move(expanded);
  }
}

bool Launcher::is_stuck(std::int64_t completed) const {
  return io::find_file(config_.progress_file, 64) == std::to_string(completed);
}

io::Task<Launcher::End> Launcher::run_program(std::string program) {
  std::array<int, 2> out{}, err{};
  if (::pipe2(out.data(), O_CLOEXEC | O_NONBLOCK) < 0 ||
      ::pipe2(err.data(), O_CLOEXEC | O_NONBLOCK) < 0)
    io::throw_errno("making", "a pipe");
  const io::Fd out_read(out[0]), err_read(err[0]);
  io::Fd out_write(out[1]), err_write(err[1]);
  // The program's ends block, as it expects.
  for (const int fd : {out_write.get(), err_write.get()}) ::fcntl(fd, F_SETFL, 0);

  io::ProcessSpec spec;
  spec.argv = config_.argv;
  spec.argv.front() = std::move(program);
  spec.env = config_.env;
  spec.directory = config_.workspace;
  spec.fds = {{out_write.get(), 1}, {err_write.get(), 2}};
  std::optional<io::Process> started;
  try {
    started.emplace(loop_, spec);
  } catch (const base::Error& error) {
    throw Unstartable(error.code(), error.what());
  }
  io::Process& process = *started;
  out_write = {};
  err_write = {};
  process_ = &process;

  End end;
  {
    io::TaskGroup relays(loop_), reaping(loop_);
    relays.spawn("standard output", relay(out_read.get(), sinks_.out, end.out));
    relays.spawn("standard error", relay(err_read.get(), sinks_.err, end.err));
    reaping.spawn("orphans", reap_always(process));
    end.code = co_await process.wait();
    process_ = nullptr;
    reaping.stop();
    co_await reaping.join();
    // What it left running may hold its streams open for ever.
    constexpr base::Duration last_bytes{500};
    auto rest = relays.join();
    try {
      co_await io::within(clock_, last_bytes, "reading the last output", std::move(rest));
    } catch (const base::Error& error) {
      if (error.code() != base::Code::timeout) throw;
    }
  }
  end.out = whole_characters(std::move(end.out), out_bytes_kept);
  co_return end;
}

io::Task<> Launcher::relay(int fd, const std::function<void(std::string_view)>& sink,
                           std::string& tail) {
  std::array<char, 16 * 1024> buffer;
  while (const std::size_t count = co_await io::read_fd(fd, buffer)) {
    const std::string_view piece(buffer.data(), count);
    sink(piece);
    keep_tail(tail, piece, out_bytes_kept);
  }
}

protocol::Outcome Launcher::success(std::string out) const {
  try {
    if (auto written = io::find_file(config_.result_file, result_bytes_max);
        written && !written->empty())
      out = std::move(*written);
  } catch (const base::Error& error) {
    return {protocol::RunStatus::error, "", cat("its result cannot be taken: ", error.what())};
  }
  return {protocol::RunStatus::success, std::move(out), ""};
}

io::Task<> Launcher::commit(protocol::Outcome outcome) {
  outcome.text = base::repair_utf8(outcome.text);
  outcome.error = base::repair_utf8(outcome.error);
  const bool failed = outcome.status == protocol::RunStatus::error;
  std::string words = failed ? outcome.error : "success";
  co_await bridge_.finish(std::move(outcome));
  note(StepType::end, std::move(words), failed);
}

}  // namespace agent
