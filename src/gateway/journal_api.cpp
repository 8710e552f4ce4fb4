#include "gateway/journal_api.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "journal/export.h"
#include "objects/agent_run.h"
#include "protocol/codec.h"
#include "protocol/journal_api.h"

namespace gateway {

using base::cat;
using base::Code;
using base::Error;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using journal::RunState;
using protocol::RunEvent;
using protocol::RunRecordStatus;

namespace {

constexpr std::size_t page_events = 200;
constexpr std::int64_t runs_default = 500, runs_max = 1000;
constexpr std::int64_t timeout_seconds_max = 24 * 3600;

struct Reason {
  int http;
  std::string_view reason;
};
Reason reason_of(Code code) {
  switch (code) {
    case Code::invalid: return {400, "BadRequest"};
    case Code::not_found: return {404, "NotFound"};
    case Code::exists: return {409, "AlreadyExists"};
    case Code::conflict: return {409, "Conflict"};
    case Code::denied: return {403, "Forbidden"};
    case Code::unavailable: return {503, "ServiceUnavailable"};
    case Code::timeout: return {504, "Timeout"};
    default: return {500, "InternalError"};
  }
}

io::Response json_answer(int status, const Json& body) {
  return {status, {{"Content-Type", "application/json"}}, base::to_text(body)};
}

io::Response failure(Reason reason, std::string_view message) {
  return json_answer(reason.http, JsonObject{{"kind", "Status"},
                                             {"apiVersion", "v1"},
                                             {"metadata", JsonObject{}},
                                             {"status", "Failure"},
                                             {"message", message},
                                             {"reason", reason.reason},
                                             {"code", reason.http}});
}

// ---- discovery ----

JsonArray words(const std::vector<std::string_view>& list) {
  JsonArray out;
  for (const auto word : list) out.emplace_back(word);
  return out;
}

Json resource_list() {
  JsonArray list;
  for (const auto& resource : protocol::journal_resources()) {
    list.push_back(JsonObject{{"name", resource.plural},
                              {"singularName", resource.singular},
                              {"namespaced", true},
                              {"kind", resource.kind},
                              {"verbs", words(resource.verbs)}});
    for (const auto& sub : resource.subresources)
      list.push_back(JsonObject{{"name", cat(resource.plural, "/", sub.name)},
                                {"singularName", ""},
                                {"namespaced", true},
                                {"kind", sub.kind},
                                {"verbs", JsonArray{"get"}}});
  }
  return JsonObject{{"kind", "APIResourceList"},
                    {"apiVersion", "v1"},
                    {"groupVersion", protocol::journal_api_version},
                    {"resources", std::move(list)}};
}

Json group() {
  const JsonObject version{{"groupVersion", protocol::journal_api_version},
                           {"version", protocol::journal_version}};
  return JsonObject{{"kind", "APIGroup"},
                    {"apiVersion", "v1"},
                    {"name", protocol::journal_group},
                    {"versions", JsonArray{version}},
                    {"preferredVersion", version}};
}

std::optional<Json> find_discovery(const std::vector<std::string>& parts) {
  if (parts.empty() || parts[0] != "apis") return {};
  if (parts.size() == 1)
    return JsonObject{
        {"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", JsonArray{group()}}};
  if (parts[1] != protocol::journal_group) return {};
  if (parts.size() == 2) return group();
  if (parts.size() == 3 && parts[2] == protocol::journal_version) return resource_list();
  return {};
}

// ---- tables, as kubectl asks for them (meta.k8s.io/v1) ----

bool wants_table(const io::Exchange& exchange) {
  return exchange.headers().get("Accept").find("as=Table") != std::string_view::npos;
}

Json column(std::string_view name, std::string_view type, std::string_view doc) {
  return JsonObject{{"name", name},
                    {"type", type},
                    {"format", name == "Name" ? "name" : ""},
                    {"description", doc},
                    {"priority", 0}};
}

Json table_row(const Json& record) {
  const auto number = [&](std::string_view member) {
    return base::find_int(record, {"status", member}).value_or(0);
  };
  std::string outcome = base::text_at(record, {"status", "outcome"});
  if (base::find_bool(record, {"status", "imported"}).value_or(false))
    outcome += outcome.empty() ? "imported" : ", imported";
  return JsonObject{{"cells", JsonArray{base::text_at(record, {"metadata", "name"}),
                                        base::text_at(record, {"metadata", "uid"}), outcome,
                                        number("modelCalls"), number("toolCalls"),
                                        cat(number("inputTokens"), " + ", number("outputTokens")),
                                        base::text_at(record, {"status", "began"})}},
                    {"object", JsonObject{{"kind", "PartialObjectMetadata"},
                                          {"apiVersion", "meta.k8s.io/v1"},
                                          {"metadata", record.at("metadata")}}}};
}

Json make_table(const JsonArray& records, JsonObject metadata) {
  JsonArray rows;
  for (const Json& record : records) rows.push_back(table_row(record));
  return JsonObject{{"kind", "Table"},
                    {"apiVersion", "meta.k8s.io/v1"},
                    {"metadata", std::move(metadata)},
                    {"columnDefinitions",
                     JsonArray{column("Name", "string", "Name of the run."),
                               column("UID", "string", "Its Kubernetes UID."),
                               column("Outcome", "string", "success or error, once it has ended."),
                               column("Model", "integer", "Model calls."),
                               column("Tools", "integer", "Tool calls."),
                               column("Tokens", "string", "Tokens read and written."),
                               column("Began", "string", "Time of its first event.")}},
                    {"rows", std::move(rows)}};
}

// ---- what is asked ----

struct Asked {
  std::string ns, resource, name, sub, rest;
  io::Target target;

