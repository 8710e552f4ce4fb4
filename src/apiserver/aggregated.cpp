// Kinds that another program serves, as kube-aggregator has it: the request was authenticated and
// authorised here; it is passed on with the user's name in headers, and its answer comes back as it
// is.
#include <algorithm>

#include "apiserver/context.h"
#include "apiserver/kinds.h"
#include "apiserver/relay.h"
#include "base/encoding.h"
#include "base/text.h"
#include "protocol/journal_api.h"

namespace apiserver {

using base::cat;

namespace {

constexpr base::Duration header_deadline{60'000};
constexpr std::size_t body_bytes_max = 32 * 1024 * 1024;  // an imported run is no object

void set_checked(io::Headers& headers, std::string name, const std::string& value) {
  if (std::ranges::any_of(value, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    throw bad_request("the user's name or group holds control characters");
  headers.add(name, value);
}

io::Request make_request(const Call& call) {
  io::Request request;
  request.method = call.exchange.method();
  request.target = call.exchange.target();
  for (std::string name : {"Accept", "Content-Type"})
    if (call.exchange.headers().has(name))
      request.headers.set(name, std::string(call.exchange.headers().get(name)));
  set_checked(request.headers, std::string(protocol::header_remote_user), call.user.name);
  for (const auto& group : call.user.groups)
    set_checked(request.headers, std::string(protocol::header_remote_group), group);
  return request;
}

bool can(const Call& call) {
  const auto& info = call.info;
  if (info.subresource.empty()) return call.resource->can(info.verb) && info.rest.empty();
  auto sub = call.resource->find_subresource(info.subresource);
  return sub && std::ranges::find(sub->verbs, info.verb) != sub->verbs.end();
}

}  // namespace

io::Task<> serve_aggregated(Context& context, Call& call) {
  if (call.info.ns.empty())
    throw StatusError(404, "NotFound", "the server could not find the requested resource");
  if (!can(call)) throw method_not_allowed();
  auto request = make_request(call);
  if (call.info.verb == "create") request.body = co_await call.exchange.body(body_bytes_max);
  std::unique_ptr<io::ResponseStream> stream;
  std::string unreachable;
  try {
    stream = co_await context.journal->open(std::move(request), header_deadline);
  } catch (const base::Error& error) {
    if (error.code() == base::Code::cancelled) throw;
    unreachable = cat("error trying to reach service: ", error.what());
  }
  if (!stream) throw unavailable(unreachable);
  call.status = stream->status();
  io::Headers headers{{"Content-Type", std::string(stream->headers().get("Content-Type"))},
                      {"Cache-Control", "no-cache, private"}};
  co_await call.exchange.begin(stream->status(), headers);
  co_await relay(context, *stream, call.exchange);
}

std::vector<Resource> make_journal_kinds() {
  std::vector<Resource> kinds;
  for (const auto& served : protocol::journal_resources()) {
    Resource resource =
        make_resource(std::string(protocol::journal_group), std::string(protocol::journal_version),
                      std::string(served.plural), std::string(served.kind), Scope::namespaced);
    resource.verbs.assign(served.verbs.begin(), served.verbs.end());
    for (const auto& sub : served.subresources)
      resource.subresources.push_back(
          {std::string(sub.name), std::string(sub.kind), "", "", {std::string(sub.verb)}});
    resource.custom = true;
    resource.aggregated = true;
    kinds.push_back(std::move(resource));
  }
  return kinds;
}

}  // namespace apiserver
