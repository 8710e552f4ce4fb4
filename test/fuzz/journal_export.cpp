// A run as a file, as a user gives it to `import` and `audit verify`. An input that begins with 'f'
// is the file itself. Any other is a run whose hashes are right, so that what is behind them is
// reached, too: each line is an event (a letter for its kind, then its body) or, after '+', a
// content of the event before.
#include "io/crypto.h"
#include "journal/archive.h"
#include "journal/chain.h"
#include "journal/export.h"
#include "journal/record.h"
#include "turn.h"

namespace {

using journal::ExportedRun;

constexpr std::size_t events_max = 8;  // more of them find nothing that these do not

std::string format(const ExportedRun& run, const journal::RunState& state,
                   const std::vector<std::size_t>& blobs_behind) {
  std::string text = journal::format_export_head(run.events.front().run, state.seq + 1, state.link);
  std::size_t next = 0;
  for (std::size_t i = 0; i < run.events.size(); ++i) {
    text += journal::format_export(run.events[i]);
    for (std::size_t n = 0; n < blobs_behind[i]; ++n)
      text += journal::format_export(run.blobs[next++]);
  }
  return text + journal::format_export_end({.blobs = std::int64_t(run.blobs.size())});
}

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

void read_bodies(std::string_view text) {
  ExportedRun run;
  std::vector<std::size_t> blobs_behind;
  journal::RunState state{.seq = -1, .link = journal::first_link()};
  while (!text.empty() && run.events.size() < events_max) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('+') && !run.events.empty()) {
      const std::string bytes = line.substr(1);
      run.blobs.push_back({io::sha256_hex(bytes), bytes});
      ++blobs_behind.back();
      continue;
    }
    const auto kind = static_cast<journal::Kind>(
        line.empty() ? 0
                     : static_cast<unsigned char>(line[0]) % schema::names_of<journal::Kind>.count);
    const std::string body = line.empty() ? "" : line.substr(1);
    run.events.push_back({.run = "u",
                          .seq = ++state.seq,
                          .kind = kind,
                          .prev = state.link,
                          .bodyHash = io::sha256_hex(body),
                          .body = body});
    blobs_behind.push_back(0);
    state.link = journal::link_of(run.events.back());
  }
  if (run.events.empty()) return;
  const std::string file = format(run, state, blobs_behind);
  try {
    const ExportedRun again = journal::read_export(file);
    if (again.events.size() != run.events.size() || again.blobs.size() != run.blobs.size())
      fuzz::fail("the file lost something", file, "");
  } catch (const base::Error&) {
    // A body that is none, a content that nobody names.
  }
  use(run);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.starts_with('f'))
    read_file(input.substr(1));
  else
    read_bodies(input);
  return 0;
}
