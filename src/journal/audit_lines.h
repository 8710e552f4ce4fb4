// What is signed, as lines of JSON: in an export (export.h) and of a whole namespace. Each line has
// one spelling.
//
//   {"key":{"id":"…","pem":"…"}}                                    once, before what it signs
//   {"checkpoint":{"ns":"…","number":3, …, "signature":"…"}}
//   {"head":{"run":"…","seq":8,"link":"…"}}                         of a namespace: all its heads
//   {"proof":{"checkpoint":3,"seq":8,"link":"…","index":0,"path":["…"]}}   of a run: its head alone
//   {"unsigned":{"run":"…","seq":9,"link":"…"}}                     what the next one will hold
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "journal/audit.h"

namespace journal {

// That a checkpoint holds a head, without the other heads: RFC 9162 §2.1.3.
struct Proof {
  std::int64_t checkpoint = 0;
  std::int64_t seq = 0;
  std::string link;
  std::int64_t index = 0;         // of the leaf
  std::vector<std::string> path;  // hex
};
// Of a run's head among all heads of its checkpoint; nothing when it has none there.
std::optional<Proof> make_proof(const Checkpoint&, const std::vector<Head>&,
                                const std::string& run);
// What is wrong with it.
std::optional<std::string> find_fault(const Proof&, const Checkpoint&, const std::string& run);

// Lines, each with its line break.
std::string format_line(const AuditKey&);
std::string format_line(const Checkpoint&);
std::string format_line(const Head&);
std::string format_line(const Proof&);
std::string format_unsigned(const Head&);

// Error(invalid) when the object is none. They do not look at what it says.
AuditKey parse_key(const base::Json&);
Checkpoint parse_checkpoint(const base::Json&);
Head parse_head(const base::Json&);
Proof parse_proof(const base::Json&);

// Reads what a server sends of a namespace into an audit.
class AuditReader {
 public:
  explicit AuditReader(Audit& audit) : audit_(audit) {}
  void add(std::string_view line);
  void finish();

 private:
  Audit& audit_;
  std::optional<Checkpoint> checkpoint_;
  std::vector<Head> heads_;
};

// Reads an export, whatever is wrong with it: the audit finds out what.
class SeenRunReader {
 public:
  void add(std::string_view line);
  SeenRun finish() { return std::move(run_); }

 private:
  SeenRun run_;
};

}  // namespace journal
