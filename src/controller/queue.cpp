#include "controller/queue.h"

#include <algorithm>

namespace controller {

Queue::Queue(base::Clock& clock, base::Random& random, Backoff backoff)
    : clock_(clock), random_(random), backoff_(backoff) {}

Queue::~Queue() { close(); }

void Queue::add(const Key& key) {
  if (closed_ || !waiting_.insert(key).second) return;
  if (working_.contains(key)) return;
  ready_.push_back(key);
  filled_.set();
}

void Queue::add_after(const Key& key, base::Duration delay) {
  if (closed_) return;
  if (delay <= base::Duration(0)) return add(key);
  const base::Instant at = clock_.steady() + delay;
  if (const auto found = timers_.find(key); found != timers_.end()) {
    if (found->second.at <= at) return;
    clock_.cancel(found->second.id);
  }
  const auto id = clock_.call_after(delay, [this, key] {
    timers_.erase(key);
    add(key);
  });
  timers_[key] = {id, at};
}

void Queue::retry(const Key& key) {
  const std::size_t failures = failures_[key]++;
  base::Duration delay = backoff_.first * (1LL << std::min<std::size_t>(failures, 20));
  delay = std::min(delay, backoff_.most);
  const auto spread = static_cast<std::uint64_t>(delay.count()) / 4 + 1;  // so that crowds part
  add_after(key,
            delay - base::Duration(static_cast<std::int64_t>(base::random_below(random_, spread))));
}

void Queue::forget(const Key& key) { failures_.erase(key); }

std::size_t Queue::failures(const Key& key) const {
  const auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

io::Task<std::optional<Key>> Queue::next() {
  while (ready_.empty() && !closed_) {
    filled_.clear();
    co_await filled_.wait();
  }
  if (closed_) co_return std::nullopt;
  Key key = std::move(ready_.front());
  ready_.pop_front();
  waiting_.erase(key);
  working_.insert(key);
  co_return key;
}

void Queue::done(const Key& key) {
  working_.erase(key);
  if (closed_ || !waiting_.contains(key)) return;
  ready_.push_back(key);
  filled_.set();
}

void Queue::close() {
  closed_ = true;
  for (const auto& [key, timer] : timers_) clock_.cancel(timer.id);
  timers_.clear();
  ready_.clear();
  filled_.set();
}

}  // namespace controller
