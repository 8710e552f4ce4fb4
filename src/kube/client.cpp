#include "kube/client.h"

#include "base/encoding.h"
#include "base/text.h"
#include "io/file.h"
#include "kube/json_text.h"
#include "kube/status.h"

namespace kube {

namespace {

using Query = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t watch_line_max = 4 * 1024 * 1024;  // etcd's objects end at 1.5 MiB
constexpr std::size_t error_body_max = 64 * 1024;
constexpr base::Duration token_file_age_max{10'000};

std::string path_of(const Ref& ref) {
  return schema::path_of(*ref.kind, ref.ns, ref.name, ref.subresource);
}

std::string with_query(std::string path, const Query& query) {
  return query.empty() ? path : path + "?" + io::format_query(query);
}

std::string accept_of(Detail detail, std::string_view kind) {
  if (detail == Detail::object) return "application/json";
  if (detail == Detail::table) kind = "Table";
  return base::cat("application/json;as=", kind, ";v=v1;g=meta.k8s.io");
}

void add(Query& query, std::string_view name, const std::string& value) {
  if (!value.empty()) query.emplace_back(name, value);
}
void add(Query& query, std::string_view name, const std::optional<std::int64_t>& value) {
  if (value) query.emplace_back(name, std::to_string(*value));
}
void add_flag(Query& query, std::string_view name, bool value) {
  if (value) query.emplace_back(name, "true");
}

Query write_query(bool dry_run, UnknownFields unknown) {
  Query query;
  if (dry_run) query.emplace_back("dryRun", "All");
  if (unknown == UnknownFields::refuse) query.emplace_back("fieldValidation", "Strict");
  return query;
}

std::string_view name(Propagation propagation) {
  switch (propagation) {
    case Propagation::background: return "Background";
    case Propagation::foreground: return "Foreground";
    case Propagation::orphan: break;
  }
  return "Orphan";
}

base::Json parse_answer(std::string_view doing, std::string_view body) {
  try {
    return base::parse_json(body);
  } catch (const base::Error& error) {
    throw base::Error(base::Code::internal,
                      base::cat(doing, ": the answer is not JSON: ", error.what()));
  }
}

// What can still be said of an object that cannot be parsed.
Unreadable unreadable(std::string_view text, const base::Error& error) {
  Unreadable one{base::JsonObject{}, error.what()};
  const auto metadata = member_text(text, "metadata");
  if (!metadata) return one;
  try {
    one.object = {{"metadata", base::parse_json(*metadata)}};
  } catch (const base::Error&) {  // it is there that it cannot be parsed
    one.object = base::JsonObject{};
  }
  return one;
}

// A list of which some item cannot be parsed, without those.
base::Json parse_readable(std::string_view doing, std::string_view body,
                          std::vector<Unreadable>& rest) {
  const std::string_view items = member_text(body, "items").value_or("");
  std::string frame(body);
  if (items.starts_with('[')) frame.replace(items.data() - body.data(), items.size(), "[]");
  base::Json list = parse_answer(doing, frame);
  for (const std::string_view text : element_texts(items)) {
    try {
      list.at("items").as_array().push_back(base::parse_json(text));
    } catch (const base::Error& error) {
      rest.push_back(unreadable(text, error));
    }
  }
  return list;
}

WatchEvent::Type event_type(std::string_view type) {
  using Type = WatchEvent::Type;
  if (type == "ADDED") return Type::added;
  if (type == "MODIFIED") return Type::modified;
  if (type == "DELETED") return Type::deleted;
  if (type == "BOOKMARK") return Type::bookmark;
  return Type::error;
}

class HttpWatch final : public WatchStream {
 public:
  HttpWatch(std::unique_ptr<io::ResponseStream> stream, std::string doing)
      : stream_(std::move(stream)), doing_(std::move(doing)), lines_(watch_line_max) {}

  io::Task<std::optional<WatchEvent>> next() override {
    for (;;) {
      if (auto line = lines_.next()) {
        if (line->empty()) continue;
        co_return decode(*line);
      }
      auto piece = co_await stream_->next();
      if (!piece) co_return std::nullopt;
      lines_.add(*piece);
    }
  }

 private:
  std::optional<WatchEvent> decode(const std::string& line) const {
    base::Json event;
    try {
      event = base::parse_json(line);
    } catch (const base::Error& error) {
      Unreadable one = unreadable(member_text(line, "object").value_or(""), error);
      return WatchEvent{WatchEvent::Type::unreadable, std::move(one.object), one.problem};
    }
    base::Json* object = event.is_object() ? event.get_object().if_contains("object") : nullptr;
    if (!object) throw base::Error(base::Code::internal, doing_ + ": an event has no object");
    return WatchEvent{event_type(base::text_at(event, {"type"})), std::move(*object)};
  }

  std::unique_ptr<io::ResponseStream> stream_;
  std::string doing_;
  io::LineSplitter lines_;
};

class HttpLog final : public LogStream {
 public:
  explicit HttpLog(std::unique_ptr<io::ResponseStream> stream) : stream_(std::move(stream)) {}
  io::Task<std::optional<std::string>> next() override {
    auto piece = co_await stream_->next();
    co_return piece;
  }

 private:
  std::unique_ptr<io::ResponseStream> stream_;
};

}  // namespace

Endpoint make_endpoint(const Config& config) {
  std::string_view rest = config.server;
  const bool secure = rest.starts_with("https://");
  if (!secure && !rest.starts_with("http://"))
    throw base::Error(base::Code::invalid, base::cat("server \"", config.server,
                                                     "\": must begin with https:// or http://"));
  rest.remove_prefix(secure ? 8 : 7);
  const auto slash = std::min(rest.find('/'), rest.size());
  const std::string host(rest.substr(0, slash));
  std::string prefix(rest.substr(slash));
  while (prefix.ends_with('/')) prefix.pop_back();

  std::string name = host;
  std::int64_t port = secure ? 443 : 80;
  const auto colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) {
    name = host.substr(0, colon);
    port = base::parse_int(std::string_view(host).substr(colon + 1)).value_or(0);
  }
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  if (name.empty() || port < 1 || port > 65535)
    throw base::Error(base::Code::invalid, base::cat("server \"", config.server,
                                                     "\": must be a URL with host and port"));

