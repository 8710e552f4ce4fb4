#include "node/shim/containers.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "node/shim/spawn.h"

namespace node::shim {

namespace {

std::int64_t now_ms() { return wall_clock_ns() / 1'000'000; }

std::string content(const std::string& path) {
  std::ifstream in(path);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  return text.substr(0, 4096);
}

std::pair<Fd, Fd> make_pipe() {  // read end, write end
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) throw base::Error(base::Code::internal, "pipe failed");
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return {Fd(ends[0]), Fd(ends[1])};
}

}  // namespace

Containers::Containers(Poller& poller, Config config, std::function<void(const Record&)> changed)
    : poller_(poller), config_(std::move(config)), changed_(std::move(changed)) {
  ::mkdir(config_.directory.c_str(), 0700);
}

std::string Containers::file(const std::string& id, std::string_view suffix) const {
  return base::cat(config_.directory, "/", id, suffix);
}

std::vector<std::string> Containers::command(const std::string& id,
                                             std::vector<std::string> rest) const {
  std::vector<std::string> argv{config_.runtime, "--root=" + config_.directory + "/runtime",
                                "--log=" + file(id, ".log"), "--cgroup-manager=cgroupfs"};
  argv.insert(argv.end(), rest.begin(), rest.end());
  argv.push_back(id);
  return argv;
}

std::vector<Record> Containers::list() const {
  std::vector<Record> out;
  for (const auto& [id, container] : containers_) out.push_back(container.record);
  return out;
}

void Containers::obey(const Order& order) {
  if (const auto* run = std::get_if<Run>(&order)) return start(*run);
  const std::string& id =
      std::visit([](const auto& any) -> const std::string& { return any.id; }, order);
  auto at = containers_.find(id);
  if (const auto* kill = std::get_if<Kill>(&order)) {
    // A child that was not reaped keeps its pid, so this never meets somebody else.
    if (at != containers_.end() && at->second.record.state == State::running)
      ::kill(at->second.record.pid, kill->signal);
    return;
  }
  if (at != containers_.end()) return remove(at->second);
  Record gone;
  gone.id = id;
  gone.state = State::removed;
  changed_(gone);
}

void Containers::start(const Run& run) {
  if (containers_.contains(run.id)) return;
  Container& container = containers_[run.id];
  container.record.id = run.id;
  container.log = std::make_unique<LogWriter>(run.log);
  auto [out, out_end] = make_pipe();
  auto [err, err_end] = make_pipe();
  container.out = std::move(out);
  container.err = std::move(err);
  poller_.watch(container.out.get(), [this, id = run.id] { copy(id, Stream::out); });
  poller_.watch(container.err.get(), [this, id = run.id] { copy(id, Stream::err); });
  Child child;
  child.argv = command(
      run.id, {"run", "-d", "--bundle=" + run.bundle, "--pid-file=" + file(run.id, ".pid")});
  child.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  child.fds = {{out_end.get(), 1}, {err_end.get(), 2}};
  container.launch = spawn(child);
  changed_(container.record);
}

void Containers::copy(const std::string& id, Stream stream) {
  auto at = containers_.find(id);
  if (at == containers_.end()) return;
  Fd& pipe = stream == Stream::out ? at->second.out : at->second.err;
  char bytes[64 * 1024];
  for (int turn = 0; turn < 16; ++turn) {  // a chatty one leaves room for the others
    const ssize_t got = ::read(pipe.get(), bytes, sizeof bytes);
    if (got > 0) {
      at->second.log->add(stream, {bytes, static_cast<std::size_t>(got)}, wall_clock_ns());
      continue;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    poller_.forget(pipe.get());
    pipe.reset();
    return;
  }
}

void Containers::reaped(pid_t pid, int status) {
  for (auto& [id, container] : containers_) {
    if (container.launch == pid) return launched(container, status);
    if (container.removal == pid) return removed(std::string(id));
    if (container.record.state == State::running && container.record.pid == pid)
      return ended(container, status);
  }
  const bool launching =
      std::ranges::any_of(containers_, [](const auto& entry) { return entry.second.launch != 0; });
  if (launching)
    early_[pid] = status;
  else
    early_.clear();
}

void Containers::launched(Container& container, int status) {
  container.launch = 0;
  Record& record = container.record;
  record.started_at_ms = now_ms();
  record.pid =
      static_cast<int>(base::parse_int(base::trim(content(file(record.id, ".pid")))).value_or(0));
  if (status != 0 || record.pid <= 0) {
    record.state = State::failed;
    record.pid = 0;
    record.finished_at_ms = record.started_at_ms;
    record.message = base::trim(content(file(record.id, ".log")));
    if (record.message.empty())
      record.message = base::cat("the runtime ended with status ", WEXITSTATUS(status));
    changed_(record);
  } else {
    record.state = State::running;
    changed_(record);
    if (auto early = early_.extract(record.pid)) ended(container, early.mapped());
  }
  if (container.unwanted) remove(container);
}

void Containers::ended(Container& container, int status) {
  Record& record = container.record;
  // With the first process every other of its pid namespace has died: the pipes hold all there is,
  // at most their capacity, which one copy takes.
  if (container.out) copy(record.id, Stream::out);
  if (container.err) copy(record.id, Stream::err);
  container.log->finish(wall_clock_ns());
  record.state = State::exited;
  record.pid = 0;
  record.finished_at_ms = now_ms();
  record.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  record.exit_code = record.signal ? 128 + record.signal : WEXITSTATUS(status);
  changed_(record);
}

void Containers::remove(Container& container) {
  container.unwanted = true;
  if (container.launch || container.removal) return;
  Child child;
  child.argv = command(container.record.id, {"delete", "-f"});
  child.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  container.removal = spawn(child);
}

void Containers::removed(const std::string& id) {
  auto node = containers_.extract(id);
  Container& container = node.mapped();
  for (const Fd* pipe : {&container.out, &container.err})
    if (*pipe) poller_.forget(pipe->get());
  for (auto suffix : {".pid", ".log"}) ::unlink(file(id, suffix).c_str());
  container.record.state = State::removed;
  changed_(container.record);
}

}  // namespace node::shim
