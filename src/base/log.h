// Logging: one JSON line per event on stderr, or text when stderr is a terminal.
// Fields: time level msg component namespace run attempt trace, then what the caller adds.
// User content (prompts, tool output) is logged at debug only.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace base {

enum class Level : unsigned char { debug, info, warn, error };

class Log {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  virtual ~Log() = default;
  virtual void write(Level, std::string_view message, const Fields&) = 0;

  void debug(std::string_view message, const Fields& fields = {}) {
    write(Level::debug, message, fields);
  }
  void info(std::string_view message, const Fields& fields = {}) {
    write(Level::info, message, fields);
  }
  void warn(std::string_view message, const Fields& fields = {}) {
    write(Level::warn, message, fields);
  }
  void error(std::string_view message, const Fields& fields = {}) {
    write(Level::error, message, fields);
  }
};

// Writes to a file descriptor, at or above a level. `terminal` chooses text instead of JSON lines.
class StreamLog final : public Log {
 public:
  enum class Form : unsigned char { json, text };
  StreamLog(const Clock& clock, std::string component, int fd, Form form, Level least = Level::info)
      : clock_(clock), component_(std::move(component)), fd_(fd), form_(form), least_(least) {}
  void write(Level, std::string_view message, const Fields&) override;

 private:
  const Clock& clock_;
  std::string component_;
  int fd_;
  Form form_;
  Level least_;
};

}  // namespace base
