// A few connections that many tasks share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "postgres/connection.h"

namespace postgres {

struct PoolOptions {
  std::size_t connections_max = 16;  // so many commits at once; the server syncs them together
  std::size_t under_way_max = 2048;  // transactions; beyond: Error(unavailable)
  // After a connection could not be made the next try waits, doubling, up to a half longer by
  // chance; until then everything is refused with the words of that failure.
  base::Duration first_pause{100}, longest_pause{5'000};
};

class Pool {
 public:
  struct Counters {
    std::uint64_t connected = 0;     // connections made
    std::uint64_t transactions = 0;  // answered, whatever the answer
  };

  Pool(io::Loop&, base::Clock&, base::Random&, ConnectOptions, PoolOptions = {});
  ~Pool();
  Pool(const Pool&) = delete;

  // As Connection::run, on the connection with the least to do; one more is opened when all are
  // busy. Transactions of one key (not "") go one after the other, in the order of the calls.
  // Error(unavailable) when nothing was sent, whatever stands against a connection; Lost when it is
  // unknown what was done.
  io::Task<std::vector<Result>> run(Transaction);
  // Ends what a lost connection left at the server, so that it does nothing any more. Nothing to do
  // when it is gone already.
  io::Task<> end(Backend);

  Counters counters() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
  io::TaskGroup group_;
};

}  // namespace postgres
