#include "controller/lease.h"

#include <algorithm>

#include "base/text.h"
#include "io/loop.h"

namespace controller {

namespace {

constexpr schema::KindInfo lease_kind{.group = "coordination.k8s.io",
                                      .version = "v1",
                                      .kind = "Lease",
                                      .plural = "leases",
                                      .singular = "lease"};

std::string now_text(const base::Clock& clock) {
  return base::format_micro_time(
      std::chrono::time_point_cast<std::chrono::microseconds>(clock.now()));
}

}  // namespace

Leadership::Leadership(base::Clock& clock, base::Log& log, kube::Api& api, LeaseSettings settings)
    : clock_(clock), log_(log), api_(api), settings_(std::move(settings)) {}

io::Task<> Leadership::acquire() {
  wanted_ = true;
  for (;;) {
    const Outcome outcome = co_await try_attempt(settings_.renew_limit / 2);
    if (outcome == Outcome::held) break;
    co_await io::sleep(clock_, settings_.retry);
  }
  leader_ = true;
  log_.info("leading", {{"lease", settings_.name}, {"identity", settings_.identity}});
}

io::Task<> Leadership::hold() {
  for (;;) {
    co_await io::sleep(clock_, std::min(settings_.retry, left()));
    if (left() <= base::Duration(0)) break;
    const Outcome outcome = co_await try_attempt(left());
    if (outcome == Outcome::taken) break;
  }
  leader_ = false;
  log_.warn("leadership lost", {{"lease", settings_.name}, {"identity", settings_.identity}});
}

base::Duration Leadership::left() const {
  return renewed_ + settings_.renew_limit - clock_.steady();
}

io::Task<> Leadership::release() {
  wanted_ = false;
  if (!leader_) co_return;
  leader_ = false;
  const kube::Ref ref{&lease_kind, settings_.ns, settings_.name, {}};
  try {
    base::Json lease = co_await api_.get(ref, {});
    if (base::text_at(lease, {"spec", "holderIdentity"}) != settings_.identity) co_return;
    base::Json patch{
        {"metadata", {{"resourceVersion", base::text_at(lease, {"metadata", "resourceVersion"})}}},
        {"spec",
         {{"holderIdentity", ""}, {"leaseDurationSeconds", 1}, {"renewTime", now_text(clock_)}}}};
    co_await api_.patch(ref, std::move(patch), {});
  } catch (const base::Error& error) {
    if (error.code() == base::Code::cancelled) throw;
    log_.debug("lease not released", {{"error", error.what()}});
  }
}

// One try; an error counts as a failure to hold it.
io::Task<Leadership::Outcome> Leadership::try_attempt(base::Duration limit) {
  const base::Instant begun = clock_.steady();
  Outcome outcome = Outcome::failed;
  try {
    auto task = attempt();
    outcome = co_await io::within(clock_, limit, "renewing a lease", std::move(task));
  } catch (const base::Error& error) {
    if (error.code() == base::Code::cancelled) throw;
    log_.debug("lease not renewed", {{"lease", settings_.name}, {"error", error.what()}});
  }
  if (outcome == Outcome::held) renewed_ = begun;
  co_return outcome;
}

io::Task<Leadership::Outcome> Leadership::attempt() {
  kube::Ref ref{&lease_kind, settings_.ns, settings_.name, {}};
  std::optional<base::Json> lease = co_await kube::find(api_, ref);
  if (!wanted_) co_return Outcome::failed;  // released in the meantime
  if (!lease) {
    base::Json made{{"apiVersion", "coordination.k8s.io/v1"},
                    {"kind", "Lease"},
                    {"metadata", {{"name", settings_.name}, {"namespace", settings_.ns}}},
                    {"spec", claim(nullptr)}};
    co_await api_.create(ref, std::move(made), {});
    co_return Outcome::held;
  }
  if (!is_free(*lease)) co_return Outcome::taken;
  base::Json patch{
      {"metadata", {{"resourceVersion", base::text_at(*lease, {"metadata", "resourceVersion"})}}},
      {"spec", claim(&*lease)}};
  co_await api_.patch(ref, std::move(patch), {});
  co_return Outcome::held;
}

bool Leadership::is_free(const base::Json& lease) {
  const std::string holder = base::text_at(lease, {"spec", "holderIdentity"});
  const std::string renewed = base::text_at(lease, {"spec", "renewTime"});
  if (holder.empty() || holder == settings_.identity) return true;
  if (std::string news = base::cat(holder, " ", renewed); news != seen_) {
    seen_ = std::move(news);
    seen_at_ = clock_.steady();
  }
  const auto seconds = base::find_int(lease, {"spec", "leaseDurationSeconds"}).value_or(15);
  return clock_.steady() - seen_at_ >= std::chrono::seconds(seconds);
}

// What a holder writes: a new term counts as a transition.
base::JsonObject Leadership::claim(const base::Json* lease) const {
  const std::string now = now_text(clock_);
  base::JsonObject spec{
      {"holderIdentity", settings_.identity},
      {"leaseDurationSeconds",
       std::chrono::duration_cast<std::chrono::seconds>(settings_.duration).count()},
      {"renewTime", now}};
  const std::string holder = lease ? base::text_at(*lease, {"spec", "holderIdentity"}) : "";
  if (holder == settings_.identity) return spec;
  spec["acquireTime"] = now;
  spec["leaseTransitions"] =
      lease ? base::find_int(*lease, {"spec", "leaseTransitions"}).value_or(0) + 1 : 0;
  return spec;
}

}  // namespace controller
