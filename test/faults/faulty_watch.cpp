#include "faults/faulty_watch.h"

#include "base/text.h"
#include "io/loop.h"

namespace faults {

using kube::WatchEvent;
using Type = WatchEvent::Type;

namespace {

constexpr base::Duration late{5'000}, held{2'000}, unseen_for{20'000};
constexpr std::size_t rewound = 3;

WatchEvent expired() {
  return {Type::error, {{"kind", "Status"}, {"code", 410}, {"reason", "Expired"}}};
}

std::string name_of(const WatchEvent& event) {
  return base::cat(base::text_at(event.object, {"kind"}), " ",
                   base::text_at(event.object, {"metadata", "namespace"}), "/",
                   base::text_at(event.object, {"metadata", "name"}));
}

std::string describe(const WatchEvent& event) {
  constexpr std::array<std::string_view, 6> types{"added",    "modified",   "deleted",
                                                  "bookmark", "unreadable", "error"};
  return base::cat(types[static_cast<std::size_t>(event.type)], " ", name_of(event), " at ",
                   base::text_at(event.object, {"metadata", "resourceVersion"}));
}

bool is_change(const std::optional<WatchEvent>& event) {
  return event && event->type != Type::bookmark && event->type != Type::error;
}

}  // namespace

FaultyWatch::FaultyWatch(base::Clock& clock, std::unique_ptr<kube::WatchStream> inner, Plan& plan,
                         base::Duration lag)
    : clock_(clock), inner_(std::move(inner)), plan_(plan), lag_(lag) {}

io::Task<std::optional<WatchEvent>> FaultyWatch::next() {
  const base::Duration behind = std::exchange(lag_, base::Duration(0));
  if (behind > base::Duration(0)) co_await io::sleep(clock_, behind);
  while (ready_.empty() && !over_) {
    if (unseen_) {
      co_await follow_unseen();
      continue;
    }
    std::optional<Event> event = co_await read();
    if (!event) co_return std::nullopt;
    Mishap mishap = Mishap::none;
    if (is_change(event)) mishap = plan_.next_event(describe(*event));
    co_await happen(mishap, std::move(*event));
  }
  if (ready_.empty()) co_return std::nullopt;
  Event event = std::move(ready_.front());
  ready_.pop_front();
  recent_.push_back(event);
  if (recent_.size() > rewound) recent_.pop_front();
  co_return event;
}

io::Task<std::optional<WatchEvent>> FaultyWatch::read() {
  std::optional<Event> event = co_await inner_->next();
  const base::Duration delay = plan_.next_delay();
  if (event && delay > base::Duration(0)) co_await io::sleep(clock_, delay);
  co_return event;
}

// What goes into `ready_` for one event.
io::Task<> FaultyWatch::happen(Mishap mishap, Event event) {
  switch (mishap) {
    case Mishap::broken:
      throw base::Error(base::Code::unavailable, "the connection breaks, as planned");
    case Mishap::relist: ready_.push_back(expired()); co_return;
    case Mishap::skip: unseen_ = std::move(event); co_return;
    case Mishap::reorder: co_await reorder(std::move(event)); co_return;
    case Mishap::duplicate: ready_.push_back(event); break;
    case Mishap::rewind:
      ready_ = recent_;
      ready_.push_front(event);
      break;
    case Mishap::delay: co_await io::sleep(clock_, late); break;
    default: break;
  }
  ready_.push_back(std::move(event));
}

// Nothing when no event comes in time; the stream is of no use then.
io::Task<std::optional<WatchEvent>> FaultyWatch::read_within(base::Duration limit) {
  std::optional<Event> event;
  try {
    auto task = read();
    event = co_await io::within(clock_, limit, "another event", std::move(task));
  } catch (const base::Error& error) {
    if (error.code() != base::Code::timeout) throw;
  }
  co_return event;
}

// After the next event of the object the watch resumes from there; without one the position is
// lost.
io::Task<> FaultyWatch::follow_unseen() {
  std::optional<Event> event = co_await read_within(unseen_for);
  over_ = event && name_of(*event) == name_of(*unseen_);
  if (!event) event = expired();
  if (over_ || event->type == Type::error) unseen_.reset();
  ready_.push_back(std::move(*event));
}

io::Task<> FaultyWatch::reorder(Event early) {
  std::optional<Event> event = co_await read_within(held);
  over_ = !event;
  const bool other = event && name_of(*event) != name_of(early);
  if (other) ready_.push_back(std::move(*event));
  ready_.push_back(std::move(early));
  if (event && !other) ready_.push_back(std::move(*event));
}

}  // namespace faults
