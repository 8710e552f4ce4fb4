// A run as a file: lines of JSON that another journal can take in and anybody can verify, without a
// journal.
//
//   {"sympozium":"run","format":1,"uid":"…","events":5,"link":"…"}   the link of the last event
//   {"event":{"seq":0, …, "body":"{…}","link":"…"}}                  in order, each followed by
//   {"blob":{"sha256":"…","text":"…"}}                               the contents it is first to
//   name
//   {"end":{"blobs":3,"erased":["…"]}}                               contents that are gone on
//   purpose
//
// Each line has one spelling, so that every changed byte shows. Contents that are not UTF-8 are
// "base64" instead of "text".
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "journal/archive.h"

namespace journal {

inline constexpr std::int64_t export_format = 1;

// Lines, each with its line break.
std::string format_export_head(const std::string& run, const RunState&);
std::string format_export(const Event&);
std::string format_export(const Batch::Blob&);
std::string format_export_end(std::size_t blobs, const std::vector<std::string>& erased);

struct ExportedRun {
  std::vector<Event> events;
  std::vector<Batch::Blob> blobs;
  std::vector<std::string> erased;  // contents that the events name and the file does not hold
};

// Reads an export line by line (without line breaks). Error(invalid) says what is wrong first, by
// line and event number. An event whose body was erased is no fault.
class ExportReader {
 public:
  void add(std::string_view line);
  ExportedRun finish();  // checks that nothing is missing at the end

 private:
  void add_head(const base::Json&);
  void add_event(const base::Json&);
  void add_blob(const base::Json&);
  void add_end(const base::Json&);
  [[noreturn]] void refuse(std::string_view why) const;

  ExportedRun run_;
  std::string uid_, last_link_, link_;
  std::string stray_;  // what is wrong with a content that came without its event
  std::int64_t events_ = 0;
  std::int64_t line_ = 0;
  bool ended_ = false;
  std::set<std::string> named_,
      expected_;  // contents: of all events; of the last one, still to come
};
// A whole file.
ExportedRun read_export(std::string_view text);

}  // namespace journal
