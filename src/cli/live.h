// Answers while they come, on a terminal: one grows at a time, below a head of its own. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "protocol/journal_api.h"

namespace cli {

class LiveText {
 public:
  // `stamped` makes a line of a head.
  using Stamp = std::function<std::string(std::string_view)>;
  explicit LiveText(Stamp stamped) : stamped_(std::move(stamped)) {}

  // What to write for a piece of an answer. What was shown is not shown again; nor is anything of
  // an answer that a step told.
  std::string add(const protocol::ModelDelta&);
  // What ends the line that an answer has open, before anything else is written; "": none is.
  std::string close();
  // A line of the agent's log as it is to be shown: an answer that has grown here is not told
  // again.
  std::string rest_of(const std::string& line);

 private:
  struct Shown {
    std::int64_t intent = 0, reached = 0;
    std::string text;  // its beginning
    bool told = false;
  };
  Stamp stamped_;
  std::map<std::int64_t, Shown> turns_;
  std::int64_t open_ = 0;  // turn; 0: none
};

}  // namespace cli
