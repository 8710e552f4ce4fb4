// The bytes that the bridge holds at once: its memory has a limit, an agent's wishes have none.
#pragma once

#include <cstddef>
#include <utility>

#include "io/sync.h"

namespace bridge {

// First come, first served.
class Room {
 public:
  explicit Room(std::size_t bytes) : bytes_(bytes) {}
  Room(const Room&) = delete;

  class Lease {
   public:
    Lease() = default;
    Lease(Room* room, std::size_t bytes) : room_(room), bytes_(bytes) {}
    Lease(Lease&& other) noexcept
        : room_(std::exchange(other.room_, nullptr)), bytes_(other.bytes_) {}
    Lease& operator=(Lease&& other) noexcept {
      std::swap(room_, other.room_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Lease();

   private:
    Room* room_ = nullptr;
    std::size_t bytes_ = 0;
  };
  // Waits until there is room for so many bytes, which are at most all.
  io::Task<Lease> take(std::size_t bytes);

 private:
  const std::size_t bytes_;
  std::size_t taken_ = 0;
  io::Semaphore order_{1};
  io::Event freed_;
};

}  // namespace bridge
