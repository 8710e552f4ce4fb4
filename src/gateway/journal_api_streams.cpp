// What is sent line by line: a run's events, a namespace's history, answers while they come, an
// export.
#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "gateway/journal_api_impl.h"
#include "io/while_client_stays.h"
#include "journal/export.h"
#include "objects/agent_run.h"
#include "protocol/codec.h"
#include "protocol/journal_api.h"

namespace gateway {

using base::cat;
using base::Code;
using base::Error;
using base::Json;
using journal::RunState;
using protocol::RunEvent;

namespace {

constexpr std::int64_t timeout_seconds_max = 24 * 3600;

RunEvent make_event(const journal::Event& event, const RunState& run) {
  RunEvent out;
  out.id = event.id();
  out.source = protocol::journal_path(run.ns, "runrecords", event.run);
  out.type = cat(protocol::event_type_prefix, schema::name(event.kind));
  out.time = base::format_time_millis(event.at);
  out.run = run.name;
  out.attempt = event.fence.attempt;
  out.execution = event.fence.execution;
  if (event.body.empty()) return out;
  out.subject = journal::subject_of(event);
  out.data = base::parse_json(event.body);
  return out;
}

RunEvent make_event(const Delta& delta, base::Time now) {
  const LiveCall& call = *delta.call;
  const auto id_of = [&](std::int64_t seq) { return cat(call.run, "/", seq); };
  protocol::ModelDelta data{.turn = call.turn,
                            .intent = call.intent,
                            .offset = delta.offset,
                            .text = delta.text,
                            .lost = delta.lost,
                            .ended = delta.end.has_value(),
                            .outcome = {}};
  if (delta.end && delta.end->outcome) data.outcome = id_of(*delta.end->outcome);
  RunEvent out;
  out.id = cat(id_of(call.intent), "+", delta.end ? "end" : std::to_string(delta.offset));
  out.source = protocol::journal_path(call.ns, "runrecords", call.run);
  out.type = protocol::delta_type;
  out.subject = std::to_string(call.turn);
  out.time = base::format_time_millis(now);
  out.data = schema::encode(data);
  out.run = call.name;
  out.attempt = call.fence.attempt;
  out.execution = call.fence.execution;
  return out;
}

std::string line_of(const RunEvent& event) { return protocol::to_text(event) + "\n"; }

}  // namespace

io::Task<> JournalApi::Impl::while_heard(io::Exchange& exchange, base::Duration limit,
                                         io::Task<> task) {
  auto write = [](io::Task<> inner, io::TaskGroup& all) -> io::Task<> {
    co_await std::move(inner);
    all.stop();
  };
  auto expire = [](base::Clock& c, base::Duration after, io::TaskGroup& all) -> io::Task<> {
    co_await io::sleep(c, after);
    all.stop();
  };
  io::TaskGroup all(loop);
  all.spawn("write", write(std::move(task), all));
  all.spawn("limit", expire(clock, limit, all));
  auto written = all.join();
  const bool stayed = co_await io::while_client_stays(loop, exchange, std::move(written));
  if (stayed) co_await exchange.end();
}

base::Duration JournalApi::Impl::limit_of(const Asked& asked) const {
  const auto seconds = asked.number("timeoutSeconds", 0);
  return seconds > 0 ? base::Duration(std::chrono::seconds(std::min(seconds, timeout_seconds_max)))
                     : settings.watch_most;
}

io::Task<> JournalApi::Impl::stream(io::Exchange& exchange, base::Duration limit, io::Task<> task) {
  co_await exchange.begin(200, {{"Content-Type", "application/x-ndjson"}});
  co_await while_heard(exchange, limit, std::move(task));
}

io::Task<> JournalApi::Impl::write_run_events(io::Exchange& exchange, Run run, std::int64_t after,
                                              bool watch) {
  for (bool ended = false;;) {
    const auto seen = co_await archive.position(run.state.ns, base::Time::max());
    std::vector<journal::Event> events;
    do {
      events = co_await journal.events(run.uid, after, page_events);
      for (const auto& event : events) {
        const std::string line = line_of(make_event(event, run.state));
        co_await exchange.send(line);
        after = event.seq;
        ended |= event.kind == journal::Kind::run_outcome;
      }
    } while (events.size() == page_events);
    if (!watch || ended || run.state.imported) co_return;
    co_await archive.grown(run.state.ns, seen);
  }
}

io::Task<JournalApi::Impl::Met> JournalApi::Impl::meet(const std::string& uid,
                                                       const Filter& filter) {
  auto state = co_await journal.state(uid);
  if (!state) throw Error(Code::internal, cat("the journal lost run ", uid));
  Met met{*std::move(state)};
  met.wanted = filter.run.empty() || filter.run == uid || filter.run == met.state.name;
  if (!met.wanted || filter.agent.empty()) co_return met;
  kube::Ref ref{&objects::AgentRun::info, filter.ns, met.state.name, {}};
  const std::optional<Json> object = co_await kube::find(api, std::move(ref));
  met.wanted = object && base::text_at(*object, {"metadata", "uid"}) == uid &&
               base::text_at(*object, {"spec", "agentRef"}) == filter.agent;
  co_return met;
}

io::Task<> JournalApi::Impl::write_history(io::Exchange& exchange, Filter filter,
                                           std::int64_t after, bool watch) {
  std::map<std::string, Met> known;
  std::int64_t sent = 0;
  for (;;) {
    const auto page = co_await archive.history(filter.ns, after, page_events);
    for (const auto& [position, event] : page) {
      after = position;
      auto run = known.find(event.run);
      if (run == known.end()) {
        Met met = co_await meet(event.run, filter);
        run = known.emplace(event.run, std::move(met)).first;
      }
      if (!run->second.wanted) continue;
      RunEvent out = make_event(event, run->second.state);
      out.position = position;
      const std::string line = line_of(out);
      co_await exchange.send(line);
      if (++sent == filter.limit) co_return;
    }
    if (page.size() == page_events) continue;
    if (!watch) co_return;
    co_await archive.grown(filter.ns, after);
  }
}

io::Task<> JournalApi::Impl::serve_history(io::Exchange& exchange, Asked asked) {
  Filter filter{.ns = asked.ns,
                .run = std::string(asked.target.get("run")),
                .agent = std::string(asked.target.get("agent")),
                .limit = asked.number("limit", 0)};
  const bool at_end = asked.target.get("after") == "end";
  std::int64_t after = at_end ? 0 : asked.number("after", 0);
  if (at_end) after = co_await archive.position(asked.ns, base::Time::max());
  if (const auto since = asked.target.get("since"); !since.empty() && !asked.target.has("after")) {
    const auto time = base::parse_time(since);
    if (!time)
      throw Error(Code::invalid,
                  cat("since: \"", since, "\" is no time; write it as 2026-01-02T03:04:05Z"));
    const auto at = std::chrono::ceil<std::chrono::milliseconds>(*time);
    after = co_await archive.position(asked.ns, at);
  }
  auto write = write_history(exchange, std::move(filter), after, asked.watch());
  co_await stream(exchange, limit_of(asked), std::move(write));
}

io::Task<> JournalApi::Impl::write_deltas(io::Exchange& exchange,
                                          std::unique_ptr<Deltas::Reader> reader, bool watch) {
  for (;;) {
    std::optional<Delta> delta = reader->take();
    if (!delta && !watch) co_return;
    if (!delta) delta = co_await reader->next();
    const std::string line = line_of(make_event(*delta, clock.now()));
    co_await exchange.send(line);
  }
}

io::Task<> JournalApi::Impl::serve_deltas(io::Exchange& exchange, Asked asked) {
  Deltas& deltas = settings.deltas ? *settings.deltas : none;
  auto reader = deltas.subscribe(asked.ns, std::string(asked.target.get("run")));
  auto write = write_deltas(exchange, std::move(reader), asked.watch());
  co_await stream(exchange, limit_of(asked), std::move(write));
}

io::Task<> JournalApi::Impl::write_export(io::Exchange& exchange, Run run) {
  const std::string head = journal::format_export_head(run.uid, run.state.seq + 1, run.state.link);
  co_await exchange.send(head);
  std::set<std::string> named;
  journal::ExportEnd end;
  for (std::int64_t after = -1; after < run.state.seq;) {
    const auto left = static_cast<std::size_t>(run.state.seq - after);
    const auto page = co_await find_events(exchange, run.uid, after, std::min(left, page_events));
    if (page.empty()) break;  // the reader misses the rest
    for (const auto& event : page) {
      const std::string line = journal::format_export(event);
      co_await exchange.send(line);
      after = event.seq;
      const auto names = co_await find_names(exchange, event);
      for (const auto& name : names) {
        if (!named.insert(name).second) continue;
        const auto content = co_await find_content(exchange, event, name);
        if (content.empty())
          end.erased.push_back(name);
        else
          ++end.blobs;
        if (!content.empty()) co_await exchange.send(content);
      }
    }
  }
  const Proven proven = co_await write_proofs(exchange, run);
  end.checkpoints = proven.checkpoints;
  end.proofs = proven.proofs;
  const std::string last = journal::format_export_end(end);
  co_await exchange.send(last);
}

// What the journal cannot read is said in the place where it would stand: the answer has begun, and
// whoever looks for what is wrong shall find it and go on.
io::Task<> JournalApi::Impl::say_fault(io::Exchange& exchange, std::string run, std::int64_t seq,
                                       std::string what) {
  log.error("exporting a run", {{"run_uid", run}, {"error", what}});
  const std::string line = journal::format_fault(seq, what);
  co_await exchange.send(line);
}

io::Task<std::vector<journal::Event>> JournalApi::Impl::find_events(io::Exchange& exchange,
                                                                    std::string run,
                                                                    std::int64_t after,
                                                                    std::size_t limit) {
  std::string fault;
  try {
    auto events = co_await journal.events(run, after, limit);
    co_return events;
  } catch (const Error& error) {
    if (error.code() != Code::internal) throw;
    fault = error.what();
  }
  co_await say_fault(exchange, std::move(run), -1, std::move(fault));
  co_return std::vector<journal::Event>();
}

io::Task<std::vector<std::string>> JournalApi::Impl::find_names(io::Exchange& exchange,
                                                                journal::Event event) {
  if (event.body.empty()) co_return std::vector<std::string>();
  std::string fault;
  try {
    co_return journal::blobs_of(event);
  } catch (const Error& error) {
    fault = error.what();
  }
  co_await say_fault(exchange, event.run, event.seq, std::move(fault));
  co_return std::vector<std::string>();
}

// A line; nothing when the content was erased.
io::Task<std::string> JournalApi::Impl::find_content(io::Exchange& exchange, journal::Event event,
                                                     std::string name) {
  std::string fault;
  try {
    auto bytes = co_await find_blob(name);
    if (!bytes) co_return std::string();
    co_return journal::format_export({std::move(name), *std::move(bytes)});
  } catch (const Error& error) {
    if (error.code() != Code::internal && error.code() != Code::invalid) throw;
    fault = cat("content ", name, ": ", error.what());
  }
  co_await say_fault(exchange, event.run, event.seq, std::move(fault));
  co_return std::string();
}

io::Task<std::optional<std::string>> JournalApi::Impl::find_blob(std::string name) {
  std::optional<std::string> bytes;
  try {
    std::vector<std::string> names{std::move(name)};
    auto contents = co_await journal.blobs(std::move(names));
    bytes = std::move(contents.front());
  } catch (const Error& error) {
    if (error.code() != Code::not_found) throw;
  }
  co_return bytes;
}

}  // namespace gateway
