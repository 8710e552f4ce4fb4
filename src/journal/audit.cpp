#include "journal/audit.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"
#include "io/crypto.h"
#include "journal/archive.h"
#include "journal/chain.h"
#include "journal/merkle.h"

namespace journal {

using base::cat;

std::string Fault::text() const {
  std::vector<std::string> where;
  if (checkpoint >= 0) where.push_back(cat("checkpoint ", checkpoint));
  if (!run.empty()) where.push_back(cat("run ", run));
  if (seq >= 0) where.push_back(cat("event ", seq));
  if (!column.empty()) where.push_back(cat("column ", column));
  return where.empty() ? what : cat(base::join(where, ", "), ": ", what);
}

// ---- events ----

namespace {

constexpr std::int64_t small = 64;  // attempts, executions and versions that are tried

constexpr std::string_view no_one_column = "at";

// The column by which an event differs from the one with this link; `prev` is the link of the one
// before. By trial, so what is left over is the time: or more than one column.
std::string changed_column(const Event& event, const std::string& link, const std::string& prev) {
  Event tried = event;
  const auto fits = [&] { return link_of(tried) == link; };
  tried.prev = prev;
  if (fits()) return "prev";
  tried = event;
  tried.bodyHash = io::sha256_hex(event.body);
  if (fits()) return "body_hash";
  tried = event;
  for (std::size_t kind = 0; kind < schema::names_of<Kind>.count; ++kind) {
    tried.kind = static_cast<Kind>(kind);
    if (fits()) return "kind";
  }
  tried = event;
  const auto try_numbers = [&](std::int64_t& number) {
    const std::int64_t was = number;
    for (number = 0; number < small; ++number)
      if (fits()) return true;
    number = was;
    return false;
  };
  if (try_numbers(tried.fence.attempt)) return "attempt";
  if (try_numbers(tried.fence.execution)) return "execution";
  if (try_numbers(tried.version)) return "version";
  return std::string(no_one_column);
}

}  // namespace

std::vector<Fault> find_faults(const std::string& run, const std::vector<Event>& events,
                               const std::map<std::int64_t, std::string>& links) {
  std::vector<Fault> faults;
  const auto found = [&](std::int64_t seq, std::string column, std::string what) {
    faults.push_back(
        {.run = run, .seq = seq, .column = std::move(column), .what = std::move(what)});
  };
  std::int64_t next = 0;
  for (const Event& event : events) {
    if (next < event.seq)
      found(next, "",
            event.seq == next + 1 ? "it is missing"
                                  : cat("it and those up to ", event.seq - 1, " are missing"));
    next = event.seq + 1;
  }
  // From the last one back: each is known by the link that the one behind it names.
  std::optional<std::string> expected;
  for (std::size_t i = events.size(); i-- > 0;) {
    const Event& event = events[i];
    if (const auto link = links.find(event.seq); link != links.end()) expected = link->second;
    const bool follows = i > 0 && events[i - 1].seq == event.seq - 1;
    const std::optional<std::string> prev = event.seq == 0 ? first_link()
                                            : follows      ? std::optional(link_of(events[i - 1]))
                                                           : std::nullopt;
    std::string column;
    if (expected && link_of(event) != *expected)
      column = changed_column(event, *expected, prev.value_or(event.prev));
    else if (!event.body.empty() && io::sha256_hex(event.body) != event.bodyHash)
      column = "body";
    if (column == no_one_column)
      found(event.seq, column, "it, or more than one column, is not what was written");
    else if (!column.empty())
      found(event.seq, column, "it is not what was written");
    else if (event.seq == 0 && event.prev != first_link())
      found(0, "prev", "it is not what was written");
    // What the one before has to hash to, unless this row is not to be believed about it.
    expected.reset();
    if (follows && column == "prev")
      expected = *prev;
    else if (follows && (column != no_one_column || event.prev == *prev))
      expected = event.prev;
  }
  std::ranges::sort(faults, {}, &Fault::seq);
  return faults;
}

// ---- checkpoints ----

namespace {

// The column by which a checkpoint differs from the one that was signed, by trial.
std::string changed_column(const Checkpoint& checkpoint, const Checkpoint& as_it_should_be,
                           const std::vector<AuditKey>& keys) {
  const auto fits = [&](auto member) {
    Checkpoint tried = checkpoint;
    tried.*member = as_it_should_be.*member;
    return !find_fault(tried, keys);
  };
  if (fits(&Checkpoint::ns)) return "ns";
  if (fits(&Checkpoint::number)) return "number";
  if (fits(&Checkpoint::previous)) return "previous";
  if (fits(&Checkpoint::size)) return "size";
  if (fits(&Checkpoint::root)) return "root";
  for (const auto& key : keys) {
    Checkpoint tried = checkpoint;
    tried.key = key.id;
    if (!find_fault(tried, keys)) return "key_id";
  }
  return "at or signature";
}

}  // namespace

void Audit::add(Checkpoint checkpoint, std::vector<Head> heads) {
  const std::int64_t number = checkpoint.number;
  const auto found = [&](std::string column, std::string what) {
    report_.faults.push_back(
        {.checkpoint = number, .column = std::move(column), .what = std::move(what)});
  };
  if (number != number_ + 1)
    report_.faults.push_back({.checkpoint = number_ + 1, .what = "it is missing"});
  const std::string root = base::hex(merkle_root(leaf_hashes(heads)));
  const Checkpoint expected{.ns = ns_,
                            .number = number_ + 1,
                            .previous = latest_ ? hash_of(*latest_) : first_link(),
                            .size = static_cast<std::int64_t>(heads.size()),
                            .root = root};
  const bool follows = number == number_ + 1;
  if (const auto fault = find_fault(checkpoint, keys_)) {
    const std::string column = changed_column(checkpoint, expected, keys_);
    found(column, *fault);
    if (column == "root") checkpoint.root = root;
    if (column == "size") checkpoint.size = expected.size;
    if (column == "previous") checkpoint.previous = expected.previous;
  } else if (follows && checkpoint.previous != expected.previous) {
    found("", "it does not follow the one before as that is now");
  }
  if (checkpoint.size > expected.size)
    unsound_[number] = cat("it has ", heads.size(), " heads, ", checkpoint.size, " were signed");
  else if (checkpoint.size < expected.size)
    unsound_[number] =
        cat("it has ", heads.size(), " heads, only ", checkpoint.size, " were signed");
  else if (checkpoint.root != root)
    unsound_[number] = "its heads are not those that were signed";
  for (Head& head : heads) {
    const std::string run = head.run;
    signed_[run].push_back({std::move(head), number, !unsound_.contains(number)});
  }
  ++report_.checkpoints;
  ++report_.keys[checkpoint.key];
  number_ = number;
  latest_ = std::move(checkpoint);
}

void Audit::add_unsigned(const Head& head) { waiting_[head.run] = head.seq; }

void Audit::add(SeenRun run) {
  std::string uid = run.uid;
  runs_.insert_or_assign(std::move(uid), std::move(run));
}

std::vector<std::string> Audit::expected_runs() const {
  std::vector<std::string> runs;
  for (const auto& [run, heads] : signed_)
    if (!heads.back().head.forgotten) runs.push_back(run);
  return runs;
}

// ---- runs ----

// What the journal keeps beside the events and what follows from them.
void Audit::check_state(const SeenRun& run, const RunState& state) {
  const auto compare = [&](std::string_view column, const auto& shown, const auto& counted) {
    if (shown != counted)
      report_.faults.push_back({.run = run.uid,
                                .column = std::string(column),
                                .what = cat("it is ", shown, ", its events say ", counted)});
  };
  RunState counted;
  try {
    counted = tally(run.events);
  } catch (const base::Error& error) {
    report_.faults.push_back({.run = run.uid, .what = error.what()});
    return;
  }
  compare("name", state.name, counted.name);
  compare("attempt", state.fence.attempt, run.events.back().fence.attempt);
  compare("execution", state.fence.execution, run.events.back().fence.execution);
  compare("ended", int{state.ended}, int{counted.ended});
  compare("input_tokens", state.sums.inputTokens, counted.sums.inputTokens);
  compare("output_tokens", state.sums.outputTokens, counted.sums.outputTokens);
  compare("model_calls", state.sums.modelCalls, counted.sums.modelCalls);
  compare("tool_calls", state.sums.toolCalls, counted.sums.toolCalls);
}

// Heads that are not what their run says: which column is it?
void Audit::check_heads(const SeenRun& run, const std::vector<Signed>& heads) {
  for (const auto& [head, checkpoint, sound] : heads) {
    if (sound || head.forgotten) continue;
    const auto fits = [&](const Event& event) { return link_of(event) == head.link; };
    const auto event = std::ranges::find(run.events, head.seq, &Event::seq);
    if (event != run.events.end() && fits(*event)) continue;
    const bool elsewhere = std::ranges::any_of(run.events, fits);
    report_.faults.push_back({.run = run.uid,
                              .checkpoint = checkpoint,
                              .column = elsewhere ? "seq" : "link",
                              .what = "this head is not what was signed"});
    unsound_[checkpoint].clear();
  }
}

void Audit::check_run(const SeenRun& run) {
  const auto before = report_.faults.size();
  const auto found = [&](std::int64_t seq, std::string column, std::string what) {
    report_.faults.push_back(
        {.run = run.uid, .seq = seq, .column = std::move(column), .what = std::move(what)});
  };
  report_.faults.insert(report_.faults.end(), run.faults.begin(), run.faults.end());
  ++report_.runs;
  report_.events += static_cast<std::int64_t>(run.events.size());
  const std::int64_t last = run.events.empty() ? -1 : run.events.back().seq;
  std::map<std::int64_t, std::string> links;
  std::int64_t covered = -1;
  if (const auto heads = signed_.find(run.uid); heads != signed_.end()) {
    check_heads(run, heads->second);
    for (const auto& [head, checkpoint, sound] : heads->second) {
      if (!sound) continue;
      covered = std::max(covered, head.seq);
      links[head.seq] = head.link;  // signed, so it is the right one
    }
  }
  if (run.seq >= covered) links.emplace(run.seq, run.link);
  auto faults = find_faults(run.uid, run.events, links);
  report_.faults.insert(report_.faults.end(), faults.begin(), faults.end());
  if (!run.whole) return;
  if (last < run.seq)
    found(last + 1, "", "it is missing");
  else if (last < covered)
    found(last + 1, "",
          "it is missing, or the run's column seq is not what it was: a checkpoint"
          " holds it");
  else if (links[run.seq] != run.link)
    found(-1, "link", "it is not that of the run's last event");
  if (last > covered) {
    report_.unsigned_events += last - covered;
    const auto waits = waiting_.find(run.uid);
    if (waits == waiting_.end() || waits->second < last)
      found(last, "",
            cat("no checkpoint holds it and none is to come: was checkpoint ", number_ + 1,
                " removed?"));
  }
  if (run.state && report_.faults.size() == before && !run.events.empty())
    check_state(run, *run.state);
}

Audit::Report Audit::finish() {
  for (const auto& key : keys_) {
    std::string id;
    try {
      id = io::public_key_id(key.pem);
    } catch (const base::Error&) {
      id = "none";
    }
    if (id != key.id)
      report_.faults.push_back(
          {.what = cat("key ", key.id, ": its public key is another one, ", id)});
  }
  for (const auto& [uid, run] : runs_) check_run(run);
  for (const auto& uid : expected_runs())
    if (!runs_.contains(uid)) {
      const auto& last = signed_.at(uid).back();
      if (!waiting_.contains(uid))
        report_.faults.push_back({.run = uid,
                                  .what = cat("it is missing: checkpoint ", last.checkpoint,
                                              " holds its event ", last.head.seq)});
    }
  for (const auto& [number, what] : unsound_)
    if (!what.empty()) report_.faults.push_back({.checkpoint = number, .what = what});
  return std::move(report_);
}

}  // namespace journal
