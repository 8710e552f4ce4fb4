#include "node/shim/poller.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"

namespace node::shim {

Fd::Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
Fd& Fd::operator=(Fd&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ >= 0) ::close(fd_);
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}
Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

namespace {

std::int64_t read_clock_ns(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

std::int64_t wall_clock_ns() { return read_clock_ns(CLOCK_REALTIME); }
std::int64_t steady_clock_ms() { return read_clock_ns(CLOCK_MONOTONIC) / 1'000'000; }

void unblock_signals() {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
}

Poller::Poller(std::function<void(int)> on_signal) : on_signal_(std::move(on_signal)) {
  ::signal(SIGPIPE, SIG_IGN);
  const sigset_t set = handled_signals();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = Fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals_) throw base::Error(base::Code::internal, "signalfd failed");
}

void Poller::watch(int fd, std::function<void()> readable) {
  watched_.insert_or_assign(fd, std::move(readable));
}

void Poller::forget(int fd) { watched_.erase(fd); }

void Poller::after_ms(std::int64_t delay, std::function<void()> fire) {
  timers_.emplace(steady_clock_ms() + delay, std::move(fire));
}

void Poller::deliver_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info)
    on_signal_(static_cast<int>(info.ssi_signo));
}

void Poller::fire_timers() {
  while (!timers_.empty() && timers_.begin()->first <= steady_clock_ms()) {
    auto fire = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    fire();
  }
}

void Poller::run() {
  std::vector<pollfd> polled;
  while (!stopped_) {
    polled.assign(1, {signals_.get(), POLLIN, 0});
    for (const auto& [fd, readable] : watched_) polled.push_back({fd, POLLIN, 0});
    std::int64_t wait = -1;
    if (!timers_.empty())
      wait = std::max<std::int64_t>(0, timers_.begin()->first - steady_clock_ms());
    ::poll(polled.data(), polled.size(), static_cast<int>(std::min<std::int64_t>(wait, 60'000)));
    // Readable pipes before dead children: what a container wrote belongs into its log first.
    for (std::size_t i = 1; i < polled.size(); ++i) {
      if (!polled[i].revents) continue;
      auto at = watched_.find(polled[i].fd);
      if (at == watched_.end()) continue;
      auto readable = at->second;  // it may forget itself
      readable();
    }
    if (polled[0].revents) deliver_signals();
    fire_timers();
  }
}

}  // namespace node::shim
