// Reading across runs: what a namespace's journal remembers, and runs that were brought from
// elsewhere. The second port of a journal, beside journal.h, which is about one run at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "journal/journal.h"

namespace journal {

struct RunEntry {
  std::string run;          // Kubernetes UID
  std::int64_t number = 0;  // grows with each run that the journal begins or is brought; the cursor
                            // of runs()
  base::Time began;         // the time of event 0
  RunState state;
};

struct RunFilter {
  std::string ns;
  std::string name;                    // "": all. A name may have had several runs
  std::optional<std::int64_t> before;  // entries with a lower number only
};

// A run as another journal wrote it, for a namespace of this one.
struct ImportedRun {
  std::string ns;
  std::vector<Event> events;  // all, from number 0 on
  std::vector<Batch::Blob> blobs;
};

class Archive {
 public:
  virtual ~Archive() = default;

  // Of a namespace, the newest first, at most `limit`.
  virtual io::Task<std::vector<RunEntry>> runs(RunFilter, std::size_t limit) = 0;

  // Of all namespaces, those that ended before a time, the longest ended first, at most `limit`.
  // Imported runs are not among them: they did not end here.
  virtual io::Task<std::vector<RunEntry>> ended(base::Time before, std::size_t limit) = 0;

  // The events of all runs that live in a namespace, as they were committed: at most `limit` with
  // position > after. Unlike the outbox it forgets nothing, and once a position was seen no lower
  // one appears. Events of imported runs are not in it: they did not happen here.
  virtual io::Task<std::vector<Delivery>> history(std::string ns, std::int64_t after,
                                                  std::size_t limit) = 0;
  // Returns when history has something beyond `after`.
  virtual io::Task<> grown(std::string ns, std::int64_t after) = 0;
  // The position of the last event before a time; 0 when there is none.
  virtual io::Task<std::int64_t> position(std::string ns, base::Time before) = 0;

  // Keeps a run's events as they are, read-only: a later append to it is Error(conflict). Error:
  // invalid (check_import), exists (the journal has the run).
  virtual io::Task<> import(ImportedRun) = 0;
};

// What the event is about, as its body says: find() looks for it.
std::string subject_of(const Event&);
// The contents that an event names, by their SHA-256, each once.
std::vector<std::string> blobs_of(const Event&);

// Name, sums and end as the events say them. Error(invalid): they cannot be read.
RunState tally(const std::vector<Event>&);

// What is wrong with a run that is to be imported; its state otherwise. Wrong is: a chain that is
// not sound, an event or a content that is missing, was erased or cannot be read. A content that
// the run names has to come with it: what this journal holds already may be somebody else's.
RunState check_import(const ImportedRun&);

}  // namespace journal