  Endpoint endpoint{.host = host, .prefix = std::move(prefix)};
  std::shared_ptr<io::TlsClientContext> context;
  if (secure) {
    io::TlsClient tls = config.tls;
    if (tls.server_name.empty()) tls.server_name = name;
    context = io::make_context(tls);
    endpoint.token = config.token;
    endpoint.token_file = config.token_file;
  }
  endpoint.dialer = [name, port = static_cast<std::uint16_t>(port), context] {
    auto plain = io::host_dialer(name, port);
    return context ? io::tls_dialer(std::move(plain), context) : std::move(plain);
  };
  return endpoint;
}

struct Client::Impl {
  Impl(io::Loop& loop, base::Clock& c, Endpoint e, ClientSettings s)
      : clock(c),
        endpoint(std::move(e)),
        settings(std::move(s)),
        requests(loop, clock, endpoint.dialer(), endpoint.host),
        streams(loop, clock, endpoint.dialer(), endpoint.host,
                io::ClientLimits{.connections = 256}) {}

  base::Clock& clock;
  Endpoint endpoint;
  ClientSettings settings;
  io::HttpClient requests, streams;
  std::optional<base::Instant> token_read;
  std::string token_in_file;

  // While the file cannot be read, what it last held still serves.
  const std::string& token() {
    if (endpoint.token_file.empty()) return endpoint.token.reveal();
    if (token_read && clock.steady() - *token_read < token_file_age_max) return token_in_file;
    try {
      token_in_file = std::string(base::trim(io::read_file(endpoint.token_file, 1024 * 1024)));
      token_read = clock.steady();
    } catch (const base::Error& error) {
      // Not the file's own not_found, which would say that the object asked for does not exist.
      if (!token_read)
        throw base::Error(base::Code::unavailable, base::cat("no token: ", error.what()));
    }
    return token_in_file;
  }

  io::Request request(std::string method, const std::string& target, std::string accept) {
    io::Request request{.method = std::move(method), .target = endpoint.prefix + target};
    request.headers.set("User-Agent", settings.user_agent);
    request.headers.set("Accept", std::move(accept));
    if (const std::string& bearer = token(); !bearer.empty())
      request.headers.set("Authorization", "Bearer " + bearer);
    return request;
  }

