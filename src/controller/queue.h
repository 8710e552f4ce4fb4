// Work to do, by key: each key at most once in the queue and never in two hands.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>

#include "base/clock.h"
#include "controller/key.h"
#include "io/sync.h"

namespace controller {

struct Backoff {
  base::Duration first{20}, most{60'000};  // doubled per failure in a row, never more than `most`
};

// A key added while it is being worked on comes again when its worker is done. Its size is bounded
// by the number of keys that exist.
class Queue {
 public:
  Queue(base::Clock&, base::Random&, Backoff);
  ~Queue();
  Queue(const Queue&) = delete;

  void add(const Key&);
  // Of several waits for one key the soonest counts.
  void add_after(const Key&, base::Duration);
  // After this key's back-off, which grows until forget().
  void retry(const Key&);
  void forget(const Key&);

  // The next key; nothing once closed. done() must follow.
  io::Task<std::optional<Key>> next();
  void done(const Key&);
  void close();

  std::size_t size() const { return ready_.size(); }
  std::size_t delayed() const { return timers_.size(); }
  std::size_t failures(const Key&) const;

 private:
  struct Timer {
    base::Clock::TimerId id;
    base::Instant at;
  };

  base::Clock& clock_;
  base::Random& random_;
  Backoff backoff_;
  std::deque<Key> ready_;
  std::set<Key> waiting_, working_;  // waiting_: in ready_, or to be when its worker is done
  std::map<Key, Timer> timers_;
  std::map<Key, std::size_t> failures_;
  io::Event filled_;
  bool closed_ = false;
};

}  // namespace controller
