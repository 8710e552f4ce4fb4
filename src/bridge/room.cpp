#include "bridge/room.h"

namespace bridge {

Room::Lease::~Lease() {
  if (!room_) return;
  room_->taken_ -= bytes_;
  room_->freed_.set();
}

io::Task<Room::Lease> Room::take(std::size_t bytes) {
  auto turn = co_await order_.acquire();
  while (taken_ + bytes > bytes_) {
    freed_.clear();
    co_await freed_.wait();
  }
  taken_ += bytes;
  co_return Lease(this, bytes);
}

}  // namespace bridge
