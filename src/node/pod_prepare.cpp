#include "base/text.h"
#include "node/pod_worker_impl.h"
#include "node/sandbox.h"

namespace node {

using base::cat;
using base::Json;

namespace {

constexpr base::Duration first_patience{100}, most_patience{10'000};
constexpr std::int64_t longest_token_ms = 24 * 3600 * 1000;

}  // namespace

io::Task<> PodWorker::Impl::read_sources() {
  const Needs wanted = needs(pod);
  Sources fresh;
  for (const auto& each : wanted.config_maps) {
    std::optional<Json> found = co_await world.cluster.find_config_map(space(pod), each);
    if (found) fresh.config_maps[each] = std::move(*found);
  }
  for (const auto& each : wanted.secrets) {
    std::optional<Json> found = co_await world.cluster.find_secret(space(pod), each);
    if (found) fresh.secrets[each] = std::move(*found);
  }
  sources = std::move(fresh);
}

// Tokens are renewed when four fifths of their life are over, or after a day.
io::Task<> PodWorker::Impl::request_tokens() {
  std::optional<base::Time> due;
  for (const auto& need : token_needs(pod)) {
    Token token = co_await world.cluster.request_token(pod, need);
    const base::Time now = world.clock.now();
    const auto life = std::min(token.expires - now, base::Duration(longest_token_ms));
    const base::Time renew = now + life * 4 / 5;
    if (!due || renew < *due) due = renew;
    tokens.insert_or_assign(cat(need.volume, "/", need.path), std::move(token.text));
  }
  tokens_due = due;
}

// Everything that containers stand on: what the pod names, volumes, namespaces.
io::Task<> PodWorker::Impl::prepare() {
  co_await read_sources();
  co_await request_tokens();
  auto planned = plan_volumes(pod, sources, tokens, world.settings.facts);
  if (!planned) throw base::Error(base::Code::unavailable, planned.error());
  plans = std::move(*planned);
  const VolumeOwner owner{fs_group(pod), common_user(pod)};
  auto make = [store = volumes, scratch = bundles, wanted = plans, owner,
               hostname = hostname_of(pod), namespaces = sandbox()] {
    auto made = store.make(wanted, owner);
    scratch.make_scratch(hostname);
    make_sandbox(namespaces, hostname);
    return made;
  };
  places = co_await world.blocking.run(make);
}

// False: not yet; `blocked_until` says when to try again.
io::Task<bool> PodWorker::Impl::try_prepare() {
  if (prepared) co_return true;
  if (blocked_until && world.clock.now() < *blocked_until) co_return false;
  std::string complaint;
  try {
    co_await prepare();
  } catch (const base::Error& error) {
    if (error.code() == base::Code::cancelled) throw;
    complaint = error.what();
  }
  if (complaint.empty()) {
    prepared = true;
    blocked_until.reset();
    patience = base::Duration(0);
    record.ready_to_start = true;
    co_return true;
  }
  patience = patience.count() == 0 ? first_patience : std::min(patience * 2, most_patience);
  blocked_until = world.clock.now() + patience;
  // The first refusal is often only early: the API server has not yet seen that the pod is ours.
  if (patience > first_patience) co_await complain("FailedMount", complaint);
  co_return false;
}

// An Event for what is new; a log line each time.
io::Task<> PodWorker::Impl::complain(std::string reason, std::string message) {
  if (message == last_complaint) co_return;
  last_complaint = message;
  world.log.warn("pod cannot start", {{"pod", title(pod)}, {"reason", reason}, {"error", message}});
  co_await world.cluster.report(pod, EventType::warning, reason, message);
}

io::Task<> PodWorker::Impl::renew_tokens() {
  for (;;) {
    while (!tokens_due || !prepared || record.over)
      co_await io::sleep(world.clock, base::Duration(60'000));
    const auto left = *tokens_due - world.clock.now();
    co_await io::sleep(world.clock, std::max(left, base::Duration(0)));
    if (record.over) continue;
    std::string problem;
    try {
      co_await request_tokens();
      auto planned = plan_volumes(pod, sources, tokens, world.settings.facts);
      if (!planned) throw base::Error(base::Code::internal, planned.error());
      const VolumeOwner owner{fs_group(pod), common_user(pod)};
      auto write = [store = volumes, wanted = *planned, owner, needed = token_needs(pod)] {
        for (const auto& plan : wanted)
          for (const auto& need : needed)
            if (need.volume == plan.name) store.write_files(plan, owner);
      };
      co_await world.blocking.run(write);
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
      problem = error.what();
    }
    if (problem.empty()) continue;
    world.log.warn("renewing a token", {{"pod", title(pod)}, {"error", problem}});
    co_await io::sleep(world.clock, base::Duration(5'000));
  }
}

}  // namespace node
