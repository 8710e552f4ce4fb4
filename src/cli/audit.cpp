// audit verify: an exported run, or all of a namespace.
#include <algorithm>
#include <map>
#include <set>

#include "base/encoding.h"
#include "base/text.h"
#include "cli/recorded.h"
#include "cli/render.h"
#include "io/crypto.h"
#include "io/file.h"
#include "journal/audit_lines.h"
#include "kube/status.h"
#include "protocol/journal_api.h"

namespace cli {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;
using journal::Fault;

namespace {

constexpr std::string_view key_begins = "-----BEGIN PUBLIC KEY-----";

// The names of the keys in a file of `--key`.
std::set<std::string> read_trusted(const std::string& file) {
  const std::string text = io::read_file(file);
  std::set<std::string> ids;
  for (auto at = text.find(key_begins); at != std::string::npos;) {
    const auto next = text.find(key_begins, at + 1);
    const std::string pem(base::trim(text.substr(at, next - at)));
    ids.insert(io::public_key_id(pem + "\n"));
    at = next;
  }
  if (ids.empty())
    throw base::Error(base::Code::invalid,
                      cat(file, " holds no public key; it begins with \"", key_begins, "\""));
  return ids;
}

// Who signed how many checkpoints, and whether that is to be believed.
struct Signers {
  std::map<std::string, std::int64_t> checkpoints;  // by key
  std::optional<std::set<std::string>> trusted;     // nothing: the keys came with the rest

