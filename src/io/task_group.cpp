#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <map>

#include "io/loop.h"
#include "io/loop_impl.h"
#include "io/sync.h"

namespace io {

struct TaskGroup::Impl {
  explicit Impl(Loop::Impl& l) : context(l.context), loop_alive(l.alive) {}
  asio::io_context& context;
  std::shared_ptr<bool> loop_alive;
  std::uint64_t last = 0;
  struct Running {
    asio::cancellation_signal signal;
    bool begun = false;
  };
  std::map<std::uint64_t, std::shared_ptr<Running>> running;
  std::list<asio::steady_timer*> stopped_joiners;  // wait for the end although they are stopped
  bool stopping = false;
  std::exception_ptr error;
  Event empty;

  void stop() {
    stopping = true;
    auto told = running;  // a task may end while being told
    // Asio lets a task that is cancelled before it begins throw out of the loop: such a one finds
    // out by `stopping`.
    for (auto& [id, task] : told)
      if (task->begun) task->signal.emit(asio::cancellation_type::terminal);
  }

  void ended(std::uint64_t id, std::exception_ptr why) {
    running.erase(id);
    if (why && !error && !is_cancelled(why)) {
      error = why;
      stop();
    }
    if (!running.empty()) return;
    empty.set();
    for (auto* joiner : stopped_joiners) joiner->cancel();
  }
};

TaskGroup::TaskGroup(Loop& loop) : impl_(std::make_shared<Impl>(loop.impl())) {
  impl_->empty.set();
}

TaskGroup::~TaskGroup() {
  if (!*impl_->loop_alive) return;
  impl_->stop();
  auto& context = impl_->context;
  if (context.get_executor().running_in_this_thread()) return;
  // The loop stands still: let the tasks end now, while what they refer to is still there.
  context.restart();
  while (!impl_->running.empty() && context.poll_one() > 0) {}
}

namespace {

// Names the task in its failure. A task spawned into a stopped group does not begin.
Task<> named(std::string name, Task<> task, std::shared_ptr<const bool> stopping,
             std::shared_ptr<bool> begun) {
  if (*stopping) throw base::Error(base::Code::cancelled, "stopped");
  *begun = true;
  co_await asio::this_coro::throw_if_cancelled(false);
  try {
    co_await std::move(task);
  } catch (const base::Error& error) {
    if (error.code() == base::Code::cancelled) throw;
    throw base::within(name, error);
  }
}

}  // namespace

void TaskGroup::spawn(std::string name, Task<> task) {
  auto state = impl_;
  const auto id = ++state->last;
  auto running = std::make_shared<Impl::Running>();
  state->running.emplace(id, running);
  state->empty.clear();
  std::shared_ptr<const bool> stopping(state, &state->stopping);
  std::shared_ptr<bool> begun(running, &running->begun);
  asio::co_spawn(state->context,
                 named(std::move(name), std::move(task), std::move(stopping), std::move(begun)),
                 asio::bind_cancellation_slot(
                     running->signal.slot(),
                     [state, id, running](std::exception_ptr error) { state->ended(id, error); }));
}

void TaskGroup::stop() { impl_->stop(); }

Task<> TaskGroup::join() {
  auto state = impl_;
  bool stopped = false;
  try {
    co_await state->empty.wait();
  } catch (const base::Error&) {
    stopped = true;
  }
  if (stopped) {
    // Our tasks may refer to the frame of whoever joins them: they end first.
    state->stop();
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, asio::steady_timer::time_point::max());
    auto at = state->stopped_joiners.insert(state->stopped_joiners.end(), &timer);
    while (!state->running.empty())
      co_await timer.async_wait(asio::bind_cancellation_slot(asio::cancellation_slot(), tuple));
    state->stopped_joiners.erase(at);
    throw base::Error(base::Code::cancelled, "stopped");
  }
  if (auto error = std::exchange(state->error, nullptr)) std::rethrow_exception(error);
}

std::size_t TaskGroup::size() const { return impl_->running.size(); }

}  // namespace io
