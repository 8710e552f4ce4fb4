#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <csignal>

#include "io/loop_impl.h"
#include "io/process.h"

namespace io {

namespace {

constexpr std::size_t output_bytes_max = 1024 * 1024;

struct Pipe {
  Fd out, in;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) throw_errno("making", "a pipe");
  return {Fd(ends[0]), Fd(ends[1])};
}

void make_non_blocking(const Fd& fd) {
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) < 0) throw_errno("changing", "a pipe");
}

// What the tasks around one command share; it outlives whoever is stopped first.
struct Streams {
  Fd in, out, err;  // our ends
  std::string input;
  CommandResult result{};
};

// More is read and dropped, so that the command is not stopped by a full pipe.
void keep(std::string& text, std::string_view more) {
  text += more.substr(0, output_bytes_max - text.size());
}

Task<> collect(std::shared_ptr<Streams> streams, int fd, std::string* into) {
  std::vector<char> buffer(64 * 1024);
  for (;;) {
    const std::span<char> room(buffer);
    const std::size_t size = co_await read_fd(fd, room);
    if (size == 0) co_return;
    keep(*into, {buffer.data(), size});
  }
}

// What is there now. A grandchild that kept the pipe open is not waited for.
void drain(const Fd& fd, std::string& into) {
  char buffer[16 * 1024];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || into.size() >= output_bytes_max) return;
    keep(into, {buffer, static_cast<std::size_t>(got)});
  }
}

// Ends without a word when the command does not read.
Task<> feed(std::shared_ptr<Streams> streams) {
  auto executor = co_await asio::this_coro::executor;
  asio::posix::stream_descriptor pipe(executor, streams->in.release());
  std::string_view rest = streams->input;
  while (!rest.empty()) {
    const ssize_t put = ::write(pipe.native_handle(), rest.data(), rest.size());
    if (put >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      auto [error] = co_await pipe.async_wait(asio::posix::stream_descriptor::wait_write, tuple);
      if (error) throw base::Error(base::Code::cancelled, "stopped");
    } else if (errno != EINTR) {
      co_return;
    }
  }
}

}  // namespace

Task<CommandResult> run_command(Loop& loop, base::Clock& clock, ProcessSpec spec, std::string input,
                                base::Duration deadline) {
  Pipe in = make_pipe(), out = make_pipe(), err = make_pipe();
  spec.fds.insert(spec.fds.end(), {{in.out.get(), 0}, {out.in.get(), 1}, {err.in.get(), 2}});
  auto streams = std::make_shared<Streams>();
  streams->in = std::move(in.in);
  streams->out = std::move(out.out);
  streams->err = std::move(err.out);
  streams->input = std::move(input);
  make_non_blocking(streams->in);
  make_non_blocking(streams->out);
  make_non_blocking(streams->err);

  spec.session_leader = true;
  struct KilledUnlessEnded {
    Process process;
    bool ended = false;
    ~KilledUnlessEnded() {
      if (!ended) process.kill_session(SIGKILL);
    }
  } child{Process(loop, spec)};
  in.out = Fd();  // the child's ends
  out.in = Fd();
  err.in = Fd();

  TaskGroup group(loop);
  group.spawn("standard input", feed(streams));
  group.spawn("standard output", collect(streams, streams->out.get(), &streams->result.out));
  group.spawn("standard error", collect(streams, streams->err.get(), &streams->result.err));
  const std::string& program = spec.argv[0];
  Task<int> end = child.process.wait();
  streams->result.code = co_await within(clock, deadline, program, std::move(end));
  child.ended = true;
  group.stop();
  co_await group.join();
  drain(streams->out, streams->result.out);
  drain(streams->err, streams->result.err);
  co_return std::move(streams->result);
}

}  // namespace io
