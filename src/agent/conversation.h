// The conversation that the runner keeps: what was said, what the gateway has not seen yet, and how
// it is made smaller.
#pragma once

#include <cstdint>
#include <vector>

#include "protocol/gateway.h"

namespace agent {

class Conversation {
 public:
  // The turns that earlier executions completed, in order; the last answer is then answer().
  void restore(const std::vector<protocol::PastTurn>& past);
  void add(protocol::Message message);
  // What the model is told before all else, in place of what it was; "": nothing. The next turn
  // then starts anew from the whole.
  void replace_system(std::string text);
  void take_answer(std::int64_t turn, protocol::Message answer);

  // The next turn: what follows the last answer, or the whole after a compaction.
  protocol::Turn next_turn(const std::vector<protocol::ToolDefinition>& tools) const;
  std::int64_t last_turn() const { return last_turn_; }
  const protocol::Message& answer() const { return answer_; }
  std::size_t bytes() const { return bytes_; }

  // Puts a short note in place of all tool results but the `keep` latest; the next turn then starts
  // anew from the whole. False when there was nothing to gain.
  bool compact(std::size_t keep);

 private:
  std::vector<protocol::Message> messages_;
  std::size_t sent_ = 0;  // messages_ that the gateway knows
  std::int64_t last_turn_ = 0;
  std::int64_t parent_ = 0;  // 0: the next turn carries the whole
  std::size_t bytes_ = 0;
  protocol::Message answer_;
};

}  // namespace agent