  // The body of a good answer.
  io::Task<std::string> fetch(io::Request request, std::string doing) {
    io::Response response;
    try {
      response = co_await requests.send(std::move(request), settings.deadline);
    } catch (const base::Error& error) {
      throw base::within(doing, error);
    }
    if (response.status >= 300)
      throw make_status_error(doing, response.status, response.body,
                              response.headers.get("Retry-After"));
    co_return std::move(response.body);
  }

  io::Task<base::Json> send(io::Request request, std::string doing) {
    std::string body = co_await fetch(std::move(request), doing);
    co_return parse_answer(doing, body);
  }

  io::Task<base::Json> send_body(std::string method, std::string target, std::string type,
                                 base::Json body, std::string doing) {
    io::Request ask = request(std::move(method), target, "application/json");
    ask.headers.set("Content-Type", std::move(type));
    ask.body = base::to_text(body);
    base::Json answer = co_await send(std::move(ask), std::move(doing));
    co_return answer;
  }

  io::Task<std::unique_ptr<io::ResponseStream>> open(io::Request request, std::string doing) {
    std::unique_ptr<io::ResponseStream> stream;
    try {
      stream = co_await streams.open(std::move(request), settings.deadline);
    } catch (const base::Error& error) {
      throw base::within(doing, error);
    }
    if (stream->status() >= 300) {
      auto rest = stream->rest(error_body_max);
      std::string body = co_await io::within(clock, settings.deadline, doing, std::move(rest));
      throw make_status_error(doing, stream->status(), body, stream->headers().get("Retry-After"));
    }
    co_return stream;
  }
};

Client::Client(io::Loop& loop, base::Clock& clock, Endpoint endpoint, ClientSettings settings)
    : impl_(std::make_unique<Impl>(loop, clock, std::move(endpoint), std::move(settings))) {}
Client::~Client() = default;

io::Task<base::Json> Client::get(Ref ref, GetOptions options) {
  Query query;
  add(query, "labelSelector", options.label_selector);
  add(query, "fieldSelector", options.field_selector);
  auto request = impl_->request("GET", with_query(path_of(ref), query),
                                accept_of(options.detail, "PartialObjectMetadata"));
  std::string doing = "getting " + describe(ref);
  base::Json object = co_await impl_->send(std::move(request), std::move(doing));
  co_return object;
}

io::Task<Page> Client::list(Ref ref, ListOptions options) {
  Query query;
  add(query, "labelSelector", options.label_selector);
  add(query, "fieldSelector", options.field_selector);
  add(query, "resourceVersion", options.resource_version);
  add(query, "continue", options.continue_token);
  if (options.limit > 0) query.emplace_back("limit", std::to_string(options.limit));
  auto request = impl_->request("GET", with_query(path_of(ref), query),
                                accept_of(options.detail, "PartialObjectMetadataList"));
  std::string doing = "listing " + describe(ref);
  std::string body = co_await impl_->fetch(std::move(request), doing);

  Page page;
  base::Json list;
  try {
    list = parse_answer(doing, body);
  } catch (const base::Error&) {
    if (!options.skip_unreadable) throw;
    list = parse_readable(doing, body, page.unreadable);
  }
  page.resource_version = base::text_at(list, {"metadata", "resourceVersion"});
  page.continue_token = base::text_at(list, {"metadata", "continue"});
  base::Json* items = list.is_object() ? list.get_object().if_contains("items") : nullptr;
  if (items && items->is_array()) page.items = std::move(items->get_array());
  for (base::Json& item : page.items) {
    if (!item.is_object()) continue;
    item.get_object()["apiVersion"] = ref.kind->api_version();
    item.get_object()["kind"] = ref.kind->kind;
  }
  co_return page;
}

io::Task<std::unique_ptr<WatchStream>> Client::watch(Ref ref, WatchOptions options) {
  Query query{{"watch", "true"}, {"allowWatchBookmarks", "true"}};
  add(query, "labelSelector", options.label_selector);
  add(query, "fieldSelector", options.field_selector);
  add(query, "resourceVersion", options.resource_version);
  query.emplace_back("timeoutSeconds", std::to_string(options.timeout.count() / 1000));
  auto request = impl_->request("GET", with_query(path_of(ref), query),
                                accept_of(options.detail, "PartialObjectMetadata"));
  std::string doing = "watching " + describe(ref);
  auto stream = co_await impl_->open(std::move(request), doing);
  co_return std::make_unique<HttpWatch>(std::move(stream), std::move(doing));
}

io::Task<base::Json> Client::create(Ref ref, base::Json object, CreateOptions options) {
  const Query query = write_query(options.dry_run, options.unknown);
  std::string doing = "creating " + describe(ref);
  if (ref.subresource.empty()) ref.name.clear();  // a POST goes to the collection
  std::string target = with_query(path_of(ref), query);
  base::Json made = co_await impl_->send_body("POST", std::move(target), "application/json",
                                              std::move(object), std::move(doing));
  co_return made;
}

io::Task<base::Json> Client::patch(Ref ref, base::Json patch, PatchOptions options) {
  const Query query = write_query(options.dry_run, options.unknown);
  std::string doing = "patching " + describe(ref);
  std::string target = with_query(path_of(ref), query);
  base::Json made =
      co_await impl_->send_body("PATCH", std::move(target), "application/merge-patch+json",
                                std::move(patch), std::move(doing));
  co_return made;
}

io::Task<base::Json> Client::remove(Ref ref, RemoveOptions options) {
  base::JsonObject body{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  base::JsonObject preconditions;
  if (!options.uid.empty()) preconditions["uid"] = options.uid;
  if (!options.resource_version.empty())
    preconditions["resourceVersion"] = options.resource_version;
  if (!preconditions.empty()) body["preconditions"] = std::move(preconditions);
  if (options.propagation) body["propagationPolicy"] = name(*options.propagation);
  if (options.grace_period_seconds) body["gracePeriodSeconds"] = *options.grace_period_seconds;
  std::string doing = "deleting " + describe(ref);
  std::string target = path_of(ref);
  base::Json answer = co_await impl_->send_body("DELETE", std::move(target), "application/json",
                                                std::move(body), std::move(doing));
  co_return answer;
}

io::Task<std::unique_ptr<LogStream>> Client::log(Ref pod, LogOptions options) {
  Query query;
  add(query, "container", options.container);
  add_flag(query, "follow", options.follow);
  add(query, "limitBytes", options.limit_bytes);
  add_flag(query, "previous", options.previous);
  add(query, "sinceSeconds", options.since_seconds);
  add(query, "tailLines", options.tail_lines);
  add_flag(query, "timestamps", options.timestamps);
  pod.subresource = "log";
  auto request = impl_->request("GET", with_query(path_of(pod), query), "*/*");
  std::string doing = "reading the log of " + describe(pod);
  auto stream = co_await impl_->open(std::move(request), std::move(doing));
  co_return std::make_unique<HttpLog>(std::move(stream));
}

io::Task<base::Json> Client::get_path(std::string path) {
  auto request = impl_->request("GET", path, "application/json, */*");
  std::string doing = "getting " + path;
  base::Json answer = co_await impl_->send(std::move(request), std::move(doing));
  co_return answer;
}

io::Task<std::unique_ptr<LogStream>> Client::open_path(std::string path) {
  auto request = impl_->request("GET", path, "*/*");
  std::string doing = "getting " + path.substr(0, path.find('?'));
  auto stream = co_await impl_->open(std::move(request), std::move(doing));
  co_return std::make_unique<HttpLog>(std::move(stream));
}

io::Task<base::Json> Client::delete_path(std::string path) {
  auto request = impl_->request("DELETE", path, "application/json");
  std::string doing = "deleting " + path;
  base::Json answer = co_await impl_->send(std::move(request), std::move(doing));
  co_return answer;
}

io::Task<base::Json> Client::post_path(std::string path, std::string type, std::string body) {
  auto request = impl_->request("POST", path, "application/json");
  request.headers.set("Content-Type", std::move(type));
  request.body = std::move(body);
  std::string doing = "posting to " + path;
  base::Json answer = co_await impl_->send(std::move(request), std::move(doing));
  co_return answer;
}

}  // namespace kube