  std::int64_t number(std::string_view parameter, std::int64_t otherwise) const {
    const auto text = target.get(parameter);
    if (text.empty()) return otherwise;
    const auto value = base::parse_int(text);
    if (!value || *value < -1)
      throw Error(Code::invalid, cat(parameter, ": \"", text, "\" is no number"));
    return *value;
  }
  bool watch() const { return target.get("watch") == "true" || target.get("watch") == "1"; }
};

std::optional<Asked> find_asked(const std::vector<std::string>& parts, io::Target target) {
  if (parts.size() < 6 || parts.size() > 9 || parts[0] != "apis" ||
      parts[1] != protocol::journal_group || parts[2] != protocol::journal_version ||
      parts[3] != "namespaces")
    return {};
  const auto part = [&](std::size_t at) { return at < parts.size() ? parts[at] : std::string(); };
  return Asked{parts[4], parts[5], part(6), part(7), part(8), std::move(target)};
}

// ---- what is answered ----

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

std::string line_of(const RunEvent& event) { return protocol::to_text(event) + "\n"; }

}  // namespace

struct JournalApi::Impl {
  io::Loop& loop;
  base::Clock& clock;
  base::Log& log;
  io::BlockingPool& pool;
  journal::Journal& journal;
  journal::Archive& archive;
  kube::Api& api;
  JournalApiSettings settings;

  // ---- runs ----

  struct Run {
    std::string uid;
    RunState state;
  };

  // By UID, else the latest of that name.
  io::Task<Run> get_run(std::string ns, std::string name) {
    auto state = co_await journal.state(name);
    if (state && state->ns == ns) co_return Run{name, *std::move(state)};
    journal::RunFilter filter{.ns = ns, .name = name, .before = {}};
    auto found = co_await archive.runs(std::move(filter), 1);
    if (found.empty())
      throw Error(Code::not_found, cat("the journal has no run \"", name, "\" in namespace ", ns));
    co_return Run{found.front().run, std::move(found.front().state)};
  }

