// The shim's event loop: poll(2), timers and SIGCHLD, one thread. Small on purpose: the shim must
// outlive everything else, so it shares no code with what it restarts.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

namespace node::shim {

// Owns a descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept;
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset() { *this = Fd(); }

 private:
  int fd_ = -1;
};

std::int64_t wall_clock_ns();    // Unix time
std::int64_t steady_clock_ms();  // for waits

class Poller {
 public:
  // Blocks SIGCHLD, SIGTERM, SIGINT and SIGHUP for the process; they arrive by `on_signal`.
  Poller(std::function<void(int signal)> on_signal);

  void watch(int fd, std::function<void()> readable);  // until forgotten
  void forget(int fd);
  void after_ms(std::int64_t delay, std::function<void()> fire);
  void run();  // until stop()
  void stop() { stopped_ = true; }

 private:
  void deliver_signals();
  void fire_timers();
  std::function<void(int)> on_signal_;
  Fd signals_;
  std::map<int, std::function<void()>> watched_;
  std::multimap<std::int64_t, std::function<void()>> timers_;
  bool stopped_ = false;
};

// The signals that Poller blocks, for children to unblock.
void unblock_signals();

}  // namespace node::shim
