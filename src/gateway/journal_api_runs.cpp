// Runs: described, listed, brought from elsewhere; their contents.
#include <algorithm>

#include "base/text.h"
#include "gateway/journal_api_impl.h"
#include "journal/export.h"
#include "objects/agent_run.h"
#include "protocol/journal_api.h"

namespace gateway {

using base::cat;
using base::Code;
using base::Error;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using protocol::RunRecordStatus;

namespace {

constexpr std::int64_t runs_default = 500, runs_max = 1000;

}  // namespace

io::Task<JournalApi::Impl::Run> JournalApi::Impl::get_run(std::string ns, std::string name) {
  auto state = co_await journal.state(name);
  if (state && state->ns == ns) co_return Run{name, *std::move(state)};
  journal::RunFilter filter{.ns = ns, .name = name, .before = {}};
  auto found = co_await archive.runs(std::move(filter), 1);
  if (found.empty())
    throw Error(Code::not_found, cat("the journal has no run \"", name, "\" in namespace ", ns));
  co_return Run{found.front().run, std::move(found.front().state)};
}

io::Task<Json> JournalApi::Impl::describe(Run run) {
  const auto first = co_await journal.events(run.uid, -1, 1);
  if (first.empty()) throw Error(Code::internal, cat("run ", run.uid, " has no events"));
  RunRecordStatus status{.began = first.front().at,
                         .ended = {},
                         .outcome = {},
                         .error = {},
                         .attempt = run.state.fence.attempt,
                         .execution = run.state.fence.execution,
                         .events = run.state.seq + 1,
                         .inputTokens = run.state.sums.inputTokens,
                         .outputTokens = run.state.sums.outputTokens,
                         .modelCalls = run.state.sums.modelCalls,
                         .toolCalls = run.state.sums.toolCalls,
                         .imported = run.state.imported,
                         .link = run.state.link};
  if (const auto& begun = first.front(); !begun.body.empty()) {
    const auto body = journal::read<journal::RunBegun>(begun);
    status.forkOf = body.forkOf;
    if (!body.forkOf.empty()) status.forkStep = body.forkStep;
  }
  if (run.state.ended) {
    const auto last = co_await journal.find(run.uid, journal::Kind::run_outcome, "");
    if (last && !last->body.empty()) {
      const auto outcome = journal::read<journal::RunOutcome>(*last);
      status.ended = last->at;
      status.outcome = outcome.status;
      status.error = outcome.error;
    }
  }
  co_return JsonObject{
      {"apiVersion", protocol::journal_api_version},
      {"kind", "RunRecord"},
      {"metadata", JsonObject{{"name", run.state.name},
                              {"namespace", run.state.ns},
                              {"uid", run.uid},
                              {"creationTimestamp", base::format_time(status.began)}}},
      {"status", schema::encode(status)}};
}

io::Task<Json> JournalApi::Impl::list_runs(Asked asked) {
  journal::RunFilter filter{
      .ns = asked.ns, .name = std::string(asked.target.get("name")), .before = {}};
  if (asked.target.has("continue")) filter.before = asked.number("continue", 0);
  const auto limit = std::clamp(asked.number("limit", runs_default), std::int64_t{1}, runs_max);
  const auto entries = co_await archive.runs(std::move(filter), static_cast<std::size_t>(limit));
  JsonArray items;
  for (const auto& entry : entries) {
    Json item = co_await describe({entry.run, entry.state});
    items.push_back(std::move(item));
  }
  JsonObject metadata;
  if (std::int64_t(entries.size()) == limit)
    metadata["continue"] = std::to_string(entries.back().number);
  co_return JsonObject{{"apiVersion", protocol::journal_api_version},
                       {"kind", "RunRecordList"},
                       {"metadata", std::move(metadata)},
                       {"items", std::move(items)}};
}

// Its UID is known once its object is there, and not before.
io::Task<bool> JournalApi::Impl::is_living(std::string uid) {
  kube::ListOptions options;
  options.detail = kube::Detail::metadata;
  options.limit = 500;
  do {
    kube::Ref runs{&objects::AgentRun::info, {}, {}, {}};
    const kube::Page page = co_await api.list(std::move(runs), options);
    for (const Json& run : page.items)
      if (base::text_at(run, {"metadata", "uid"}) == uid) co_return true;
    options.continue_token = page.continue_token;
  } while (!options.continue_token.empty());
  co_return false;
}

// What its consumers have still to hear of a run is a matter of moments, and nothing tells of it.
io::Task<> JournalApi::Impl::forget(std::string uid) {
  constexpr base::Duration pause{50}, patience{5'000};
  for (const auto until = clock.steady() + patience;;) {
    try {
      co_await journal.forget(uid);
      co_return;
    } catch (const Error& error) {
      if (error.code() != Code::conflict || clock.steady() >= until) throw;
    }
    co_await io::sleep(clock, pause);
  }
}

io::Task<Json> JournalApi::Impl::remove(Run run, std::string what, std::string user) {
  if (!run.state.ended && !run.state.imported) {
    const bool living = co_await is_living(run.uid);
    if (living) throw Error(Code::conflict, cat("run ", run.state.name, " has not ended"));
    journal::Batch batch{.run = run.uid, .fence = run.state.fence, .events = {}, .blobs = {}};
    batch.after = run.state.seq;
    batch.add(journal::RunOutcome{.status = protocol::RunStatus::error,
                                  .text = "",
                                  .error = "the run was deleted before it had ended"});
    co_await journal.append(std::move(batch));
  }
  const bool all = what.empty();
  if (all)
    co_await forget(run.uid);
  else
    co_await journal.erase(run.uid);
  log.info(
      all ? "run forgotten" : "contents of a run erased",
      {{"namespace", run.state.ns}, {"run", run.state.name}, {"run_uid", run.uid}, {"user", user}});
  co_return JsonObject{{"kind", "Status"},
                       {"apiVersion", "v1"},
                       {"metadata", JsonObject{}},
                       {"status", "Success"},
                       {"details", JsonObject{{"name", run.state.name},
                                              {"group", protocol::journal_group},
                                              {"kind", "runrecords"},
                                              {"uid", run.uid}}}};
}

io::Task<Json> JournalApi::Impl::import(std::string ns, std::string text, std::string user) {
  auto read = [text = std::move(text)] { return journal::read_export(text); };
  journal::ExportedRun run = co_await pool.run(std::move(read));
  if (!run.erased.empty())
    throw Error(Code::invalid, cat(run.erased.size(),
                                   " of the run's contents were erased; only a "
                                   "whole run can be imported"));
  const std::string uid = run.events.front().run;
  // A run that lives in this cluster is the gateway's to write: nobody else may take its place.
  const bool living = co_await is_living(uid);
  if (living) throw Error(Code::exists, cat("run ", uid, " lives in this cluster"));
  journal::ImportedRun imported{ns, std::move(run.events), std::move(run.blobs)};
  co_await archive.import(std::move(imported));
  log.info("run imported", {{"namespace", ns}, {"run_uid", uid}, {"user", user}});
  const Run made = co_await get_run(std::move(ns), uid);
  Json record = co_await describe(made);
  co_return record;
}

io::Task<std::string> JournalApi::Impl::get_blob(Run run, std::string name) {
  for (std::int64_t after = -1;;) {
    const auto events = co_await journal.events(run.uid, after, page_events);
    for (const auto& event : events) {
      after = event.seq;
      if (event.body.empty()) continue;
      const auto names = journal::blobs_of(event);
      if (std::ranges::find(names, name) == names.end()) continue;
      std::vector<std::string> one{name};
      auto contents = co_await journal.blobs(std::move(one));
      co_return std::move(contents.front());
    }
    if (events.size() < page_events)
      throw Error(Code::not_found, cat("run ", run.state.name, " names no content ", name));
  }
}
}  // namespace gateway
