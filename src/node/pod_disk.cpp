#include <sys/stat.h>

#include "base/text.h"
#include "node/disk_usage.h"
#include "node/pod_worker_impl.h"
#include "node/shim/host.h"

namespace node {

using base::cat;

namespace {

constexpr base::Duration interval{1'000};
constexpr std::int64_t plenty = std::int64_t{1} << 60;

// What a pod may put on the disk.
struct Bounds {
  struct Volume {
    std::string name, place;
    std::int64_t limit;
  };
  std::vector<Volume> volumes;  // those with a limit
  bool all_limited = true;
  std::vector<std::string> layers;  // of containers that write to their root
  std::optional<std::int64_t> layers_limit;
};

struct Look {
  FreeSpace free;
  bool needed = true;              // false: the disk has not lost enough for anything to see
  std::int64_t headroom = plenty;  // how much it may lose before there can be anything to see
  std::string excess;              // what is too much
  bool certain = true;

  void note(const std::string& what, std::int64_t used, std::int64_t limit) {
    headroom = std::min(headroom, std::max<std::int64_t>(limit - used, 0));
    if (used > limit && excess.empty()) excess = cat(what, " exceeds the limit \"", limit, "\".");
  }
};

// All volumes together: a file without a name is in none of them. What cannot be seen counts as all
// that the disk has lost.
void look_at_all(Look& look, DiskUsage visible, const std::string& cgroup, dev_t disk,
                 std::int64_t lost, std::int64_t limit) {
  const DiskUsage nameless = nameless_usage(shim::processes_of(cgroup), disk);
  std::int64_t used = visible.bytes + nameless.bytes;
  const bool whole = visible.whole && nameless.whole;
  look.certain = !look.excess.empty() || whole || used > limit;
  if (!whole) used += lost;
  look.note("Usage of all EmptyDir volumes, with files that have no name,", used, limit);
}

Look look_at_disks(const Bounds& bounds, const std::string& cgroup, FreeSpace calm,
                   std::int64_t headroom, const std::string& directory) {
  Look look{.free = free_space(directory)};
  const std::int64_t lost = lost_since(calm, look.free);
  look.needed = lost >= headroom;
  if (!look.needed) return look;
  DiskUsage all;
  std::int64_t limits = 0;
  for (const auto& volume : bounds.volumes) {
    const DiskUsage one = tree_usage(volume.place, volume.limit);
    look.note(cat("Usage of EmptyDir volume \"", volume.name, "\""), one.bytes, volume.limit);
    all.bytes += one.bytes;
    all.whole &= one.whole;
    limits += volume.limit;
  }
  if (bounds.layers_limit) {
    std::int64_t used = 0;
    for (const auto& layer : bounds.layers) used += tree_usage(layer, *bounds.layers_limit).bytes;
    look.note("Pod ephemeral local storage usage", used, *bounds.layers_limit);
  }
  struct stat disk{};
  if (bounds.all_limited && !bounds.volumes.empty() &&
      ::stat(bounds.volumes.front().place.c_str(), &disk) == 0)
    look_at_all(look, all, cgroup, disk.st_dev, lost, limits);
  return look;
}

Bounds bounds_of(const base::Json& pod, const std::vector<VolumePlan>& plans,
                 std::map<std::string, std::string>& places, const ContainerStore& store) {
  Bounds out;
  for (const auto& plan : plans) {
    if (plan.kind != VolumePlan::Kind::disk) continue;
    out.all_limited &= plan.limit > 0;
    if (plan.limit > 0) out.volumes.push_back({plan.name, places[plan.name], plan.limit});
  }
  for (const auto& container : containers(pod))
    if (auto limit = quantity_at(*container.spec, {"resources", "limits", "ephemeral-storage"}))
      out.layers_limit = out.layers_limit.value_or(0) + *limit;
  if (out.layers_limit) out.layers = store.writable_roots();
  return out;
}

}  // namespace

// Polls, because no quota works on every file system: one statvfs per second, and a look at what
// the pod has only when the disk has lost as much as would be too much. What is seen to be too much
// ends the pod; what is not seen must be so in two looks in succession, and so must calm: names and
// descriptors may change places under a single look.
io::Task<> PodWorker::Impl::guard_disks() {
  auto measure = [pods = world.settings.pods_directory] { return free_space(pods); };
  FreeSpace calm = co_await world.blocking.run(measure);
  std::int64_t headroom = -plenty;
  std::optional<Look> before;
  for (;;) {
    co_await io::sleep(world.clock, interval);
    if (!prepared || record.ending) continue;
    auto look = [bounds = bounds_of(pod, plans, places, bundles), group = cgroup, calm, headroom,
                 pods = world.settings.pods_directory] {
      return look_at_disks(bounds, group, calm, headroom, pods);
    };
    Look seen = co_await world.blocking.run(std::move(look));
    if (record.ending) continue;
    const bool again = before && before->excess.empty() == seen.excess.empty();
    if (!seen.excess.empty() && (seen.certain || again)) {
      record.ending = Ending{Ending::Why::failed, "Evicted", seen.excess, world.clock.now()};
      woken.set();
      co_await world.cluster.report(pod, EventType::warning, "Evicted", seen.excess);
    } else if (seen.needed && again) {
      calm = seen.free;
      headroom = std::min(seen.headroom, before->headroom);
    }
    before.reset();
    if (seen.needed) before = std::move(seen);
  }
}

}  // namespace node
