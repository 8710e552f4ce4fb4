#include "gateway/journal_api.h"

#include <algorithm>

#include "base/text.h"
#include "gateway/journal_api_impl.h"
#include "gateway/journal_documents.h"
#include "protocol/journal_api.h"

namespace gateway {

using base::cat;
using base::Code;
using base::Error;
using base::Json;
using base::JsonArray;

namespace {

std::optional<Asked> find_asked(const std::vector<std::string>& parts, io::Target target) {
  if (parts.size() < 6 || parts.size() > 9 || parts[0] != "apis" ||
      parts[1] != protocol::journal_group || parts[2] != protocol::journal_version ||
      parts[3] != "namespaces")
    return {};
  const auto part = [&](std::size_t at) { return at < parts.size() ? parts[at] : std::string(); };
  return Asked{parts[4], parts[5], part(6), part(7), part(8), std::move(target)};
}

}  // namespace

std::int64_t Asked::number(std::string_view parameter, std::int64_t otherwise) const {
  const auto text = target.get(parameter);
  if (text.empty()) return otherwise;
  const auto value = base::parse_int(text);
  if (!value || *value < -1)
    throw Error(Code::invalid, cat(parameter, ": \"", text, "\" is no number"));
  return *value;
}

io::Task<> JournalApi::Impl::serve_run(io::Exchange& exchange, Asked asked) {
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

io::Task<> JournalApi::Impl::serve(io::Exchange& exchange) {
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
  } else if (asked && get && asked->resource == "rundeltas" && asked->name.empty()) {
    co_await serve_deltas(exchange, *std::move(asked));
  } else if (asked && get && asked->resource == "checkpoints" && asked->name.empty()) {
    auto write = write_checkpoints(exchange, asked->ns, asked->number("after", 0));
    co_await stream(exchange, limit_of(*asked), std::move(write));
  } else if (asked && get && asked->resource == "runrecords" && asked->name.empty()) {
    Json list = co_await list_runs(*std::move(asked));
    if (wants_table(exchange))
      list = make_table(list.at("items").as_array(), list.at("metadata").as_object());
    co_await exchange.respond(json_answer(200, list));
  } else if (asked && get && asked->resource == "runrecords") {
    co_await serve_run(exchange, *std::move(asked));
  } else if (asked && exchange.method() == "DELETE" && asked->resource == "runrecords" &&
             !asked->name.empty() && (asked->sub.empty() || asked->sub == "contents") &&
             asked->rest.empty()) {
    Run run = co_await get_run(asked->ns, asked->name);
    std::string user(exchange.headers().get(protocol::header_remote_user));
    const Json status = co_await remove(std::move(run), asked->sub, std::move(user));
    co_await exchange.respond(json_answer(200, status));
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

io::Task<> JournalApi::Impl::handle(io::Exchange& exchange) {
  std::optional<io::Response> refused;
  try {
    co_await serve(exchange);
  } catch (const Error& error) {
    if (error.code() == Code::cancelled || exchange.answered()) throw;
    if (error.code() == Code::internal)
      log.error("reading the journal", {{"target", exchange.target()}, {"error", error.what()}});
    // People decide for themselves how long they wait.
    const bool away = error.code() == Code::unavailable;
    refused = failure(reason_of(error.code()),
                      away ? cat("not available now, try again: ", error.what()) : error.what());
  }
  if (refused) co_await exchange.respond(std::move(*refused));
}

JournalApi::JournalApi(io::Loop& loop, base::Clock& clock, base::Log& log, io::BlockingPool& pool,
                       journal::Journal& journal, journal::Archive& archive,
                       journal::Checkpoints& checkpoints, kube::Api& api,
                       JournalApiSettings settings)
    : impl_(new Impl{loop, clock, log, pool, journal, archive, checkpoints, api, settings}) {}

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
