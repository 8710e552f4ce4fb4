// A run as a file: lines of JSON that another journal can take in and anybody can verify, without a
// journal.
//
//   {"sympozium":"run","format":2,"uid":"…","events":5,"link":"…"}   the link of the last event
//   {"event":{"seq":0, …, "body":"{…}","link":"…"}}                  in order, each followed by
//   {"blob":{"sha256":"…","text":"…"}}                               contents it is first to name
//   {"key":…} {"checkpoint":…} {"proof":…}                           audit_lines.h (since format 2)
//   {"end":{"blobs":3,"erased":["…"],"checkpoints":2,"proofs":2}}    erased: gone on purpose
//
// The checkpoints are those from the first to the last that hold a head of the run, without a gap;
// each that does has its proof. Each line has one spelling, so that every changed byte shows.
// Contents that are not UTF-8 are "base64" instead of "text".
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "journal/archive.h"
#include "journal/checkpoint.h"

namespace journal {

inline constexpr std::int64_t export_format = 2;

// Lines, each with its line break.
std::string format_export_head(const std::string& run, std::int64_t events, const std::string& link,
                               std::int64_t format = export_format);
std::string format_export(const Event&);
std::string format_export(const Event&, const std::string& link);  // which link_of it is
std::string format_export(const Batch::Blob&);
struct ExportEnd {
  std::int64_t blobs = 0;
  std::vector<std::string> erased;
  std::int64_t checkpoints = 0, proofs = 0;
};
std::string format_export_end(const ExportEnd&, std::int64_t format = export_format);

// Stands where a server could not read something; no export of a sound journal has one. `seq` is -1
// when it is not about one event.
std::string format_fault(std::int64_t seq, std::string_view what);

// Error(invalid) when the object is none. They do not look at what it says.
Event parse_event(const std::string& run, const base::Json&);
Batch::Blob parse_blob(const base::Json&);

struct ExportedRun {
  std::vector<Event> events;
  std::vector<Batch::Blob> blobs;
  std::vector<std::string> erased;  // contents that the events name and the file does not hold
  std::vector<AuditKey> keys;
  std::vector<Checkpoint> checkpoints;
  std::int64_t signed_events = 0;  // the first ones, which a checkpoint holds
};

// Reads an export line by line (without line breaks). Error(invalid) says what is wrong first, by
// line and event number. An event whose body was erased is no fault. Signatures are checked with
// the keys in the file: whether those are the right ones is for somebody who knows them.
class ExportReader {
 public:
  void add(std::string_view line);
  ExportedRun finish();  // checks that nothing is missing at the end

 private:
  void add_head(const base::Json&);
  void add_event(const base::Json&);
  void add_blob(const base::Json&);
  void add_key(const base::Json&);
  void add_checkpoint(const base::Json&);
  void add_proof(const base::Json&);
  void add_end(const base::Json&);
  void check_complete();
  [[noreturn]] void refuse(std::string_view why) const;

  ExportedRun run_;
  std::string uid_, last_link_, link_;
  std::vector<std::string> links_;  // of the events
  std::string stray_;               // what is wrong with a content that came without its event
  std::int64_t events_ = 0, format_ = export_format;
  std::int64_t proofs_ = 0;
  std::int64_t line_ = 0;
  bool ended_ = false;
  bool fresh_key_ = false;             // the line before was one
  std::set<std::string> named_;        // contents of all events
  std::vector<std::string> expected_;  // of the last one, still to come
};
// A whole file.
ExportedRun read_export(std::string_view text);

}  // namespace journal
