#include "apiserver/server.h"

#include "apiserver/audit.h"
#include "apiserver/bootstrap.h"
#include "apiserver/context.h"
#include "apiserver/escalation.h"
#include "apiserver/impersonate.h"
#include "apiserver/protobuf.h"
#include "base/text.h"

namespace apiserver {

using base::cat;

namespace {

std::vector<Selectable> selectable_of(const Catalog& catalog, const std::string& storage) {
  auto resource = catalog.find_stored(storage);
  return resource ? resource->selectable : std::vector<Selectable>{};
}

// Any error as the Status that tells it.
StatusError status_of(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const StatusError& status) {
    return status;
  } catch (const base::Error& known) {
    switch (known.code()) {
      case base::Code::invalid: return bad_request(known.what());
      case base::Code::not_found: return {404, "NotFound", known.what()};
      case base::Code::conflict: return {409, "Conflict", known.what()};
      case base::Code::exists: return {409, "AlreadyExists", known.what()};
      case base::Code::denied: return {403, "Forbidden", known.what()};
      case base::Code::unavailable: return unavailable(known.what());
      case base::Code::timeout: return {504, "Timeout", known.what()};
      case base::Code::gone: return expired(known.what());
      default: return internal(known.what());
    }
  } catch (const std::exception& unknown) {
    return internal(unknown.what());
  } catch (...) {
    return internal("unknown error");
  }
}

// Every watch of the journal holds a connection.
constexpr io::ClientLimits journal_limits{.connections = 512};

constexpr std::string_view protobuf_type = "application/vnd.kubernetes.protobuf";

std::string body_type(const Call& call) {
  auto types = parse_accept(call.exchange.headers().get("Content-Type"));
  return types.empty() ? "application/json" : types.front().type;
}

base::Json read_protobuf(const std::string& bytes) {
  auto tree = parse_protobuf(bytes);
  if (!tree)
    throw StatusError(415, "UnsupportedMediaType",
                      "this server reads protobuf bodies of few kinds only; send JSON instead, as "
                      "`kubectl apply -f` and `kubectl create -f` do");
  return std::move(*tree);
}

}  // namespace

io::Task<> answer(Call& call, int status, std::string body, std::string type) {
  call.status = status;
  io::Response response;
  response.status = status;
  response.headers = call.headers;
  response.headers.set("Content-Type", std::move(type));
  response.headers.set("Cache-Control", "no-cache, private");
  for (const auto& warning : call.warnings) {
    std::string quoted;
    for (char c : warning) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c == '\n' || c == '\r' ? ' ' : c;
    }
    response.headers.add("Warning", cat("299 - \"", quoted, "\""));
  }
  response.body = std::move(body);
  co_await call.exchange.respond(std::move(response));
}

io::Task<std::string> read_body(Context& context, Call& call) {
  auto limit = context.settings.body_bytes_max;
  auto length = base::parse_int(call.exchange.headers().get("Content-Length"));
  if (length && *length > std::int64_t(limit)) throw entity_too_large(limit);
  try {
    auto body = co_await call.exchange.body(limit);
    co_return body;
  } catch (const base::Error& error) {
    if (error.code() == base::Code::invalid) throw entity_too_large(limit);
    throw;
  }
}

io::Task<std::string> read_options(Context& context, Call& call) {
  auto text = co_await read_body(context, call);
  if (text.empty() || body_type(call) != protobuf_type) co_return text;
  auto options = read_protobuf(text);
  co_return base::to_text(options);
}

io::Task<base::Json> read_json(Context& context, Call& call) {
  auto type = body_type(call);
  if (type != "application/json" && type != protobuf_type)
    throw unsupported_media_type({"application/json"});
  auto text = co_await read_body(context, call);
  if (type == protobuf_type) co_return read_protobuf(text);
  co_return base::parse_json(text);
}

bool may(const Context& context, const User& user, const RequestInfo& info,
         const io::Target& target) {
  return context.nodes.allows(user, info, target) || context.rbac.allows(user, info);
}

