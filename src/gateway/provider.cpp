#include "gateway/provider.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "gateway/credentials.h"
#include "gateway/limiter.h"
#include "io/crypto.h"
#include "io/http.h"
#include "io/sync.h"
#include "io/tls.h"
#include "llm/answer.h"
#include "llm/failure.h"

namespace gateway {

using base::cat;
using base::Duration;
using llm::Again;
using llm::Refusal;
using protocol::Usage;
using Key = base::Secret<std::string>;

namespace {

constexpr Duration connect_limit{15'000};
constexpr Duration first_pause{500};
constexpr Duration last_bytes{200};                       // after [DONE]
constexpr Duration secret_patience{60'000};               // while the API server is away
constexpr Duration denial_patience{20'000};               // while it forbids
constexpr Duration first_look{100}, longest_look{5'000};  // between two looks for the Secret
constexpr std::size_t refusal_bytes_max = 1024 * 1024;
constexpr std::size_t remembered_max = 1024;  // limiters, and connections' origins

Refusal refusal(std::string code, std::string message, Again again) {
  return {{std::move(code), std::move(message)}, again, {}};
}

void add(Usage& sum, const Usage& more) {
  sum.inputTokens += more.inputTokens;
  sum.outputTokens += more.outputTokens;
}

// A provider may repeat the key in its complaint about it.
std::string without(std::string text, const Key& key) {
  const std::string& value = key.reveal();
  if (value.empty()) return text;
  constexpr std::string_view mark = "[key]";
  for (auto at = text.find(value); at != std::string::npos; at = text.find(value, at + mark.size()))
    text.replace(at, value.size(), mark);
  return text;
}

// A connection that is not made soon is not made at all.
class ImpatientDialer final : public io::Dialer {
 public:
  ImpatientDialer(base::Clock& clock, std::unique_ptr<io::Dialer> inner)
      : clock_(clock), inner_(std::move(inner)) {}
  io::Task<std::unique_ptr<io::Conn>> dial() override {
    auto task = inner_->dial();
    try {
      co_return co_await io::within(clock_, connect_limit, "connecting", std::move(task));
    } catch (const base::Error& error) {
      if (error.code() != base::Code::timeout) throw;
      throw base::Error(base::Code::unavailable, error.what());
    }
  }

 private:
  base::Clock& clock_;
  std::unique_ptr<io::Dialer> inner_;
};

// One try's answer, as it comes.
class Reading {
 public:
  virtual ~Reading() = default;
  // Says whether the listener heard something of it; nothing when it is not `aloud`.
  virtual bool add(std::string_view piece, bool aloud) = 0;
  virtual void finish() = 0;  // Error(unavailable) when it is not whole
  virtual bool is_done() const = 0;
  virtual const Usage& usage() const = 0;
};

// Of a turn of ours.
class TurnReading final : public Reading {
 public:
  TurnReading(std::unique_ptr<llm::AnswerReader> reader,
              const std::function<void(std::string_view)>& on_text)
      : reader_(std::move(reader)), on_text_(on_text) {}
  bool add(std::string_view piece, bool aloud) override {
    const std::string text = reader_->add(piece);
    if (text.empty() || !aloud) return false;
    on_text_(text);
    return true;
  }
  void finish() override { result = reader_->finish(); }
  bool is_done() const override { return reader_->is_done(); }
  const Usage& usage() const override { return reader_->usage(); }

  protocol::TurnResult result;

 private:
  std::unique_ptr<llm::AnswerReader> reader_;
  const std::function<void(std::string_view)>& on_text_;
};

// Of a request that passes.
class PassedReading final : public Reading {
 public:
  PassedReading(const PassedRequest& request, std::string_view content_type, const PassedSink& sink)
      : content_type_(content_type),
        passing_(request.endpoint, content_type, request.usage_chunk),
        sink_(sink) {}
  bool add(std::string_view piece, bool aloud) override { return take(passing_.add(piece), aloud); }
  void finish() override {
    take(passing_.finish(), false);
    if (passing_.error()) throw llm::ProviderError(*passing_.error());
    if (!passing_.whole())
      throw base::Error(base::Code::unavailable, "it ended before the answer was whole");
  }
  bool is_done() const override { return passing_.is_done(); }
  const Usage& usage() const override { return passing_.usage(); }

  std::string bytes;

 private:
  bool take(const std::vector<llm::Piece>& pieces, bool aloud) {
    bool heard = false;
    if (aloud && passing_.text().size() > said_) {
      sink_.say(std::string_view(passing_.text()).substr(said_));
      said_ = passing_.text().size();
      heard = true;
    }
    for (const llm::Piece& piece : pieces) {
      bytes += piece.bytes;
      if (!aloud || piece.place == llm::Piece::Place::end) continue;
      if (std::exchange(silent_, false)) sink_.begin(content_type_);
      sink_.add(piece.bytes);
      heard = true;
    }
    return heard;
  }

  std::string content_type_;
  llm::Passthrough passing_;
  const PassedSink& sink_;
  bool silent_ = true;
  std::size_t said_ = 0;  // bytes of the text
};

// One try's end.
struct Attempt {
  std::unique_ptr<Reading> answer;  // whole
  Refusal refusal;                  // without answer
  Usage usage;
};

struct Call {
  llm::Family family{};
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers{};  // the client's
  std::string query{};                                         // likewise
  std::function<std::unique_ptr<Reading>(std::string_view content_type)> read;
  ProviderAddress address{};
  Key key{};
  bool spoke = false;
};

io::Request make_request(const Call& call) {
  io::Request request{"POST", call.address.url.target, {}, call.body};
  request.headers.set("Content-Type", "application/json");
  request.headers.set("Accept", "text/event-stream, application/json");
  request.headers.set("User-Agent", "sympozium-gateway");
  const std::string& key = call.key.reveal();
  const std::string& key_header = call.address.key_header;
  if (call.family == llm::Family::anthropic)
    request.headers.set(llm::anthropic_version_header, std::string(llm::anthropic_version));
  if (!key.empty())
    request.headers.set(key_header, key_header == "Authorization" ? "Bearer " + key : key);
  for (const auto& [name, value] : call.headers) request.headers.set(name, value);
  return request;
}

// What stopped us from hearing an answer.
Refusal explain(const ProviderAddress& address, const base::Error& error) {
  switch (error.code()) {
    case base::Code::timeout:
      return refusal("provider_unavailable", cat(address.name, " gave no answer: ", error.what()),
                     Again::yes);
    case base::Code::denied:
      return refusal("unreachable",
                     cat(address.name, " did not prove who it is: ", error.what(),
                         ". Its certificate must be valid and from an authority that this machine "
                         "trusts"),
                     Again::no);
    case base::Code::unavailable:
      return refusal("unreachable",
                     cat(address.name, " cannot be reached: ", error.what(),
                         ". Check spec.model.baseURL, and that the provider is up"),
                     Again::yes);
    default: return refusal("internal", cat(address.name, ": ", error.what()), Again::no);
  }
}

// What stopped the answer in its middle.
Refusal explain_break(const ProviderAddress& address, const base::Error& error) {
  if (const auto* reported = dynamic_cast<const llm::ProviderError*>(&error)) {
    const Refusal inside =
        llm::explain_refusal(address.name, 400, base::to_text(reported->body()), "", {});
    if (inside.failure.code == "context_length") return inside;
    return refusal("provider_unavailable",
                   cat(address.name, ": ", error.what(), ". Try again later"), Again::yes);
  }
  if (error.code() == base::Code::invalid)
    return refusal("invalid_request",
                   cat(address.name, " sent what is no answer of its API: ", error.what(),
                       ". Check spec.model.baseURL"),
                   Again::no);
  return refusal("provider_unavailable", cat(address.name, " broke its answer off: ", error.what()),
                 Again::yes);
}

}  // namespace

struct Providers::Impl {
  base::Clock& clock;
  base::Random& random;
  base::Log& log;
  kube::Api& api;
  io::Loop& loop;
  ProviderSettings settings;
  std::map<std::string, std::shared_ptr<Limiter>> limiters;        // by hash of origin and key
  std::map<std::string, std::shared_ptr<io::HttpClient>> clients;  // by origin

  std::shared_ptr<Limiter> limiter_of(const ProviderAddress& address, const Key& key) {
    if (limiters.size() >= remembered_max)
      std::erase_if(limiters, [&](const auto& one) {
        return one.second.use_count() == 1 && one.second->is_open();
      });
    auto& limiter = limiters[io::sha256(cat(origin(address.url), "\n", key.reveal()))];
    if (!limiter)
      limiter = std::make_shared<Limiter>(clock, settings.calls_at_once, settings.longest_pause);
    return limiter;
  }

  std::shared_ptr<io::HttpClient> client_of(const Url& url) {
    if (clients.size() >= remembered_max)
      std::erase_if(clients, [](const auto& one) { return one.second.use_count() == 1; });
    auto& client = clients[origin(url)];
    if (client) return client;
    std::unique_ptr<io::Dialer> dialer = settings.dialer(url.host, url.port);
    if (url.scheme == Scheme::https) {
      io::TlsClient tls;
      tls.ca_pem = settings.ca_pem;
      tls.server_name = url.host;
      dialer = io::tls_dialer(std::move(dialer), io::make_context(tls));
    }
    dialer = std::make_unique<ImpatientDialer>(clock, std::move(dialer));
    const io::ClientLimits limits{.connections = settings.calls_at_once * 16};
    client =
        std::make_shared<io::HttpClient>(loop, clock, std::move(dialer), authority(url), limits);
    return client;
  }

  // Read anew for each call, so that a changed key or annotation holds at once. An API server that
  // is away is waited for; for a moment also one that forbids, as it does until it knows our
  // rights.
  io::Task<Key> read_key(const ProviderTarget& target, const ProviderAddress& address) {
    if (target.secret.empty()) co_return key_of(target, address, {});
    const auto begun = clock.steady();
    for (Duration pause = first_look;; pause = std::min(pause * 2, longest_look)) {
      std::string why;
      try {
        kube::Ref ref{&objects::Secret::info, target.ns, target.secret, {}};
        const auto object = co_await kube::find(api, ref);
        std::optional<objects::Secret> secret;
        if (object) secret = schema::read<objects::Secret>(*object);
        co_return key_of(target, address, secret);
      } catch (const base::Error& error) {
        const bool away = error.code() == base::Code::unavailable ||
                          error.code() == base::Code::timeout ||
                          error.code() == base::Code::internal;
        if (!away && error.code() != base::Code::denied) throw;
        why = error.what();
        if (clock.steady() - begun >= (away ? secret_patience : denial_patience))
          throw ProviderFailed{
              {away ? "internal" : "provider_unauthorized",
               cat("reading the Secret that spec.model.authSecretRef names: ", why)},
              {}};
      }
      log.warn("secret not read yet", {{"namespace", target.ns}, {"error", why}});
      co_await io::sleep(clock, pause);
    }
  }

  Duration back_off(int tries) {
    const Duration most =
        std::min(settings.longest_pause, first_pause * (1 << std::min(tries, 16)));
    const auto half = static_cast<std::uint64_t>(most.count() / 2);
    return Duration(half + base::random_below(random, half + 1));
  }

  // The answer's header; a status other than 200 is a refusal, a 429 is everybody's.
  io::Task<std::unique_ptr<io::ResponseStream>> open(const Call& call, Limiter& limiter,
                                                     Refusal& refused) {
    auto client = client_of(call.address.url);
    auto alone = co_await limiter.enter();
    io::Request request = make_request(call);
    auto stream = co_await client->open(std::move(request), settings.first_byte);
    const int status = stream->status();
    const std::string after(stream->headers().get("Retry-After"));
    if (status == 429)
      limiter.hold_back(llm::parse_retry_after(after, clock.now()).value_or(first_pause));
    else
      limiter.let_in();
    if (status == 200) co_return stream;
    std::string said;
    try {
      auto rest = stream->rest(refusal_bytes_max);
      said = co_await io::within(clock, settings.silence, "reading a refusal", std::move(rest));
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
    }
    said = without(std::move(said), call.key);
    refused = llm::explain_refusal(call.address.name, status, said, after, clock.now());
    co_return nullptr;
  }

  // Reads the answer to its end. A second try is silent when the first one spoke.
  io::Task<> listen(io::ResponseStream& stream, Reading& reading, Call& call, bool aloud) {
    while (!reading.is_done()) {
      auto next = stream.next();
      const auto piece =
          co_await io::within(clock, settings.silence, "waiting for more", std::move(next));
      if (!piece) break;
      if (reading.add(*piece, aloud)) call.spoke = true;
    }
    if (reading.is_done()) co_await drain(stream);
    reading.finish();
  }

  // What follows [DONE] is the end of the body: with it the connection can be used again.
  io::Task<> drain(io::ResponseStream& stream) {
    try {
      auto next = stream.next();
      co_await io::within(clock, last_bytes, "the end of an answer", std::move(next));
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
    }
  }

  io::Task<Attempt> attempt(Call& call, Limiter& limiter) {
    Attempt out;
    std::unique_ptr<io::ResponseStream> stream;
    try {
      stream = co_await open(call, limiter, out.refusal);
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
      out.refusal = explain(call.address, error);
    }
    if (!stream) co_return out;
    auto reading = call.read(stream->headers().get("Content-Type"));
    const bool aloud = !call.spoke;
    bool whole = false;
    try {
      co_await listen(*stream, *reading, call, aloud);
      whole = true;
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
      out.refusal = explain_break(call.address, error);
    }
    out.usage = reading->usage();
    if (whole) out.answer = std::move(reading);
    co_return out;
  }

  // The whole answer, and the usage of all tries.
  io::Task<std::pair<std::unique_ptr<Reading>, Usage>> run(const ProviderTarget& target,
                                                           llm::Endpoint endpoint, Call& call) {
    call.family = llm::family_of(target.provider);
    call.address = address_of(target, endpoint);
    if (std::string& path = call.address.url.target; !call.query.empty())
      path += cat(path.contains('?') ? "&" : "?", call.query);
    call.key = co_await read_key(target, call.address);
    auto limiter = limiter_of(call.address, call.key);
    auto seat = co_await limiter->take_seat();
    Usage spent;
    for (int tries = 1;; ++tries) {
      Attempt done = co_await attempt(call, *limiter);
      add(spent, done.usage);
      if (done.answer) co_return std::pair{std::move(done.answer), spent};
      auto& [failure, again, after] = done.refusal;
      failure.message = without(std::move(failure.message), call.key);
      const Duration pause = std::max(after.value_or(Duration(0)), back_off(tries - 1));
      const bool too_long = after && *after > settings.longest_pause;
      const bool rate_limited = failure.code == "rate_limited";
      if (rate_limited) limiter->hold_back(pause);
      if (again == Again::no || too_long || tries >= settings.tries) {
        if (too_long)
          failure.message +=
              cat(". It asks to wait ", base::format_duration(*after), ", which is too long");
        else if (tries > 1)
          failure.message += cat(" (tried ", tries, " times)");
        throw ProviderFailed{failure, spent};
      }
      log.warn("model call goes on after a pause", {{"namespace", target.ns},
                                                    {"provider", call.address.name},
                                                    {"code", failure.code},
                                                    {"tries", std::to_string(tries)},
                                                    {"pause", base::format_duration(pause)}});
      if (!rate_limited) co_await io::sleep(clock, pause);
    }
  }
};

Providers::Providers(io::Loop& loop, base::Clock& clock, base::Random& random, base::Log& log,
                     kube::Api& api, ProviderSettings settings)
    : impl_(std::make_unique<Impl>(clock, random, log, api, loop, std::move(settings))) {}

Providers::~Providers() = default;

io::Task<protocol::TurnResult> Providers::call(ProviderTarget target, std::string request,
                                               std::function<void(std::string_view)> on_text) {
  const llm::Family family = llm::family_of(target.provider);
  Call call;
  call.body = std::move(request);
  call.read = [&](std::string_view content_type) -> std::unique_ptr<Reading> {
    return std::make_unique<TurnReading>(llm::make_reader(family, content_type), on_text);
  };
  auto [reading, usage] = co_await impl_->run(target, llm::turn_endpoint(family), call);
  auto result = std::move(static_cast<TurnReading&>(*reading).result);
  result.usage = usage;
  co_return result;
}

io::Task<PassedAnswer> Providers::pass(ProviderTarget target, PassedRequest request,
                                       PassedSink sink) {
  PassedAnswer out;
  Call call;
  call.body = request.body;
  call.headers = request.headers;
  call.query = request.query;
  call.read = [&](std::string_view content_type) -> std::unique_ptr<Reading> {
    out.content_type = content_type;
    return std::make_unique<PassedReading>(request, content_type, sink);
  };
  auto [reading, usage] = co_await impl_->run(target, request.endpoint, call);
  out.bytes = std::move(static_cast<PassedReading&>(*reading).bytes);
  out.usage = usage;
  co_return out;
}

}  // namespace gateway
