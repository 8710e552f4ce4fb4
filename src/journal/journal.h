// The record of all runs: what was intended, what came of it. The only truth about them.
//
// A run's events are numbered from 0 without a gap and chained by hashes (chain.h). Every event
// carries (attempt, execution); an append from a pair lower than the run's highest is refused, so
// that a forgotten agent cannot write any more.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "io/task.h"
#include "journal/events.h"

namespace journal {

struct Fence {
  std::int64_t attempt = 1;    // pods, from 1
  std::int64_t execution = 0;  // starts of the agent in this pod, from 1; 0: none yet
  auto operator<=>(const Fence&) const = default;
};

struct Event {
  std::string run;  // Kubernetes UID
  std::int64_t seq = 0;
  Fence fence;
  Kind kind{};
  std::int64_t version = 1;  // of the body's schema
  base::Time at;             // the journal's clock
  std::string prev;          // hex: the link of the event before
  std::string bodyHash;      // hex SHA-256 of `body`
  std::string body;          // JSON
  std::string id() const { return run + "/" + std::to_string(seq); }
};

// The event's body; Error(internal) when it is of another kind or of a newer version.
void read_body(const Event&, Kind, std::int64_t version, const schema::Struct&, void* out);
template <class T>
T read(const Event& event) {
  T body;
  read_body(event, T::kind, T::version, T::table, &body);
  return body;
}

// What one append makes durable: all or nothing.
struct Batch {
  struct NewEvent {
    Kind kind;
    std::int64_t version;
    std::string subject, body;
  };
  struct Blob {
    std::string sha256;  // hex
    std::string bytes;
  };
  std::string run;  // Kubernetes UID
  Fence fence;
  std::vector<NewEvent> events;
  std::vector<Blob> blobs;
  // The run's last event as its writer knows it, -1: none; nothing: whatever it is. A batch that
  // was made without knowing what others wrote is refused.
  std::optional<std::int64_t> after = {};

  template <class T>
  Batch& add(const T& body) {
    events.push_back({T::kind, T::version, body.subject(), base::to_text(schema::encode(body))});
    return *this;
  }
  // The content's name: its hex SHA-256. Contents that are there already are kept once.
  std::string add_blob(std::string bytes);
};
// Why a batch is refused for its `after`.
std::string not_last(const std::string& run, std::int64_t after);

struct Sums {
  std::int64_t inputTokens = 0, outputTokens = 0;  // of all outcomes, also failed ones
  std::int64_t modelCalls = 0;                     // intents; a call made again counts again
  std::int64_t toolCalls = 0;                      // allowed calls; a call made again counts once
  bool operator==(const Sums&) const = default;
};

struct RunState {
  std::string ns, name;
  Fence fence;           // the highest seen
  std::int64_t seq = 0;  // of the last event
  std::string link;      // hex, of the last event
  Sums sums;
  bool ended = false;     // it has its run.outcome
  bool imported = false;  // written by another journal; read-only (archive.h)
};

// An event on its way to a consumer. Positions grow; they may have gaps.
struct Delivery {
  std::int64_t position;
  Event event;
};

class Journal {
 public:
  virtual ~Journal() = default;

  // Returns the number of the last event when all is durable. Error: conflict (a newer attempt or
  // execution has begun, the last event is not `after`, or the run was imported), exists (a second
  // run.begun or run.outcome), not_found (no run.begun came first), unavailable (full disk, lost
  // database: nothing was written).
  virtual io::Task<std::int64_t> append(Batch) = 0;
  virtual io::Task<std::optional<RunState>> state(std::string run) = 0;
  // At most `limit` events with seq > after, in order. From the start: after = -1.
  virtual io::Task<std::vector<Event>> events(std::string run, std::int64_t after,
                                              std::size_t limit) = 0;
  // The latest event of this kind about this subject: find(run, Kind::tool_outcome, "3.0"). An
  // outcome with a lower number than the latest intent is of an earlier try.
  virtual io::Task<std::optional<Event>> find(std::string run, Kind, std::string subject) = 0;
  // The contents of these hashes, in their order; Error(not_found) when one is absent.
  virtual io::Task<std::vector<std::string>> blobs(std::vector<std::string> sha256) = 0;

  // The outbox: events of all runs, each at least once, for consumers that the journal was opened
  // with. Waits until there is one; gives at most `limit` beyond `after`, or beyond what the
  // consumer has acknowledged when `after` is nothing.
  virtual io::Task<std::vector<Delivery>> next(std::string consumer,
                                               std::optional<std::int64_t> after,
                                               std::size_t limit) = 0;
  // Everything up to `position` is done; it is forgotten when all consumers say so.
  virtual io::Task<> ack(std::string consumer, std::int64_t position) = 0;

  // Retention; Error(not_found) when there is no such run. erase() removes the contents that no
  // other run uses; events and chain stay, and verify. A run that goes on misses its contents.
  virtual io::Task<> erase(std::string run) = 0;
  // Removes all there is of a run. Error(conflict) while it has not ended, or while a consumer has
  // not acknowledged all its events. An imported run may go at any time.
  virtual io::Task<> forget(std::string run) = 0;
};

}  // namespace journal