  io::Task<Json> describe(Run run) {
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

  io::Task<Json> list_runs(Asked asked) {
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

  // A run that lives in this cluster is the gateway's to write: nobody else may take its place.
  // Its UID is known once its object is there, and not before.
  io::Task<> check_not_living(std::string uid) {
    kube::ListOptions options;
    options.detail = kube::Detail::metadata;
    options.limit = 500;
    do {
      kube::Ref runs{&objects::AgentRun::info, {}, {}, {}};
      const kube::Page page = co_await api.list(std::move(runs), options);
      for (const Json& run : page.items)
        if (base::text_at(run, {"metadata", "uid"}) == uid)
          throw Error(Code::exists, cat("run ", uid, " lives in this cluster"));
      options.continue_token = page.continue_token;
    } while (!options.continue_token.empty());
  }

  io::Task<Json> import(std::string ns, std::string text, std::string user) {
    auto read = [text = std::move(text)] { return journal::read_export(text); };
    journal::ExportedRun run = co_await pool.run(std::move(read));
    if (!run.erased.empty())
      throw Error(Code::invalid, cat(run.erased.size(),
                                     " of the run's contents were erased; only a "
                                     "whole run can be imported"));
    const std::string uid = run.events.front().run;
    co_await check_not_living(uid);
    journal::ImportedRun imported{ns, std::move(run.events), std::move(run.blobs)};
    co_await archive.import(std::move(imported));
    log.info("run imported", {{"namespace", ns}, {"run_uid", uid}, {"user", user}});
    const Run made = co_await get_run(std::move(ns), uid);
    Json record = co_await describe(made);
    co_return record;
  }

  // ---- streams ----

  // Until the task has ended, the client has gone or the time is over.
  io::Task<> while_heard(io::Exchange& exchange, base::Duration limit, io::Task<> task) {
    bool gone = false;
    auto write = [](io::Task<> inner, io::TaskGroup& all) -> io::Task<> {
      co_await std::move(inner);
      all.stop();
    };
    auto notice = [](io::Exchange& from, bool& is_gone, io::TaskGroup& all) -> io::Task<> {
      co_await from.client_gone();
      is_gone = true;
      all.stop();
    };
    auto expire = [](base::Clock& c, base::Duration after, io::TaskGroup& all) -> io::Task<> {
      co_await io::sleep(c, after);
      all.stop();
    };
    io::TaskGroup all(loop);
    all.spawn("write", write(std::move(task), all));
    all.spawn("client", notice(exchange, gone, all));
    all.spawn("limit", expire(clock, limit, all));
    co_await all.join();
    if (!gone) co_await exchange.end();
  }

  base::Duration limit_of(const Asked& asked) const {
    const auto seconds = asked.number("timeoutSeconds", 0);
    return seconds > 0
               ? base::Duration(std::chrono::seconds(std::min(seconds, timeout_seconds_max)))
               : settings.watch_most;
  }

  io::Task<> stream(io::Exchange& exchange, base::Duration limit, io::Task<> task) {
    co_await exchange.begin(200, {{"Content-Type", "application/x-ndjson"}});
    co_await while_heard(exchange, limit, std::move(task));
  }

  io::Task<> write_run_events(io::Exchange& exchange, Run run, std::int64_t after, bool watch) {
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

  // Which events of a namespace are asked for.
  struct Filter {
    std::string ns, run, agent;
    std::int64_t limit = 0;  // 0: all
  };

  // What is known of the runs that a stream has met.
  struct Met {
    RunState state;
    bool wanted = true;
  };

  io::Task<Met> meet(const std::string& uid, const Filter& filter) {
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

  io::Task<> write_history(io::Exchange& exchange, Filter filter, std::int64_t after, bool watch) {
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

  io::Task<> serve_history(io::Exchange& exchange, Asked asked) {
    Filter filter{.ns = asked.ns,
                  .run = std::string(asked.target.get("run")),
                  .agent = std::string(asked.target.get("agent")),
                  .limit = asked.number("limit", 0)};
    const bool at_end = asked.target.get("after") == "end";
    std::int64_t after = at_end ? 0 : asked.number("after", 0);
    if (at_end) after = co_await archive.position(asked.ns, base::Time::max());
    if (const auto since = asked.target.get("since");
        !since.empty() && !asked.target.has("after")) {
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

  io::Task<> write_export(io::Exchange& exchange, Run run) {
    const std::string head = journal::format_export_head(run.uid, run.state);
    co_await exchange.send(head);
    std::set<std::string> named;
    std::vector<std::string> erased;
    std::size_t blobs = 0;
    for (std::int64_t after = -1; after < run.state.seq;) {
      const auto left = static_cast<std::size_t>(run.state.seq - after);
      const auto events = co_await journal.events(run.uid, after, std::min(left, page_events));
      if (events.empty()) throw Error(Code::internal, cat("run ", run.uid, " lost its events"));
      for (const auto& event : events) {
        const std::string line = journal::format_export(event);
        co_await exchange.send(line);
        after = event.seq;
        if (event.body.empty()) continue;
        for (auto& name : journal::blobs_of(event)) {
          if (!named.insert(name).second) continue;
          auto bytes = co_await find_blob(name);
          if (!bytes) {
            erased.push_back(std::move(name));
            continue;
          }
          ++blobs;
          const std::string content = journal::format_export({std::move(name), *std::move(bytes)});
          co_await exchange.send(content);
        }
      }
    }
    const std::string end = journal::format_export_end(blobs, erased);
    co_await exchange.send(end);
  }

  io::Task<std::optional<std::string>> find_blob(std::string name) {
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

  // Only what the run names: what others wrote is none of its namespace's business.
  io::Task<std::string> get_blob(Run run, std::string name) {
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

  // ---- requests ----

  io::Task<> serve_run(io::Exchange& exchange, Asked asked) {
    const Run run = co_await get_run(asked.ns, asked.name);
    if (asked.sub.empty()) {
      Json record = co_await describe(run);
      if (wants_table(exchange)) record = make_table(JsonArray{record}, {});
      co_await exchange.respond(json_answer(200, record));
    } else if (asked.sub == "events" && asked.rest.empty()) {
      auto write = write_run_events(exchange, run, asked.number("after", -1), asked.watch());
      co_await stream(exchange, limit_of(asked), std::move(write));
    } else if (asked.sub == "export" && asked.rest.empty()) {
      auto write = write_export(exchange, run);
      co_await stream(exchange, settings.watch_most, std::move(write));
    } else if (asked.sub == "blobs" && !asked.rest.empty()) {
      std::string bytes = co_await get_blob(run, asked.rest);
      co_await exchange.respond(
          {200, {{"Content-Type", "application/octet-stream"}}, std::move(bytes)});
    } else {
      throw Error(Code::not_found, "the server could not find the requested resource");
    }
  }

  io::Task<> serve(io::Exchange& exchange) {
    io::Target target = io::parse_target(exchange.target());
    std::vector<std::string> parts;
    for (auto& part : base::split(target.path, '/'))
      if (!part.empty()) parts.push_back(std::move(part));
    const bool get = exchange.method() == "GET";
    if (auto document = get ? find_discovery(parts) : std::nullopt) {
      co_await exchange.respond(json_answer(200, *document));
      co_return;
    }
    auto asked = find_asked(parts, std::move(target));
    if (asked && get && asked->resource == "runevents" && asked->name.empty()) {
      co_await serve_history(exchange, *std::move(asked));
    } else if (asked && get && asked->resource == "runrecords" && asked->name.empty()) {
      Json list = co_await list_runs(*std::move(asked));
      if (wants_table(exchange))
        list = make_table(list.at("items").as_array(), list.at("metadata").as_object());
      co_await exchange.respond(json_answer(200, list));
    } else if (asked && get && asked->resource == "runrecords") {
      co_await serve_run(exchange, *std::move(asked));
    } else if (asked && exchange.method() == "POST" && asked->resource == "runrecords" &&
               asked->name.empty()) {
      std::string text = co_await exchange.body(settings.import_bytes);
      std::string user(exchange.headers().get(protocol::header_remote_user));
      const Json made = co_await import(asked->ns, std::move(text), std::move(user));
      co_await exchange.respond(json_answer(201, made));
    } else {
      throw Error(Code::not_found, "the server could not find the requested resource");
    }
  }

  io::Task<> handle(io::Exchange& exchange) {
    std::optional<io::Response> refused;
    try {
      co_await serve(exchange);
    } catch (const Error& error) {
      if (error.code() == Code::cancelled || exchange.answered()) throw;
      if (error.code() == Code::internal)
        log.error("reading the journal", {{"target", exchange.target()}, {"error", error.what()}});
      refused = failure(reason_of(error.code()), error.what());
    }
    if (refused) co_await exchange.respond(std::move(*refused));
  }
};

JournalApi::JournalApi(io::Loop& loop, base::Clock& clock, base::Log& log, io::BlockingPool& pool,
                       journal::Journal& journal, journal::Archive& archive, kube::Api& api,
                       JournalApiSettings settings)
    : impl_(new Impl{loop, clock, log, pool, journal, archive, api, settings}) {}

JournalApi::~JournalApi() = default;

io::Handler JournalApi::handler() {
  return [this](io::Exchange& exchange) { return impl_->handle(exchange); };
}

io::Handler behind_front_proxy(io::Handler handler, std::vector<std::string> names) {
  return [handler = std::move(handler),
          names = std::move(names)](io::Exchange& exchange) -> io::Task<> {
    const auto& shown = exchange.peer().common_name;
    if (shown && (names.empty() || std::ranges::find(names, *shown) != names.end()))
      return handler(exchange);
    return exchange.respond(
        failure({401, "Unauthorized"}, "only an API server may speak for its users here"));
  };
}

}  // namespace gateway