struct ApiServer::Impl {
  Impl(io::Loop& loop, base::Clock& clock, base::Random& random, base::Log& log, ObjectLog& objects,
       TokenSettings tokens, ServerSettings given, MoreAdmission more, AuditSink sink)
      : settings(std::move(given)),
        catalog(make_catalog(settings.journal_dialer ? WithJournal::yes : WithJournal::no)),
        store(
            loop, objects,
            [this](const std::string& storage) { return selectable_of(catalog, storage); },
            Store::Limits{}),
        authenticator(store, clock, random, std::move(tokens)),
        rbac(store),
        nodes(store),
        verbs(store, clock, random,
              [this, builtin = make_builtin_admission(store, random), more](Attributes& write) {
                builtin(write);
                refuse_escalation(rbac, store, write);
                if (more) more(write, rbac);
              }),
        audit(clock, random, std::move(sink)),
        tasks(loop),
        context{loop,
                clock,
                random,
                log,
                settings,
                catalog,
                store,
                verbs,
                authenticator,
                rbac,
                nodes,
                stopping,
                documents,
                settings.journal_dialer ? &journal.emplace(loop, clock, settings.journal_dialer(),
                                                           "gateway", journal_limits)
                                        : nullptr,
                [this](std::string ns) { return furnish_namespace(context, std::move(ns)); }} {
    keep_namespaces_furnished(context, tasks);
  }

  void authorize(Call& call) const {
    if (may(context, call.user, call.info, call.target)) return;
    const auto& info = call.info;
    auto why = describe_refusal(call.user, info);
    if (!info.is_resource) throw forbidden_path(info.path, why);
    throw forbidden({info.group, info.resource, ""}, info.name, why);
  }

  io::Task<> dispatch(Call& call) {
    if (stopping.is_set()) throw unavailable("the server is shutting down");
    call.target = io::parse_target(call.exchange.target());
    call.info = parse_request(call.exchange.method(), call.target);
    call.user = authenticator.authenticate(call.exchange.peer(),
                                           call.exchange.headers().get("Authorization"));
    if (auto other = impersonated(rbac, call.user, call.exchange.headers()))
      call.asker = std::exchange(call.user, *std::move(other));
    authorize(call);
    if (auto timeout = call.target.get("timeout");
        !timeout.empty() && call.info.verb != "watch" && !base::parse_duration(timeout))
      throw bad_request(
          cat("invalid timeout specified in the request URL - time: invalid duration \"", timeout,
              "\""));
    if (!call.info.is_resource) {
      co_await serve_path(context, call);
      co_return;
    }
    call.resource = catalog.find(call.info.group, call.info.version, call.info.resource);
    if (!call.resource || (call.resource->scope == Scope::cluster && !call.info.ns.empty() &&
                           call.resource->plural != "namespaces")) {
      co_await answer(call, 404, "404 page not found\n", "text/plain; charset=utf-8");
      co_return;
    }
    if (call.info.verb == "watch") audit.write(call, AuditStage::started);
    if (call.resource->aggregated) {
      co_await serve_aggregated(context, call);
      co_return;
    }
    co_await serve_resource(context, call);
  }

  io::Task<> handle(io::Exchange& exchange) {
    Call call{exchange, {}, {}, {}};
    call.received = context.clock.now();
    std::exception_ptr error;
    try {
      co_await dispatch(call);
    } catch (...) {
      error = std::current_exception();
    }
    if (error) {
      if (exchange.answered() || io::is_cancelled(error)) std::rethrow_exception(error);
      auto status = status_of(error);
      if (status.http() == 500) context.log.error("request failed", {{"error", status.what()}});
      call.answer = status.body().as_object();
      auto body = base::to_text(call.answer);
      if (status.http() == 401) call.warnings.clear();
      co_await answer(call, status.http(), std::move(body));
    }
    audit.write(call, AuditStage::complete);
  }

  ServerSettings settings;
  Catalog catalog;
  Store store;
  Authenticator authenticator;
  Rbac rbac;
  NodeAuthorizer nodes;
  Verbs verbs;
  Audit audit;
  io::Event stopping;
  std::map<std::string, std::string> documents;
  std::optional<io::HttpClient> journal;
  io::TaskGroup tasks;
  Context context;
};

ApiServer::ApiServer(io::Loop& loop, base::Clock& clock, base::Random& random, base::Log& log,
                     ObjectLog& objects, TokenSettings tokens, ServerSettings settings,
                     MoreAdmission admission, AuditSink audit)
    : impl_(std::make_unique<Impl>(loop, clock, random, log, objects, std::move(tokens),
                                   std::move(settings), std::move(admission), std::move(audit))) {}

ApiServer::~ApiServer() = default;

io::Task<> ApiServer::bootstrap() { return make_first_objects(impl_->context); }

io::Handler ApiServer::handler() {
  return [this](io::Exchange& exchange) { return impl_->handle(exchange); };
}

io::Task<> ApiServer::stop() {
  impl_->stopping.set();
  impl_->tasks.stop();
  co_await impl_->tasks.join();
  co_await impl_->store.stop();
}

Store& ApiServer::store() { return impl_->store; }
const Catalog& ApiServer::catalog() const { return impl_->catalog; }
Authenticator& ApiServer::authenticator() { return impl_->authenticator; }

}  // namespace apiserver
