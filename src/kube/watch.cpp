#include "kube/watch.h"

#include <algorithm>

#include "base/text.h"
#include "io/loop.h"
#include "kube/status.h"

namespace kube {

Watcher::Watcher(base::Clock& clock, base::Random& random, base::Log& log, Api& api,
                 WatchSettings settings, WatchSink& sink)
    : clock_(clock),
      random_(random),
      log_(log),
      api_(api),
      settings_(std::move(settings)),
      sink_(sink) {}

io::Task<> Watcher::run() {
  for (;;) {
    std::optional<base::Error> failure;
    base::Duration not_before{0};
    try {
      if (resource_version_.empty()) {
        state_ = State::listing;
        co_await list();
      }
      state_ = State::watching;
      co_await watch();
    } catch (const base::Error& error) {
      if (error.code() == base::Code::cancelled) throw;
      const bool expired = error.code() == base::Code::gone;
      if (expired) resource_version_.clear();
      if (!expired || expired_) failure = error;  // a first expiry is answered by listing at once
      expired_ = expired;
      not_before = retry_after_of(error);
    }
    if (failure) co_await wait(*failure, not_before);
  }
}

io::Task<> Watcher::list() {
  ListOptions options{.label_selector = settings_.label_selector,
                      .field_selector = settings_.field_selector,
                      .limit = settings_.page,
                      .detail = settings_.detail,
                      .skip_unreadable = true};
  sink_.list_begins();
  for (;;) {
    std::optional<Page> page = co_await read_page(options);
    if (!page) {
      options.limit /= 2;
      continue;
    }
    for (const base::Json& object : page->items) sink_.put(object);
    for (const Unreadable& one : page->unreadable) report(one.object, one.problem);
    options.continue_token = page->continue_token;
    if (!options.continue_token.empty()) continue;
    if (page->resource_version.empty())
      throw base::Error(base::Code::internal,
                        "listing " + describe(settings_.collection) + ": no resourceVersion");
    advance(page->resource_version);
    break;
  }
  sink_.listed();
  failures_ = 0;
}

// Nothing when a smaller page may succeed where this one did not.
io::Task<std::optional<Page>> Watcher::read_page(ListOptions options) {
  const bool is_smallest = options.limit < 2;
  try {
    Page page = co_await api_.list(settings_.collection, std::move(options));
    co_return std::optional<Page>(std::move(page));
  } catch (const base::Error& error) {
    if (error.code() != base::Code::invalid || is_smallest) throw;
  }
  co_return std::nullopt;
}

io::Task<> Watcher::watch() {
  const auto spread = static_cast<std::uint64_t>(settings_.timeout.count());
  const base::Duration timeout =
      settings_.timeout +
      base::Duration(static_cast<std::int64_t>(base::random_below(random_, spread)));
  WatchOptions options{.label_selector = settings_.label_selector,
                       .field_selector = settings_.field_selector,
                       .resource_version = resource_version_,
                       .timeout = timeout,
                       .detail = settings_.detail};
  const base::Instant begun = clock_.steady();
  bool silent = true;
  auto stream = co_await api_.watch(settings_.collection, std::move(options));
  for (;;) {
    auto step = stream->next();
    std::optional<WatchEvent> event = co_await io::within(
        clock_, timeout + settings_.idle_margin,
        "silence while watching " + describe(settings_.collection), std::move(step));
    if (!event) break;
    take(*event);
    silent = false;
    failures_ = 0;
    expired_ = false;
  }
  if (silent && clock_.steady() - begun < settings_.backoff_first)
    throw base::Error(base::Code::unavailable,
                      "the watch of " + describe(settings_.collection) + " ended at once");
}

void Watcher::take(const WatchEvent& event) {
  using Type = WatchEvent::Type;
  if (event.type == Type::error)
    throw make_status_error("watching " + describe(settings_.collection), event.object);
  if (event.type == Type::added || event.type == Type::modified) sink_.put(event.object);
  if (event.type == Type::unreadable) report(event.object, event.problem);
  const bool named = !base::text_at(event.object, {"metadata", "name"}).empty();
  if (event.type == Type::deleted || (event.type == Type::unreadable && named))
    sink_.gone(event.object);
  std::string revision = base::text_at(event.object, {"metadata", "resourceVersion"});
  if (!revision.empty()) advance(std::move(revision));
}

void Watcher::report(const base::Json& object, const std::string& problem) {
  log_.error("object cannot be read",
             {{"kind", std::string(settings_.collection.kind->kind)},
              {"namespace", base::text_at(object, {"metadata", "namespace"})},
              {"name", base::text_at(object, {"metadata", "name"})},
              {"error", problem}});
}

void Watcher::advance(std::string revision) {
  resource_version_ = std::move(revision);
  sink_.reached(resource_version_);
}

io::Task<> Watcher::wait(base::Error error, base::Duration not_before) {
  state_ = State::waiting;
  base::Duration delay = settings_.backoff_first * (1LL << std::min(failures_++, 16));
  delay = std::min(delay, settings_.backoff_most);
  delay += base::Duration(static_cast<std::int64_t>(
      base::random_below(random_, static_cast<std::uint64_t>(delay.count()) / 2 + 1)));
  delay = std::max(delay, not_before);
  log_.warn("watch interrupted", {{"kind", std::string(settings_.collection.kind->kind)},
                                  {"error", error.what()},
                                  {"retry_in", base::format_duration(delay)}});
  co_await io::sleep(clock_, delay);
}

}  // namespace kube
