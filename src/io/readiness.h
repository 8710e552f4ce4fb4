// Waiting for a descriptor that a library reads and writes by itself.
#pragma once

#include <memory>

#include "io/loop.h"

namespace io {

// One task may wait for each of the two. The descriptor stays its owner's, who closes it after
// this.
class Readiness {
 public:
  Readiness(Loop&, int fd);
  ~Readiness();  // who still waits is told Error(cancelled)
  Readiness(const Readiness&) = delete;

  Task<> readable();
  Task<> writable();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace io
