// A run as a file, as a user gives it to `import` and `audit verify`. An input that begins with 'f'
// is the file itself. One that begins with 's' is made of the lines of a signed run: each of its
// lines names one of them by a letter, and may say where it is changed and how. Any other is a run
// whose hashes are right, so that what is behind them is reached, too: each line is an event ('h'
// for the first kind, 'i' for the second, …, then its body), or one of its contents.
#include <map>

#include "io/crypto.h"
#include "journal/archive.h"
#include "journal/audit_lines.h"
#include "journal/chain.h"
#include "journal/export.h"
#include "journal/record.h"
#include "turn.h"

namespace {

using journal::Event;
using journal::ExportedRun;

// More of them find nothing that these do not.
constexpr std::size_t events_max = 8, contents_max = 4, lines_max = 16;

// Whatever reads bodies either reads them or says why not.
void use(const ExportedRun& run) {
  try {
    journal::check_import({"ns", run.events, run.blobs});
    journal::make_record(run.events);
  } catch (const base::Error&) {
    return;
  }
  for (const auto& event : run.events) journal::subject_of(event);
}

void read_file(std::string_view text) {
  ExportedRun run;
  try {
    run = journal::read_export(text);
  } catch (const base::Error&) {
    return;
  }
  if (!run.events.empty()) use(run);
}

// Up to the line break, which is gone then, too.
std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

Event make_event(std::int64_t seq, journal::Kind kind, const std::string& prev, std::string body) {
  return {.run = "u",
          .seq = seq,
          .kind = kind,
          .prev = prev,
          .bodyHash = io::sha256_hex(body),
          .body = std::move(body)};
}

// An event's contents are the lines behind it that begin with '+'; each '@' in its body becomes the
// name of the next one of them.
std::vector<journal::Batch::Blob> take_contents(std::string_view& text, std::string& body) {
  std::vector<journal::Batch::Blob> contents;
  std::size_t place = 0;
  while (text.starts_with('+')) {
    const std::string bytes(take_line(text).substr(1));
    if (contents.size() == contents_max) continue;
    contents.push_back({io::sha256_hex(bytes), bytes});
    place = body.find('@', place);
    if (place == std::string::npos) continue;
    body.replace(place, 1, contents.back().sha256);
  }
  return contents;
}

void read_bodies(std::string_view text) {
  ExportedRun run;
  std::string link = journal::first_link(), file;
  while (!text.empty() && run.events.size() < events_max) {
    const std::string_view line = take_line(text);
    const auto letter = static_cast<unsigned char>(line.empty() ? 0 : line[0] - 'h');
    const auto kind = static_cast<journal::Kind>(letter % schema::names_of<journal::Kind>.count);
    std::string body(line.substr(std::min<std::size_t>(1, line.size())));
    const auto contents = take_contents(text, body);
    const auto seq = static_cast<std::int64_t>(run.events.size());
    run.events.push_back(make_event(seq, kind, link, std::move(body)));
    link = journal::link_of(run.events.back());
    file += journal::format_export(run.events.back(), link);
    for (const auto& content : contents) {
      run.blobs.push_back(content);
      file += journal::format_export(content);
    }
  }
  if (run.events.empty()) return;
  file = journal::format_export_head("u", std::int64_t(run.events.size()), link) + file +
         journal::format_export_end({.blobs = std::int64_t(run.blobs.size())});
  try {
    const ExportedRun again = journal::read_export(file);
    if (again.events.size() != run.events.size() || again.blobs.size() != run.blobs.size())
      fuzz::fail("the file lost something", file, "");
  } catch (const base::Error&) {
    // A body that is none, a content that nobody names.
  }
  use(run);
}

// A run of two events; two keys, and three checkpoints that hold its head: the first two of the one
// key, the third of the other.
std::map<char, std::string> make_signed_lines() {
  std::map<char, std::string> lines;
  const Event begun = make_event(0, journal::Kind::run_begun, journal::first_link(),
                                 R"({"ns":"ns","name":"n","attempt":1})");
  const Event ended =
      make_event(1, journal::Kind::run_outcome, journal::link_of(begun), R"({"status":"success"})");
  lines['h'] = journal::format_export_head("u", 2, journal::link_of(ended));
  lines['a'] = journal::format_export(begun);
  lines['b'] = journal::format_export(ended);
  lines['c'] = journal::format_export({io::sha256_hex("c"), "c"});
  lines['e'] = journal::format_export_end({.checkpoints = 3, .proofs = 3});
  lines['d'] = journal::format_export_end({.checkpoints = 1, .proofs = 1});
  const std::vector<journal::Head> heads{{"t", 0, journal::link_of(begun)},
                                         {"u", 1, journal::link_of(ended)},
                                         {"v", 0, journal::link_of(begun)}};
  const base::Secret<std::string> keys[] = {io::make_ed25519_key(), io::make_ed25519_key()};
  std::optional<journal::Checkpoint> before;
  for (const char n : {0, 1, 2}) {
    const std::string pem = io::public_key_pem(keys[n / 2]);
    lines[char('k' + n / 2)] = journal::format_line(journal::AuditKey{io::public_key_id(pem), pem});
    before = journal::sign_checkpoint("ns", before, heads, {}, keys[n / 2]);
    lines[char('1' + n)] = journal::format_line(*before);
    lines[char('p' + n)] = journal::format_line(*journal::make_proof(*before, heads, "u"));
  }
  return lines;
}

// As a line of an input says: "3" is the third checkpoint, "3Axyz" the same with "xyz" at a place
// that the A says, "=xyz" just xyz.
std::string make_line(std::string_view said, const std::map<char, std::string>& lines) {
  if (said.starts_with('=')) return std::string(said.substr(1)) + "\n";
  const auto found = said.empty() ? lines.end() : lines.find(said[0]);
  if (found == lines.end()) return "";
  std::string line = found->second;
  if (said.size() < 3) return line;
  const std::string_view written = said.substr(2);
  const std::size_t at = 4 * static_cast<unsigned char>(said[1]) % line.size();
  return line.replace(at, written.size(), written);
}

void read_signed(std::string_view text) {
  static const std::map<char, std::string> lines = make_signed_lines();
  std::string file;
  for (std::size_t n = 0; n < lines_max && !text.empty(); ++n)
    file += make_line(take_line(text), lines);
  read_file(file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.starts_with('f'))
    read_file(input.substr(1));
  else if (input.starts_with('s'))
    read_signed(input.substr(1));
  else
    read_bodies(input);
  return 0;
}
