// Server-sent events (WHATWG HTML §9.2), as model providers send them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace llm {

// Takes a stream of pieces apart into the data of its events. Lines end with LF, CR LF or CR;
// comments, `event`, `id` and `retry` are skipped; several data lines of an event are joined by LF.
class EventSplitter {
 public:
  explicit EventSplitter(std::size_t event_bytes_max = 4 * 1024 * 1024) : limit_(event_bytes_max) {}

  // Error(invalid) when an event grows beyond the limit.
  void add(std::string_view piece);
  std::optional<std::string> next();  // nothing: more is needed
  // The stream is over: an event that only lacks its empty line counts, too.
  void finish();

 private:
  bool take_line();

  std::size_t limit_;
  std::string buffer_;  // not yet taken apart
  std::size_t at_ = 0;  // in it
  std::size_t searched_ = 0;
  std::string data_;
  bool has_data_ = false, finished_ = false;
  std::optional<std::string> ready_;
};

// Cuts a stream into its events, each with its empty line and not a byte changed.
class EventCutter {
 public:
  explicit EventCutter(std::size_t event_bytes_max) : limit_(event_bytes_max) {}

  void add(std::string_view piece);
  // Nothing: more is needed. Error(invalid) when an event grows beyond the limit.
  std::optional<std::string> next();
  std::string rest();  // what is left, an event without its empty line

 private:
  std::size_t limit_;
  std::string buffer_;
  std::size_t at_ = 0, searched_ = 0;  // where the event begins, and what was looked at
  bool line_is_empty_ = true;
};

}  // namespace llm
