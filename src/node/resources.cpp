#include "node/resources.h"

#include <algorithm>

#include "node/pod.h"

namespace node {

using base::Json;

namespace {

constexpr std::int64_t period_us = 100'000, least_quota_us = 1'000, least_shares = 2;

std::optional<std::int64_t> limit(const Json& c, std::string_view what) {
  return milli_at(c, {"resources", "limits", what});
}
std::optional<std::int64_t> request(const Json& c, std::string_view what) {
  auto found = milli_at(c, {"resources", "requests", what});
  return found ? found : limit(c, what);  // a limit alone is a request, too
}

}  // namespace

std::string qos_class(const Json& pod) {
  bool any = false, guaranteed = true;
  for (const auto& container : containers(pod)) {
    for (auto what : {"cpu", "memory"}) {
      const auto most = limit(*container.spec, what), least = request(*container.spec, what);
      any |= most.value_or(0) > 0 || least.value_or(0) > 0;
      guaranteed &= most.value_or(0) > 0 && most == least;
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

std::optional<std::int64_t> pod_memory_limit(const Json& pod) {
  std::int64_t sum = 0;
  for (const auto& container : containers(pod)) {
    const auto most = quantity_at(*container.spec, {"resources", "limits", "memory"});
    if (!most) return std::nullopt;
    sum += *most;
  }
  return sum;
}

Json oci_resources(const Json& container, const Machine& machine) {
  base::JsonObject cpu;
  const std::int64_t wanted = request(container, "cpu").value_or(0);
  cpu["shares"] = std::max(least_shares, wanted * 1024 / 1000);
  if (auto most = limit(container, "cpu"); most && *most > 0) {
    cpu["period"] = period_us;
    cpu["quota"] = std::max(least_quota_us, *most * period_us / 1000);
  }
  base::JsonObject out{
      {"cpu", cpu},
      {"pids", {{"limit", machine.pids_per_container}}},
      {"devices", base::JsonArray{{{"allow", false}, {"access", "rwm"}}}},
  };
  if (auto most = quantity_at(container, {"resources", "limits", "memory"}); most && *most > 0)
    out["memory"] = {{"limit", *most}};
  return out;
}

int oom_score(const Json& pod, const Json& container, const Machine& machine) {
  const std::string qos = qos_class(pod);
  std::int64_t score = 1000;
  if (qos == "Guaranteed") score = -997;
  if (qos == "Burstable") {
    const std::int64_t wanted = request(container, "memory").value_or(0) / 1000;
    score = std::clamp<std::int64_t>(1000 - 1000 * wanted / machine.memory_bytes, 3, 999);
  }
  return static_cast<int>(std::max<std::int64_t>(score, machine.oom_score));
}

}  // namespace node
