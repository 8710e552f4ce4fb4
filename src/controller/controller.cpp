#include "controller/controller.h"

#include "base/text.h"

namespace controller {

namespace {

// Somebody was faster: nothing to worry about, look again.
bool is_conflict(std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const base::Error& error) {
    return error.code() == base::Code::conflict;
  } catch (...) {
    return false;
  }
}

}  // namespace

Controller::Controller(io::Loop& loop, base::Clock& clock, base::Random& random, base::Log& log,
                       Metrics& metrics, std::string name, Reconcile reconcile,
                       ControllerSettings settings)
    : loop_(loop),
      clock_(clock),
      log_(log),
      metrics_(metrics),
      name_(std::move(name)),
      reconcile_(std::move(reconcile)),
      settings_(settings),
      queue_(clock, random, settings.backoff) {
  metrics_.watch("sympozium_queue_depth", {{"controller", name_}},
                 [this] { return static_cast<double>(queue_.size()); });
}

Controller::~Controller() { metrics_.unwatch("sympozium_queue_depth", {{"controller", name_}}); }

io::Task<> Controller::run() {
  io::TaskGroup workers(loop_);
  for (std::size_t i = 0; i < settings_.workers; ++i) workers.spawn(name_, work());
  co_await workers.join();
}

io::Task<> Controller::work() {
  for (;;) {
    std::optional<Key> key = co_await queue_.next();
    if (!key) co_return;
    co_await attempt(*key);
    queue_.done(*key);
  }
}

io::Task<> Controller::attempt(Key key) {
  const base::Instant begun = clock_.steady();
  std::exception_ptr failure;
  try {
    auto task = reconcile_(key);
    std::string what = base::cat("reconciling ", name_, " ", key.text());
    const Result result =
        co_await io::within(clock_, settings_.deadline, std::move(what), std::move(task));
    queue_.forget(key);
    if (result.again_after) queue_.add_after(key, *result.again_after);
  } catch (...) {
    failure = std::current_exception();
  }
  // A wait that somebody else gave up is a failure like any other; if we are stopped, this throws.
  if (failure && io::is_cancelled(failure)) co_await io::yield();
  const std::string result(failure ? report(key, failure) : "ok");
  if (failure) queue_.retry(key);
  metrics_.count("sympozium_reconcile_total", {{"controller", name_}, {"result", result}});
  metrics_.observe("sympozium_reconcile_seconds", {{"controller", name_}}, clock_.steady() - begun);
}

std::string_view Controller::report(const Key& key, std::exception_ptr failure) const {
  const bool conflict = is_conflict(failure);
  log_.write(conflict ? base::Level::debug : base::Level::warn, "reconcile failed",
             {{"controller", name_}, {"object", key.text()}, {"error", io::describe(failure)}});
  return conflict ? "conflict" : "error";
}

}  // namespace controller
