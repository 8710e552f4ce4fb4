#include "agent/conversation.h"

#include "base/text.h"

namespace agent {

namespace {

std::size_t size_of(const protocol::Message& message) {
  std::size_t bytes = message.content.size();
  for (const auto& call : message.toolCalls) bytes += call.name.size() + call.arguments.size();
  return bytes;
}

}  // namespace

void Conversation::add(protocol::Message message) {
  bytes_ += size_of(message);
  messages_.push_back(std::move(message));
}

void Conversation::replace_system(std::string text) {
  if (!messages_.empty() && messages_.front().role == protocol::Role::system) {
    bytes_ -= size_of(messages_.front());
    messages_.erase(messages_.begin());
  }
  parent_ = 0;
  if (text.empty()) return;
  messages_.insert(messages_.begin(), {protocol::Role::system, std::move(text), {}, {}});
  bytes_ += size_of(messages_.front());
}

void Conversation::take_answer(std::int64_t turn, protocol::Message answer) {
  answer_ = answer;
  add(std::move(answer));
  sent_ = messages_.size();
  last_turn_ = parent_ = turn;
}

void Conversation::restore(const std::vector<protocol::PastTurn>& past) {
  for (const auto& turn : past) {
    if (turn.parent == 0) {
      messages_.clear();
      bytes_ = 0;
    }
    for (const auto& message : turn.append) add(message);
    take_answer(turn.turn, turn.answer);
  }
}

protocol::Turn Conversation::next_turn(const std::vector<protocol::ToolDefinition>& tools) const {
  protocol::Turn turn;
  turn.turn = last_turn_ + 1;
  turn.parent = parent_;
  const std::size_t from = parent_ == 0 ? 0 : sent_;
  turn.append.assign(messages_.begin() + static_cast<std::ptrdiff_t>(from), messages_.end());
  if (parent_ == 0) turn.tools = tools;
  return turn;
}

bool Conversation::compact(std::size_t keep) {
  constexpr std::size_t worth_it = 200;
  std::size_t saved = 0;
  for (std::size_t i = messages_.size(); i-- > 0;) {
    auto& message = messages_[i];
    if (message.role != protocol::Role::tool) continue;
    if (keep > 0) {
      --keep;
      continue;
    }
    if (message.content.size() <= worth_it) continue;
    std::string note =
        base::cat("[a result of ", message.content.size(),
                  " bytes was removed to save context; call the tool again if it is needed]");
    saved += message.content.size() - note.size();
    message.content = std::move(note);
  }
  bytes_ -= saved;
  if (saved > 0) parent_ = 0;
  return saved > 0;
}

}  // namespace agent