  bool trusts(const std::string& key) const { return trusted && trusted->contains(key); }
  std::vector<Fault> find_strangers() const {
    std::vector<Fault> faults;
    if (!trusted) return faults;
    for (const auto& [key, count] : checkpoints)
      if (!trusts(key))
        faults.push_back({.what = cat(counted(count, "checkpoint"), " signed by key ", key,
                                      ", which is none of those that you trust")});
    return faults;
  }
  std::string text(std::string_view source) const {
    std::string out;
    for (const auto& [key, count] : checkpoints)
      out += cat("  ", counted(count, "checkpoint"), " by key ", key,
                 trusted ? ", which you trust\n"
                         : cat(", which ", source,
                               " itself names: give --key to hold it against "
                               "one that you know\n"));
    return out;
  }
  JsonArray json() const {
    JsonArray out;
    for (const auto& [key, count] : checkpoints)
      out.push_back(JsonObject{{"id", key}, {"checkpoints", count}, {"trusted", trusts(key)}});
    return out;
  }
};

Signers make_signers(const std::string& key_file) {
  Signers signers;
  if (!key_file.empty()) signers.trusted = read_trusted(key_file);
  return signers;
}

Json encode(const Fault& fault) {
  JsonObject out{{"what", fault.what}};
  if (!fault.run.empty()) out["run"] = fault.run;
  if (fault.seq >= 0) out["event"] = fault.seq;
  if (fault.checkpoint >= 0) out["checkpoint"] = fault.checkpoint;
  if (!fault.column.empty()) out["column"] = fault.column;
  return out;
}

// ---- a file ----

// What `--key` asks for beyond a sound file: that all of it is signed.
std::optional<std::string> find_unsigned(const journal::ExportedRun& run) {
  const auto events = std::int64_t(run.events.size());
  if (run.signed_events == events) return {};
  return cat("no checkpoint holds ",
             run.signed_events == events - 1 ? "event " : "the events from ", run.signed_events,
             run.signed_events == events - 1 ? "" : " on",
             "; a run that has just gone on is signed within seconds: export it again");
}

}  // namespace

int verify(Terminal& terminal, const VerifyOptions& options, Output output) {
  std::string fault;
  journal::ExportedRun run;
  Signers signers = make_signers(options.key);
  const std::string text = read_export_file(terminal, options.file);
  try {
    run = journal::read_export(text);
    for (const auto& checkpoint : run.checkpoints) ++signers.checkpoints[checkpoint.key];
    for (const auto& stranger : signers.find_strangers()) fault = stranger.text();
    if (signers.trusted && fault.empty()) fault = find_unsigned(run).value_or("");
  } catch (const base::Error& error) {
    fault = printable(error.what());
  }
  std::int64_t erased = std::int64_t(run.erased.size());
  for (const auto& event : run.events) erased += event.body.empty() ? 1 : 0;
  const auto events = std::int64_t(run.events.size()), contents = std::int64_t(run.blobs.size());
  if (output == Output::json) {
    JsonObject out{{"file", options.file}, {"valid", fault.empty()}};
    if (fault.empty()) {
      out["run"] = run.events.empty() ? "" : run.events.front().run;
      out["events"] = events;
      out["contents"] = contents;
      out["erased"] = erased;
      out["signedEvents"] = run.signed_events;
      out["keys"] = signers.json();
    } else {
      out["fault"] = fault;
    }
    terminal.print(base::to_text(out) + "\n");
  } else if (fault.empty()) {
    terminal.print(
        cat(options.file, ": sound: ", counted(events, "event"), ", ", counted(contents, "content"),
            erased == 0 ? "" : cat(", ", erased, " erased"),
            run.signed_events == events ? ""
            : run.signed_events == 0    ? ", not signed"
                                        : cat(", signed up to event ", run.signed_events - 1),
            "\n", signers.text("the file")));
  } else {
    terminal.print(cat(options.file, ": changed: ", fault, "\n"));
  }
  return fault.empty() ? exit_ok : exit_error;
}

// ---- a namespace ----

namespace {

io::Task<> read_checkpoints(Session& session, journal::Audit& audit) {
  std::string path = protocol::journal_path(session.ns, "checkpoints");
  auto stream = co_await session.raw.open_path(std::move(path));
  journal::AuditReader reader(audit);
  co_await read_lines(*stream, [&](std::string_view line) { reader.add(line); });
  reader.finish();
}

io::Task<std::vector<std::string>> list_uids(Session& session) {
  std::vector<std::string> uids;
  std::string from;
  do {
    std::string path = protocol::journal_path(session.ns, "runrecords");
    path += "?limit=500" + (from.empty() ? "" : "&continue=" + from);
    const Json list = co_await session.api.get_path(std::move(path));
    for (const Json& item : list.at("items").as_array())
      uids.push_back(text_at(item, {"metadata", "uid"}));
    from = text_at(list, {"metadata", "continue"});
  } while (!from.empty());
  co_return uids;
}

journal::RunState state_in(const Json& record) {
  const auto number = [&](std::string_view member) {
    return base::find_int(record, {"status", member}).value_or(0);
  };
  return {.name = text_at(record, {"metadata", "name"}),
          .fence = {number("attempt"), number("execution")},
          .seq = number("events") - 1,
          .sums = {number("inputTokens"), number("outputTokens"), number("modelCalls"),
                   number("toolCalls")},
          .ended = !text_at(record, {"status", "outcome"}).empty()};
}

// Nothing when the server has no such run.
io::Task<std::optional<journal::SeenRun>> see_run(Session& session, std::string uid) {
  journal::SeenRun run;
  std::string why;
  try {
    auto stream = co_await open_export(session, uid);
    journal::SeenRunReader reader;
    co_await read_lines(*stream, [&](std::string_view line) { reader.add(line); });
    run = reader.finish();
    std::string path = protocol::journal_path(session.ns, "runrecords", base::url_escape(uid));
    const Json record = co_await session.api.get_path(std::move(path));
    const auto state = state_in(record);
    if (state.seq == run.seq) run.state = state;  // else it has gone on in between
  } catch (const base::Error& error) {
    if (error.code() == base::Code::not_found) co_return std::nullopt;
    if (error.code() == base::Code::cancelled || error.code() == base::Code::denied) throw;
    why = error.what();
  }
  run.uid = uid;
  if (!why.empty()) {
    run.whole = false;
    run.faults.push_back({.run = uid, .what = why});
  }
  co_return run;
}

// Runs first: what they do while this goes on is in the checkpoints that are read behind them.
// Those name runs that no list has: new ones, and ones that were hidden.
io::Task<journal::Audit::Report> audit_namespace(Session& session) {
  std::vector<std::string> uids;
  std::map<std::string, journal::SeenRun> runs;
  std::set<std::string> asked;
  std::string why;
  try {
    uids = co_await list_uids(session);
  } catch (const kube::StatusError& error) {
    // What an event says may have become something that no request could be blamed for.
    if (error.http_status() < 500 && error.http_status() != 400) throw;
    why = error.what();
  }
  for (;;) {
    for (const auto& uid : uids) {
      if (!asked.insert(uid).second) continue;
      auto run = co_await see_run(session, uid);
      if (run) runs.emplace(uid, *std::move(run));
    }
    journal::Audit audit(session.ns);
    co_await read_checkpoints(session, audit);
    uids = audit.expected_runs();
    if (!std::ranges::all_of(uids, [&](const auto& uid) { return asked.contains(uid); })) continue;
    for (auto& [uid, run] : runs) audit.add(std::move(run));
    auto report = audit.finish();
    if (!why.empty())
      report.faults.insert(report.faults.begin(), {.what = "the runs cannot be listed: " + why});
    co_return report;
  }
}

}  // namespace

io::Task<int> execute(Session& session, VerifyOptions options) {
  if (!options.file.empty()) co_return verify(session.terminal, options, session.output);
  Signers signers = make_signers(options.key);
  journal::Audit::Report report = co_await audit_namespace(session);
  signers.checkpoints = report.keys;
  for (auto& stranger : signers.find_strangers()) report.faults.push_back(std::move(stranger));
  const bool sound = report.faults.empty();
  if (session.output == Output::json) {
    JsonArray faults;
    for (const auto& fault : report.faults) faults.push_back(encode(fault));
    session.terminal.print(base::to_text(JsonObject{{"namespace", session.ns},
                                                    {"valid", sound},
                                                    {"runs", report.runs},
                                                    {"events", report.events},
                                                    {"checkpoints", report.checkpoints},
                                                    {"unsignedEvents", report.unsigned_events},
                                                    {"keys", signers.json()},
                                                    {"faults", std::move(faults)}}) +
                           "\n");
  } else {
    std::string text = cat(
        "namespace ", session.ns, sound ? ": sound: " : ": changed: ", counted(report.runs, "run"),
        ", ", counted(report.events, "event"),
        report.unsigned_events == 0 ? ""
                                    : cat(", ", report.unsigned_events, " of them not signed yet"),
        "\n", signers.text("the server"));
    for (const auto& fault : report.faults) text += cat("  ", printable(fault.text()), "\n");
    session.terminal.print(text);
  }
  co_return sound ? exit_ok : exit_error;
}

}  // namespace cli
