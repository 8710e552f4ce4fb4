// Who shares a journal. What one writer has begun and not ended is unknown only when that writer is
// gone.
#pragma once

#include <string>

#include "io/task.h"

namespace journal {

class Writers {
 public:
  virtual ~Writers() = default;
  // Names this process among them, until it ends.
  virtual std::string self() const = 0;
  // False when the one of that name is gone, or has lost the journal; what it wrote until then can
  // be read. Error(unavailable) when that cannot be found out now.
  virtual io::Task<bool> is_at_work(std::string name) = 0;
};

// Of a journal that one process has for itself.
class SoleWriter final : public Writers {
 public:
  std::string self() const override { return ""; }
  io::Task<bool> is_at_work(std::string) override { co_return false; }
};

}  // namespace journal
