#include "llm/events.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace llm {

void EventSplitter::add(std::string_view piece) {
  if (at_ > 0) {
    buffer_.erase(0, at_);
    searched_ -= at_;
    at_ = 0;
  }
  buffer_ += piece;
}

// One line into data_, or the event's end into ready_; false when no whole line is there.
bool EventSplitter::take_line() {
  const std::size_t end = buffer_.find_first_of("\r\n", searched_);
  const bool open = end == std::string::npos;
  // A CR at the very end may be the half of CR LF.
  const bool half = !open && buffer_[end] == '\r' && end + 1 == buffer_.size() && !finished_;
  if ((open || half) && !finished_) {
    searched_ = open ? buffer_.size() : end;
    if (buffer_.size() - at_ + data_.size() > limit_)
      throw base::Error(base::Code::invalid,
                        base::cat("an event of the stream is longer than ", limit_, " bytes"));
    return false;
  }
  if (open && at_ == buffer_.size()) return false;
  const std::size_t stop = open ? buffer_.size() : end;
  std::string_view line(buffer_.data() + at_, stop - at_);
  if (line.empty()) {
    if (has_data_) ready_ = std::move(data_);
    data_.clear();
    has_data_ = false;
  } else if (line.starts_with("data:") || line == "data") {
    line.remove_prefix(std::min<std::size_t>(line.size(), 5));
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (has_data_) data_ += '\n';
    data_ += line;
    has_data_ = true;
    if (data_.size() > limit_)
      throw base::Error(base::Code::invalid,
                        base::cat("an event of the stream is longer than ", limit_, " bytes"));
  }
  at_ = stop;
  if (at_ < buffer_.size()) {
    const bool both = buffer_[at_] == '\r' && at_ + 1 < buffer_.size() && buffer_[at_ + 1] == '\n';
    at_ += both ? 2 : 1;
  }
  searched_ = at_;
  return true;
}

std::optional<std::string> EventSplitter::next() {
  while (!ready_)
    if (!take_line()) break;
  if (!ready_ && finished_ && has_data_) {
    ready_ = std::move(data_);
    data_.clear();
    has_data_ = false;
  }
  std::optional<std::string> out = std::move(ready_);
  ready_.reset();
  return out;
}

void EventSplitter::finish() { finished_ = true; }

void EventCutter::add(std::string_view piece) {
  buffer_.erase(0, at_);
  searched_ -= at_;
  at_ = 0;
  buffer_ += piece;
}

std::optional<std::string> EventCutter::next() {
  for (; searched_ < buffer_.size(); ++searched_) {
    const char c = buffer_[searched_];
    if (c != '\n' && c != '\r') {
      line_is_empty_ = false;
      continue;
    }
    if (c == '\r') {
      if (searched_ + 1 == buffer_.size()) break;  // perhaps the half of CR LF
      if (buffer_[searched_ + 1] == '\n') ++searched_;
    }
    if (!std::exchange(line_is_empty_, true)) continue;
    const std::size_t begin = std::exchange(at_, ++searched_);
    return buffer_.substr(begin, at_ - begin);
  }
  if (buffer_.size() - at_ > limit_)
    throw base::Error(base::Code::invalid,
                      base::cat("an event of the stream is longer than ", limit_, " bytes"));
  return {};
}

std::string EventCutter::rest() {
  std::string out = buffer_.substr(at_);
  at_ = searched_ = buffer_.size();
  return out;
}

}  // namespace llm
