#include "apiserver/pod_log.h"

#include "apiserver/relay.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apiserver {

using base::cat;
using base::Json;
using base::text_at;

namespace {

constexpr base::Duration header_deadline{30'000};

std::vector<std::string> container_names(const Json& pod, std::string_view list_name) {
  std::vector<std::string> names;
  if (auto list = base::find(pod, {"spec", list_name}); list && list->is_array())
    for (const auto& container : list->get_array()) names.push_back(text_at(container, {"name"}));
  return names;
}

// The container that is meant, or the error that kube-apiserver gives.
std::string choose_container(const Call& call, const Json& pod) {
  auto asked = std::string(call.target.get("container"));
  auto main = container_names(pod, "containers");
  auto init = container_names(pod, "initContainers");
  const auto& name = call.info.name;
  if (!asked.empty()) {
    for (const auto& list : {main, init})
      if (std::ranges::find(list, asked) != list.end()) return asked;
    throw bad_request(cat("container ", asked, " is not valid for pod ", name));
  }
  if (main.size() == 1) return main.front();
  auto text = cat("a container name must be specified for pod ", name, ", choose one of: [",
                  base::join(main, " "), "]");
  if (!init.empty()) text += cat(" or one of the init containers: [", base::join(init, " "), "]");
  throw bad_request(text);
}

struct Place {
  std::string host;
  std::uint16_t port = 0;
};

Place place_of(Context& context, const std::string& node_name) {
  auto node = context.store.find({"nodes", "", node_name});
  if (!node) throw not_found({"", "nodes", "Node"}, node_name);
  auto tree = node->tree();
  Place place;
  place.port =
      std::uint16_t(base::find_int(tree, {"status", "daemonEndpoints", "kubeletEndpoint", "Port"})
                        .value_or(10250));
  if (auto addresses = base::find(tree, {"status", "addresses"});
      addresses && addresses->is_array())
    for (const auto& address : addresses->get_array())
      if (text_at(address, {"type"}) == "InternalIP") place.host = text_at(address, {"address"});
  if (place.host.empty()) throw internal(cat("no preferred addresses found for node ", node_name));
  return place;
}

io::Request make_request(const Call& call, const std::string& container) {
  std::vector<std::pair<std::string, std::string>> query;
  for (const auto& [name, value] : call.target.query)
    if (name != "container" && name != "insecureSkipTLSVerifyBackend")
      query.emplace_back(name, value);
  io::Request request;
  request.target = cat("/containerLogs/", base::url_escape(call.info.ns), "/",
                       base::url_escape(call.info.name), "/", base::url_escape(container));
  if (!query.empty()) request.target += cat("?", io::format_query(query));
  return request;
}

}  // namespace

io::Task<> serve_pod_log(Context& context, Call& call) {
  auto pod = context.store.find({"pods", call.info.ns, call.info.name});
  if (!pod) throw not_found(call.resource->subject(), call.info.name);
  auto tree = pod->tree();
  auto container = choose_container(call, tree);
  auto node = text_at(tree, {"spec", "nodeName"});
  if (node.empty()) {
    co_await answer(call, 200, "", "text/plain");
    co_return;
  }
  if (!context.settings.node_dialer) throw unavailable("this server has no connection to nodes");
  auto place = place_of(context, node);
  auto dialer = context.settings.node_dialer(place.host, place.port);
  io::HttpClient client(context.loop, context.clock, std::move(dialer),
                        cat(place.host, ":", place.port));
  auto request = make_request(call, container);
  std::unique_ptr<io::ResponseStream> stream;
  std::string unreachable;
  try {
    stream = co_await client.open(std::move(request), header_deadline);
  } catch (const base::Error& error) {
    unreachable = cat("Get \"https://", place.host, ":", place.port, "/containerLogs/",
                      call.info.ns, "/", call.info.name, "/", container, "\": ", error.what());
  }
  if (!stream) throw internal(unreachable);
  if (stream->status() != 200) {
    auto text = co_await stream->rest(64 * 1024);
    if (stream->status() == 404) throw not_found(call.resource->subject(), call.info.name);
    throw StatusError(stream->status() == 400 ? 400 : 500,
                      stream->status() == 400 ? "BadRequest" : "InternalError",
                      std::string(base::trim(text)));
  }
  call.status = 200;
  io::Headers headers{{"Content-Type", "text/plain"}, {"Cache-Control", "no-cache, private"}};
  co_await call.exchange.begin(200, headers);
  co_await relay(context, *stream, call.exchange);
}

}  // namespace apiserver
