#include "node/pod_worker.h"

#include <filesystem>

#include "base/text.h"
#include "io/file.h"
#include "node/pod_worker_impl.h"
#include "node/refusals.h"
#include "node/sandbox.h"
#include "node/shim/host.h"
#include "node/status.h"

namespace node {

using base::cat;
using base::Json;
using State = ContainerRecord::State;

namespace {

constexpr base::Duration repeat_orders{2'000};
constexpr base::Duration first_retry{200}, most_retry{10'000};

std::int64_t version(const Json& pod) {
  return base::parse_int(base::text_at(pod, {"metadata", "resourceVersion"})).value_or(0);
}

}  // namespace

PodWorker::Impl::Impl(World w, Json p)
    : world(w),
      pod(std::move(p)),
      directory(w.settings.pods_directory + "/" + uid(pod)),
      cgroup(w.settings.cgroup + "/pod" + uid(pod)),
      bundles(directory),
      volumes(directory + "/volumes", w.settings.gateway_directory) {}

PodWorker::PodWorker(World world, Json pod)
    : impl_(std::make_shared<Impl>(world, std::move(pod))) {}
PodWorker::~PodWorker() = default;

const Json& PodWorker::pod() const { return impl_->pod; }

void PodWorker::update(Json pod) {
  if (version(pod) < version(impl_->pod)) return;  // older than the answer to our own patch
  impl_->pod = std::move(pod);
  impl_->woken.set();
}

void PodWorker::gone() {
  impl_->vanished = true;
  impl_->woken.set();
}

void PodWorker::wake() { impl_->woken.set(); }

std::vector<std::string> PodWorker::log_files(const std::string& container, bool previous) const {
  const auto& known = record_of(impl_->record, container);
  const std::int64_t attempt = known.attempts - (previous ? 2 : 1);
  if (attempt < 0) return {};
  const std::string log = impl_->bundles.bundle(container, attempt).log;
  return {log + ".1", log};
}

bool PodWorker::is_running(const std::string& container) const {
  const auto state = record_of(impl_->record, container).state;
  return state == State::running || state == State::starting;
}

io::Task<> PodWorker::run() {
  auto impl = impl_;
  co_await impl->load();
  io::TaskGroup beside(impl->world.loop);
  beside.spawn("telling the API server of " + title(impl->pod), impl->publish());
  beside.spawn("renewing tokens of " + title(impl->pod), impl->renew_tokens());
  beside.spawn("guarding the disk from " + title(impl->pod), impl->guard_disks());
  while (!impl->vanished) co_await impl->turn();
  beside.stop();
  co_await beside.join();
  co_await impl->clear_up();
}

io::Task<> PodWorker::Impl::load() {
  auto read = [file = directory + "/record.json"] { return io::find_file(file); };
  std::optional<std::string> text = co_await world.blocking.run(read);
  if (text) record = decode_record(base::parse_json(*text));
  const std::string phase = base::text_at(pod, {"status", "phase"});
  forgotten = !text && (phase == "Succeeded" || phase == "Failed");
  saved = record;
}

io::Task<> PodWorker::Impl::save() {
  if (record == saved) co_return;
  saved = record;
  auto write = [directory = directory, text = base::to_text(encode(record))] {
    io::make_directories(directory, 0700);
    io::write_file(directory + "/record.json", text, 0600);
  };
  co_await world.blocking.run(write);
}

void PodWorker::Impl::begin() {
  if (record.started) return;
  record.started = world.clock.now();
  const auto refused = refusals(pod);
  if (refused.empty()) return;
  record.ending = Ending{Ending::Why::failed, "UnexpectedAdmissionError",
                         "Pod was rejected: " + base::format(refused), world.clock.now()};
}

void PodWorker::Impl::show_back_off(const Step& step) {
  for (const auto& container : step.backing_off) {
    ContainerRecord& known = of(container);
    known.waiting_reason = "CrashLoopBackOff";
    known.waiting_message =
        cat("back-off ", known.delay_ms / 1000, "s restarting failed container=", container,
            " pod=", name(pod), "_", space(pod), "(", uid(pod), ")");
  }
}

// One look at everything and what follows from it.
io::Task<> PodWorker::Impl::turn() {
  woken.clear();
  if (forgotten) {  // it ended under a node whose state is lost: it is not run again
    if (is_deleted(pod)) co_await world.cluster.remove_pod(pod);
    co_await woken.wait();
    co_return;
  }
  co_await observe();
  begin();
  Step step = decide(pod, record, world.clock.now());
  if (step.ending) record.ending = step.ending;
  co_await save();
  remove_ended();
  for (const auto& order : step.stop) stop(order);
  show_back_off(step);
  if (!record.ending) {  // also when all runs already: a node that was restarted renews tokens
    bool can = co_await try_prepare();
    for (const auto& container : step.start)
      if (can && !record.ending && !vanished) co_await start(container);
    if (blocked_until && (!step.look_again || *blocked_until < *step.look_again))
      step.look_again = blocked_until;
  }
  if (step.over && !record.over) co_await finish_pod();
  co_await save();
  wanted_status = pod_status(pod, record, world.settings.facts, world.clock.now(), image_ids);
  status_due.set();
  co_await wait(step.look_again);
}

io::Task<> PodWorker::Impl::wait(std::optional<base::Time> until) {
  bool waits_for_shim = false;
  for (const auto& [name, known] : record.containers)
    waits_for_shim |= known.state == State::starting || known.told_to_stop.has_value();
  const base::Time now = world.clock.now();
  if (waits_for_shim && (!until || now + repeat_orders < *until)) until = now + repeat_orders;
  if (woken.is_set()) co_return;
  if (!until) {
    co_await woken.wait();
    co_return;
  }
  const auto timer =
      world.clock.call_after(std::max(*until - now, base::Duration(1)), [this] { woken.set(); });
  std::exception_ptr stopped;
  try {
    co_await woken.wait();
  } catch (...) {
    stopped = std::current_exception();
  }
  world.clock.cancel(timer);
  if (stopped) std::rethrow_exception(stopped);
}

// Everything has ended: gives back what a finished pod need not hold. Logs stay, and disk volumes,
// unless they were too much.
io::Task<> PodWorker::Impl::finish_pod() {
  record.over = true;
  record.ready_to_start = false;
  prepared = false;
  const bool evicted = record.ending && record.ending->reason == "Evicted";
  auto release = [store = volumes, scratch = bundles, namespaces = sandbox(),
                  known = record.containers, evicted] {
    for (const auto& [container, each] : known)
      if (each.attempts > 0) scratch.release(container, each.attempts - 1);
    evicted ? store.remove() : store.remove_memory();
    scratch.remove_scratch();
    remove_sandbox(namespaces);
  };
  co_await world.blocking.run(release);
}

// Sends the newest status whenever it differs from what the server has; the last word of a deleted
// pod is its removal.
io::Task<> PodWorker::Impl::publish() {
  base::Duration retry = first_retry;
  for (;;) {
    co_await status_due.wait();
    status_due.clear();
    bool failed = false;
    try {
      if (auto patch = status_patch(pod, wanted_status)) {
        Json answer = co_await world.cluster.patch_status(pod, std::move(*patch));
        if (version(answer) >= version(pod)) pod = std::move(answer);
      }
      if (record.over && is_deleted(pod)) co_await world.cluster.remove_pod(pod);
      retry = first_retry;
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
      failed = true;
      world.log.warn("telling the API server", {{"pod", title(pod)}, {"error", error.what()}});
    }
    if (!failed) continue;
    co_await io::sleep(world.clock, retry);
    retry = std::min(retry * 2, most_retry);
    status_due.set();
  }
}

// The pod is no more: nothing of it stays.
io::Task<> PodWorker::Impl::clear_up() {
  const std::string prefix = uid(pod) + ".";
  for (;;) {
    woken.clear();
    bool left = false;
    for (const auto& seen : world.runtime.list()) {
      if (!seen.id.starts_with(prefix)) continue;
      left = true;
      world.runtime.remove(seen.id);
    }
    if (!left) break;
    co_await wait(world.clock.now() + repeat_orders);
  }
  auto remove = [store = volumes, scratch = bundles, namespaces = sandbox(), group = cgroup] {
    shim::remove_cgroup(group);
    store.remove();
    remove_sandbox(namespaces);
    scratch.remove();
  };
  co_await world.blocking.run(remove);
}

io::Task<> clear_orphans(World world, std::set<std::string> known_uids) {
  const std::string pods = world.settings.pods_directory;
  for (const auto& seen : world.runtime.list())
    if (!known_uids.contains(seen.id.substr(0, seen.id.find('.')))) world.runtime.remove(seen.id);
  auto clear = [pods, known_uids, group = world.settings.cgroup] {
    io::make_directories(pods, 0700);
    for (const auto& each : io::list_directory(pods)) {
      if (known_uids.contains(each)) continue;
      const std::string directory = pods + "/" + each;
      shim::remove_cgroup(group + "/pod" + each);
      VolumeStore(directory + "/volumes", "").remove();
      remove_sandbox(directory + "/ns");
      ContainerStore(directory).remove();
    }
  };
  co_await world.blocking.run(clear);
}

}  // namespace node
