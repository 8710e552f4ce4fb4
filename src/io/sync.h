// What tasks of one loop share. Not for threads.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "io/loop.h"

namespace io {

// A flag to wait for. Set wakes all; it stays set until cleared.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  void set();
  void clear();
  bool is_set() const;
  Task<> wait();  // at once when set

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// A bounded queue between tasks. close() ends it: pushes throw Error(cancelled), pops drain and
// then return nothing.
template <class T>
class Channel {
 public:
  explicit Channel(std::size_t limit) : limit_(limit) {}

  bool try_push(T value) {
    if (closed_ || items_.size() >= limit_) return false;
    items_.push_back(std::move(value));
    filled_.set();
    return true;
  }
  Task<> push(T value) {
    while (!closed_ && items_.size() >= limit_) {
      drained_.clear();
      co_await drained_.wait();
    }
    if (closed_) throw base::Error(base::Code::cancelled, "channel closed");
    items_.push_back(std::move(value));
    filled_.set();
  }
  Task<std::optional<T>> pop() {
    while (items_.empty()) {
      if (closed_) co_return std::nullopt;
      filled_.clear();
      co_await filled_.wait();
    }
    std::optional<T> value(std::move(items_.front()));
    items_.pop_front();
    drained_.set();
    co_return value;
  }
  void close() {
    closed_ = true;
    filled_.set();
    drained_.set();
  }
  std::size_t size() const { return items_.size(); }

 private:
  std::size_t limit_;
  bool closed_ = false;
  std::deque<T> items_;
  Event filled_, drained_;
};

// At most n holders at once, first come first served.
class Semaphore {
 public:
  explicit Semaphore(std::size_t permits);
  ~Semaphore();
  Semaphore(const Semaphore&) = delete;

  class Permit {
   public:
    Permit() = default;
    explicit Permit(Semaphore* from) : from_(from) {}
    Permit(Permit&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(from_, other.from_);
      return *this;
    }
    ~Permit();

   private:
    Semaphore* from_ = nullptr;
  };
  Task<Permit> acquire();

 private:
  friend class Permit;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace io
