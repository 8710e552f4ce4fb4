// What is wrong with a namespace's journal, by name: its runs, its checkpoints, their signatures.
// Pure; whoever reads a journal feeds it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "journal/checkpoint.h"
#include "journal/journal.h"

namespace journal {

// Where something was changed, and how it is known. What does not apply is empty or -1.
struct Fault {
  std::string run;
  std::int64_t seq = -1;         // an event of the run
  std::int64_t checkpoint = -1;  // its number
  std::string column;
  std::string what;
  std::string text() const;  // "run a, event 3, column kind: …"
};

// Of events of one run in order. `links` are what their hashes have to be, by number: signed ones,
// and that of the last event. Names the column by which a row differs from what was hashed, as far
// as one alone explains it.
std::vector<Fault> find_faults(const std::string& run, const std::vector<Event>&,
                               const std::map<std::int64_t, std::string>& links);

// A run as a journal shows it.
struct SeenRun {
  std::string uid;
  std::int64_t seq = -1;  // of its last event, and that one's link
  std::string link;
  std::vector<Event> events;
  std::vector<Fault> faults;      // of its contents, and why the rest could not be read
  bool whole = true;              // false: the rest could not be read, and a fault says why
  std::optional<RunState> state;  // what the journal keeps beside the events
};

class Audit {
 public:
  explicit Audit(std::string ns) : ns_(std::move(ns)) {}

  void add(AuditKey key) { keys_.push_back(std::move(key)); }
  void add(Checkpoint, std::vector<Head>);  // in order
  void add_unsigned(const Head&);
  // When not all of it was read at one time: the run first, then what signs its last events.
  void add(SeenRun);

  // The runs that a checkpoint holds and that were not forgotten since.
  std::vector<std::string> expected_runs() const;
  std::int64_t last_number() const { return number_; }

  struct Report {
    std::vector<Fault> faults;
    std::int64_t runs = 0, events = 0, checkpoints = 0;
    std::int64_t unsigned_events = 0;          // written, and in no checkpoint yet
    std::map<std::string, std::int64_t> keys;  // by id: checkpoints that they signed
  };
  Report finish();

 private:
  struct Signed {
    Head head;
    std::int64_t checkpoint = 0;
    bool sound = true;  // the checkpoint's root is that of its heads
  };
  void check_run(const SeenRun&);
  void check_state(const SeenRun&, const RunState&);
  void check_heads(const SeenRun&, const std::vector<Signed>&);

  std::string ns_;
  std::vector<AuditKey> keys_;
  std::optional<Checkpoint> latest_;
  std::int64_t number_ = 0;
  std::map<std::string, std::vector<Signed>> signed_;  // by run
  std::map<std::string, std::int64_t> waiting_;        // unsigned heads: seq by run
  std::map<std::string, SeenRun> runs_;
  std::map<std::int64_t, std::string> unsound_;  // checkpoints whose heads are not those signed
  Report report_;
};

}  // namespace journal
