#include <csignal>

#include "base/text.h"
#include "io/file.h"
#include "node/pod_worker_impl.h"
#include "node/sandbox.h"
#include "node/shim/host.h"

namespace node {

using base::cat;
using base::Json;
using State = ContainerRecord::State;

namespace {

constexpr int lost_exit_code = 137, start_error_code = 128;

base::Time time_of(std::int64_t ms) { return base::Time(base::Duration(ms)); }

std::string container_id(const Json& pod, const std::string& container, std::int64_t attempt) {
  return cat(uid(pod), ".", container, ".", attempt);
}

Ended lost(const ContainerRecord& record, base::Time now) {
  return {record.id,
          lost_exit_code,
          0,
          "ContainerStatusUnknown",
          "The container could not be located when the pod was updated; its node was restarted",
          record.started,
          now};
}

// What an image lacks, as a kubelet says it.
void note_missing_image(ContainerRecord& record, const Json& spec) {
  const std::string image = base::text_at(spec, {"image"});
  if (base::text_at(spec, {"imagePullPolicy"}) == "Never") {
    record.waiting_reason = "ErrImageNeverPull";
    record.waiting_message =
        cat("Container image \"", image, "\" is not present with pull policy of Never");
  } else {
    record.waiting_reason = "ErrImagePull";
    record.waiting_message =
        cat("failed to pull image \"", image,
            "\": this node pulls none; bring it with `sympozium image import FILE`");
  }
}

}  // namespace

const Json* PodWorker::Impl::spec_of(const std::string& container) const {
  for (const auto& each : containers(pod))
    if (each.name == container) return each.spec;
  return nullptr;
}

io::Task<> PodWorker::Impl::observe() {
  std::vector<std::string> names;
  for (const auto& [name, known] : record.containers)
    if (known.state == State::starting || known.state == State::running) names.push_back(name);
  for (const auto& name : names) {
    ContainerRecord& known = of(name);
    const auto seen = world.runtime.find(known.id);
    if (!seen && known.state == State::running) {
      note_end(known, lost(known, world.clock.now()));
    } else if (!seen && !ordered.contains(known.id)) {  // ordered by a node before us, never heard
      --known.attempts;
      known.id.clear();
      known.state = known.last ? State::ended : State::waiting;
      known.ended = std::exchange(known.last, std::nullopt);
    } else if (!seen) {
      const Bundle bundle = bundles.bundle(name, known.attempts - 1);
      world.runtime.run({known.id, bundle.directory, bundle.log});
    } else if (seen->state == shim::State::running) {
      known.state = State::running;
      known.started = time_of(seen->started_at_ms);
      known.waiting_reason.clear();
      known.waiting_message.clear();
    } else if (seen->state == shim::State::exited || seen->state == shim::State::failed) {
      co_await observe_end(name, *seen);
    }
  }
}

io::Task<> PodWorker::Impl::observe_end(std::string container, Record seen) {
  const std::int64_t attempt = of(container).attempts - 1;
  const Bundle bundle = bundles.bundle(container, attempt);
  const Json* spec = spec_of(container);
  const bool failed_start = seen.state == shim::State::failed;
  const bool to_logs =
      spec && seen.exit_code != 0 &&
      base::text_at(*spec, {"terminationMessagePolicy"}) == "FallbackToLogsOnError";
  const std::string group = cat(cgroup, "/", container, ".", attempt);
  struct Look {
    std::string message;
    int oom_kills;
  };
  auto look = [bundle, to_logs, group] {
    return Look{termination_message(bundle, to_logs), shim::oom_kills(group)};
  };
  Look found = co_await world.blocking.run(look);
  Ended ended{seen.id,
              seen.exit_code,
              0,
              seen.exit_code == 0 ? "Completed" : "Error",
              found.message,
              time_of(seen.started_at_ms),
              time_of(seen.finished_at_ms)};
  if (found.oom_kills > 0 && seen.exit_code != 0) ended.reason = "OOMKilled";
  if (failed_start) {
    ended.exit_code = start_error_code;
    ended.reason = "StartError";
    ended.message = base::repair_utf8(seen.message);
  }
  note_end(of(container), std::move(ended));
}

io::Task<> PodWorker::Impl::start(std::string container) {
  const Json* spec = spec_of(container);
  const std::optional<Image> image = world.images.find(base::text_at(*spec, {"image"}));
  auto blocked = [&](std::string reason, std::string message) {
    of(container).waiting_reason = std::move(reason);
    of(container).waiting_message = std::move(message);
  };
  if (!image) {
    note_missing_image(of(container), *spec);
    blocked_until = world.clock.now() + std::chrono::seconds(5);  // somebody may bring it
    co_return;
  }
  image_ids[container] = image->id;
  auto who = identity(pod, *spec, image->config.user);
  if (!who) {
    blocked("CreateContainerConfigError", who.error());
    co_return;
  }
  Variables variables = image->config.environment;
  variables.emplace_back("HOSTNAME", hostname_of(pod));
  auto environment_of = environment(pod, *spec, variables, sources, world.settings.facts);
  if (!environment_of) {
    blocked("CreateContainerConfigError", environment_of.error());
    prepared = false;  // what is missing may come
    blocked_until = world.clock.now() + std::chrono::seconds(2);
    co_return;
  }

  ContainerPlan plan;
  plan.root_access = root_access(*spec);
  plan.command = command_line(*spec, image->config.command, *environment_of);
  plan.environment = std::move(*environment_of);
  plan.directory = base::find_string(*spec, {"workingDir"}).value_or(image->config.directory);
  if (plan.directory.empty()) plan.directory = "/";
  plan.identity = *who;
  plan.capabilities = capabilities(*spec);
  plan.may_gain_privileges = may_gain_privileges(*spec);
  plan.sandbox = sandbox_paths(sandbox());
  plan.resources = oci_resources(*spec, world.settings.machine);
  plan.oom_score = oom_score(pod, *spec, world.settings.machine);

  ContainerRecord& known = of(container);
  const std::int64_t attempt = known.attempts;
  plan.cgroup = cat(cgroup, "/", container, ".", attempt);
  std::set<std::string> read_only;
  for (const auto& volume : plans)
    if (volume.kind == VolumePlan::Kind::files) read_only.insert(volume.name);
  plan.mounts = image->config.mounts;
  for (auto& mount : bundles.scratch_mounts()) plan.mounts.push_back(std::move(mount));
  for (auto& mount : volume_mounts(*spec, places, read_only))
    plan.mounts.push_back(std::move(mount));
  const std::string message_path =
      base::find_string(*spec, {"terminationMessagePath"}).value_or("/dev/termination-log");
  plan.mounts.push_back(
      {bundles.bundle(container, attempt).termination, message_path, Access::read_write});

  const ContainerStore store = bundles;
  const Image from = *image;
  auto make = [store, container, attempt, from, plan] {
    store.forget_older(container, attempt);
    return store.make(container, attempt, from, plan);
  };
  Bundle bundle = co_await world.blocking.run(make);

  ContainerRecord& fresh = of(container);
  fresh.last = std::exchange(fresh.ended, std::nullopt);
  fresh.attempts = attempt + 1;
  fresh.id = container_id(pod, container, attempt);
  fresh.state = State::starting;
  fresh.waiting_reason.clear();
  fresh.waiting_message.clear();
  co_await save();  // before the order: a node that dies now finds the container as its own
  ordered.insert(of(container).id);
  world.runtime.run({of(container).id, bundle.directory, bundle.log});
}

void PodWorker::Impl::stop(const Stop& order) {
  ContainerRecord& known = of(order.container);
  if (!known.told_to_stop) known.told_to_stop = world.clock.now();
  world.runtime.kill(known.id, order.signal);
}

// Attempts whose end is on record need not be kept by the shim.
void PodWorker::Impl::remove_ended() {
  const std::string prefix = uid(pod) + ".";
  for (const auto& seen : world.runtime.list()) {
    if (!seen.id.starts_with(prefix)) continue;
    bool needed = false;
    for (const auto& [name, known] : record.containers)
      needed |= known.id == seen.id && known.state != State::ended;
    if (!needed) world.runtime.remove(seen.id);
  }
}

}  // namespace node
