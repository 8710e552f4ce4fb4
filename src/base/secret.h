// A value that must not reach a log, a status or an environment: it has no formatter and no
// comparison.
#pragma once

#include <utility>

namespace base {

template <class T>
class Secret {
 public:
  Secret() = default;
  explicit Secret(T value) : value_(std::move(value)) {}
  // The one way to the value; grep for it to see every place that handles a secret.
  const T& reveal() const { return value_; }

 private:
  T value_;
};

}  // namespace base
