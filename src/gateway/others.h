// Calls that other gateways of the same journal make: waited for, not made once more.
#pragma once

#include "base/clock.h"
#include "gateway/session.h"
#include "journal/writers.h"

namespace gateway {

class Others {
 public:
  Others(base::Clock&, journal::Writers&);

  // Returns when no other gateway is making this call, as far as the session knows: it has its
  // outcome, or whoever began it is gone.
  io::Task<> wait_for(std::shared_ptr<Session>, std::int64_t turn);
  // The same for all calls of a foreign agent with this key.
  io::Task<> wait_for(std::shared_ptr<Session>, ForeignKey);

 private:
  io::Task<bool> is_at_work(std::string name);

  base::Clock& clock_;
  journal::Writers& writers_;
};

}  // namespace gateway
