// One run as the gateway knows it while its agent speaks: what the journal says, and what is under
// way.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/runs.h"
#include "io/sync.h"
#include "journal/journal.h"
#include "journal/record.h"
#include "protocol/gateway.h"

namespace gateway {

// How a foreign agent's call is known again.
struct ForeignKey {
  std::string endpoint;  // "/v1/chat/completions"; "" for a turn
  std::string request;   // hex SHA-256 of its body's canonical form
  bool operator==(const ForeignKey&) const = default;
};
struct ForeignAnswer {
  std::string content_type, bytes;
};

// Another gateway wrote about the run since this one looked, or another execution began; by now the
// session knows. To be decided again.
struct Outdated : base::Error {
  explicit Outdated(const std::string& what) : Error(base::Code::conflict, what) {}
};
// Decides until nobody writes in between.
template <class T>
io::Task<T> decide_in_time(std::function<io::Task<T>()> decide) {
  for (;;) {
    try {
      io::Task<T> decided = decide();
      co_return co_await std::move(decided);
    } catch (const Outdated&) {
      // Each time another one has got on.
    }
  }
}

// A model call under way. Whoever asks for it joins; it goes on when nobody listens any more.
class ModelCall {
 public:
  explicit ModelCall(std::int64_t turn, ForeignKey key = {}) : turn(turn), key(std::move(key)) {}
  void add(std::string_view text);     // of a foreign agent's call: bytes of the answer
  void end(protocol::TurnEvent last);  // result or error
  void end(ForeignAnswer);             // the whole of it
  void end(Outdated);                  // it was never begun: to be looked for again

  // Waits for the piece of text number `at`; nothing when the call ended without it.
  io::Task<std::optional<std::string>> piece(std::size_t at);
  const protocol::TurnEvent& last() const { return last_; }               // after the last piece
  const std::optional<ForeignAnswer>& answer() const { return answer_; }  // then, too
  bool is_outdated() const { return outdated_; }                          // then, too

  const std::int64_t turn;
  const ForeignKey key;
  std::string content_type;  // of a foreign agent's answer: known with its first piece

 private:
  std::vector<std::string> pieces_;
  protocol::TurnEvent last_;
  std::optional<ForeignAnswer> answer_;
  bool ended_ = false, outdated_ = false;
  std::shared_ptr<io::Event> more_ = std::make_shared<io::Event>();  // replaced when set
};

class Session {
 public:
  Session(journal::Journal&, std::string uid);

  // Reads what the journal holds beyond what is known here: we may be new, another gateway may
  // have written.
  io::Task<> catch_up();
  // Writes the first batch of a run that the journal does not know (beginning.h).
  io::Task<> begin(journal::Batch);
  // A new execution of this attempt; from now on older ones are refused.
  io::Task<> begin_execution(std::int64_t attempt, std::string agent, std::string pod_uid);
  // Error(gone) when the header names another execution than the current one.
  void check_fence(std::string_view header) const;

  // Durable when it returns; then also in record(). Gives the event's number. Throws Outdated, and
  // nothing is written, when the journal has events that are not in record() yet: what was decided
  // may be wrong.
  template <class T>
  io::Task<std::int64_t> append(T body, std::vector<journal::Batch::Blob> blobs) {
    journal::Batch batch{.run = uid_, .fence = fence_, .events = {}, .blobs = std::move(blobs)};
    batch.add(body);
    const std::int64_t seq = co_await commit(std::move(batch));
    note(std::move(body));
    co_return seq;
  }
  // As append, of what has happened and stays true whatever others wrote.
  template <class T>
  io::Task<std::int64_t> append_fact(T body, std::vector<journal::Batch::Blob> blobs) {
    std::int64_t seq = -1;
    std::function<io::Task<>()> write = [&] { return append_to(seq, body, blobs); };
    co_await decide_in_time(std::move(write));
    co_return seq;
  }

  // The whole conversation that a turn continues: its ancestors' messages and answers.
  // Error(invalid) for an unknown parent.
  io::Task<std::vector<protocol::Message>> conversation(std::int64_t parent);
  // The tool definitions that hold at a turn.
  io::Task<std::vector<protocol::ToolDefinition>> tools(std::int64_t turn);
  // A foreign agent's request as it was, as far as the journal knows.
  io::Task<base::Json> foreign_request(std::int64_t turn);
  io::Task<ForeignAnswer> foreign_answer(std::int64_t turn);
  // What a conversation of these blobs continues: the call of this endpoint whose conversation is
  // the longest beginning of it, and how long that is. {0, 0}: none.
  std::pair<std::int64_t, std::size_t> find_parent(const std::string& endpoint,
                                                   const std::vector<std::string>& blobs) const;
  // The answer to a completed turn; nothing when there is none, it failed, or it is a foreign
  // agent's call.
  io::Task<std::optional<protocol::TurnResult>> result(std::int64_t turn);
  io::Task<std::vector<protocol::PastTurn>> past();
  io::Task<std::optional<protocol::Outcome>> outcome();
  io::Task<std::string> blob(std::string sha256);

  const journal::Record& record() const { return record_; }
  journal::Fence fence() const { return fence_; }
  const std::string& uid() const { return uid_; }

  std::map<std::int64_t, std::shared_ptr<ModelCall>> calls;  // under way, by turn
  std::set<std::int64_t> used;  // calls of a foreign agent that it has the answers to
  std::set<std::int64_t> torn;  // those that ended in an error for it although they are completed
  io::Semaphore writing{1};     // decisions and outcomes come one after the other

 private:
  template <class T>
  io::Task<> append_to(std::int64_t& seq, T body, std::vector<journal::Batch::Blob> blobs) {
    seq = co_await append(std::move(body), std::move(blobs));
  }
  io::Task<std::int64_t> commit(journal::Batch);
  io::Task<> read_on();
  void enter_execution(journal::Fence);
  void note(const journal::ExecutionBegun&) {}
  void note(journal::ModelIntent);
  void note(journal::ModelOutcome);
  void note(journal::ToolIntent);
  void note(journal::ToolOutcome);
  void note(journal::RunOutcome);
  void note(const journal::Diverged&) { record_.diverged = fence_; }
  std::vector<std::string> foreign_conversation(std::int64_t turn) const;  // blobs

  journal::Journal& journal_;
  std::string uid_;
  io::Semaphore at_journal_{1};  // of those who read on or append
  // What the journal held when we last looked.
  journal::Fence fence_;
  journal::Record record_;
  std::int64_t last_ = -1;  // the number of its last event
  // The conversation after the latest completed turn: what the next one most likely continues.
  std::int64_t known_turn_ = 0;
  std::vector<protocol::Message> known_;
};

std::string blob_name(std::string_view bytes);  // hex SHA-256

}  // namespace gateway
