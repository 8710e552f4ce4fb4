#include "journal/export.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/text.h"
#include "io/crypto.h"
#include "journal/audit_lines.h"
#include "journal/chain.h"

namespace journal {
namespace {

// Five events, contents of both sorts; one body and one content were erased on purpose. Three
// checkpoints of two keys; two of them hold the run.
struct Written {
  std::vector<Event> events;
  RunState state;
  std::vector<std::string> lines;

  Written() {
    Batch batch{.run = "uid", .fence = {1, 1}};
    const std::string said = batch.add_blob("said \"this\""), binary = batch.add_blob("\xff\x01"),
                      gone = batch.add_blob("gone");
    batch.add(RunBegun{.ns = "x", .name = "n"})
        .add(ModelIntent{.turn = 1, .appended = {said, binary, said}})
        .add(ModelOutcome{.turn = 1, .message = gone})
        .add(ToolIntent{.call = "1.0", .tool = "t", .argumentsSha256 = "h"})
        .add(RunOutcome{.text = said});
    std::string link = first_link();
    for (const auto& fresh : batch.events) {
      Event event{.run = "uid",
                  .seq = static_cast<std::int64_t>(events.size()),
                  .fence = {1, 1},
                  .kind = fresh.kind,
                  .version = fresh.version,
                  .at = base::Time(base::Duration(1'700'000'000'123)),
                  .prev = link,
                  .bodyHash = io::sha256_hex(fresh.body),
                  .body = fresh.body};
      link = link_of(event);
      if (event.kind == Kind::tool_intent) event.body = "";
      events.push_back(std::move(event));
    }
    state = {.seq = 4, .link = link};
    lines = {format_export_head("uid", state.seq + 1, state.link),
             format_export(events[0]),
             format_export(events[1]),
             format_export(batch.blobs[0]),
             format_export(batch.blobs[1]),
             format_export(events[2]),
             format_export(events[3]),
             format_export(events[4]),
             format_export_end({.blobs = 2, .erased = {gone}, .checkpoints = 3, .proofs = 2})};
    sign();
  }
  void sign() {
    std::vector<std::string> out;
    std::optional<Checkpoint> before = Checkpoint{.ns = "x", .number = 3};
    auto key_pem = io::make_ed25519_key();
    const auto add_key = [&] {
      const std::string pem = io::public_key_pem(key_pem);
      out.push_back(format_line(AuditKey{io::public_key_id(pem), pem}));
    };
    const auto add = [&](const std::vector<Head>& heads) {
      const Checkpoint checkpoint = sign_checkpoint("x", before, heads, events[0].at, key_pem);
      out.push_back(format_line(checkpoint));
      if (const auto proof = make_proof(checkpoint, heads, "uid"))
        out.push_back(format_line(*proof));
      before = checkpoint;
    };
    const Head other{"another", 7, first_link()}, third{"vid", 1, first_link()};
    add_key();
    add({other, {"uid", 2, link_of(events[2])}, third});
    add({other});
    key_pem = io::make_ed25519_key();
    add_key();
    add({{"uid", 4, state.link}, third});
    lines.insert(lines.end() - 1, out.begin(), out.end());
  }
  std::string text() const { return base::join(lines, ""); }
};

std::string fault_of(const std::vector<std::string>& lines) {
  try {
    read_export(base::join(lines, ""));
    return "";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::Code::invalid);
    return error.what();
  }
}

TEST(Export, ReadsWhatWasWritten) {
  const Written written;
  const ExportedRun run = read_export(written.text());
  ASSERT_EQ(run.events.size(), 5u);
  for (std::size_t i = 0; i < run.events.size(); ++i) {
    EXPECT_EQ(run.events[i].body, written.events[i].body);
    EXPECT_EQ(run.events[i].at, written.events[i].at);
  }
  ASSERT_EQ(run.blobs.size(), 2u);
  EXPECT_EQ(run.blobs[1].bytes, "\xff\x01");
  EXPECT_EQ(run.erased.size(), 1u);
  EXPECT_EQ(run.checkpoints.size(), 3u);
  EXPECT_EQ(run.signed_events, 5);
  EXPECT_EQ(find_fault(run.events, written.state), std::nullopt);
}

TEST(Export, EveryFlippedByteIsFoundAndNamed) {
  const Written written;
  const std::string good = written.text();
  std::size_t line = 0, line_begin = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    try {
      read_export(bad);
      ADD_FAILURE() << "byte " << at << ": " << good.substr(line_begin, 60);
    } catch (const base::Error& error) {
      // The first line is vouched for by the others: it is found out last.
      if (line > 0 && good[at] != '\n')
        EXPECT_NE(std::string_view(error.what()).find("line " + std::to_string(line + 1)),
                  std::string_view::npos)
            << error.what() << " for byte " << at - line_begin << " of " << written.lines[line];
    }
    if (good[at] == '\n') {
      ++line;
      line_begin = at + 1;
    }
  }
}

TEST(Export, EveryLineThatIsDroppedOrSwappedIsMissed) {
  const Written written;
  for (std::size_t i = 0; i < written.lines.size(); ++i) {
    auto lines = written.lines;
    lines.erase(lines.begin() + std::ptrdiff_t(i));
    EXPECT_NE(fault_of(lines), "") << written.lines[i];
    for (std::size_t j = i + 1; j < written.lines.size(); ++j) {
      lines = written.lines;
      std::swap(lines[i], lines[j]);
      EXPECT_NE(fault_of(lines), "") << written.lines[i] << written.lines[j];
    }
  }
}

TEST(Export, NamesTheCheckpointThatWasDroppedOrIsAnothers) {
  const Written written;
  auto lines = written.lines;
  const auto line = [&](std::string_view part) {
    for (std::size_t i = 0; i < written.lines.size(); ++i)
      if (written.lines[i].find(part) != std::string::npos) return std::ptrdiff_t(i);
    ADD_FAILURE() << part;
    return std::ptrdiff_t{0};
  };
  lines.erase(lines.begin() + line("\"number\":5"));
  EXPECT_NE(fault_of(lines).find("checkpoint 5 is missing here; the line holds checkpoint 6"),
            std::string::npos)
      << fault_of(lines);
  lines = written.lines;
  lines.erase(lines.begin() + line("\"checkpoint\":6"));
  EXPECT_NE(fault_of(lines).find("the end says 2 proofs, the file has 1"), std::string::npos)
      << fault_of(lines);

  // Somebody who can make chains, but not sign: the last event is another one.
  lines = written.lines;
  Event forged = written.events[4];
  forged.at += base::Duration(1);
  lines[0] = format_export_head("uid", 5, link_of(forged));
  lines[7] = format_export(forged);
  EXPECT_NE(fault_of(lines).find("event 4 in checkpoint 6 is not the one that was signed"),
            std::string::npos)
      << fault_of(lines);
}

TEST(Export, ReadsFilesOfItsFirstFormat) {
  const Written written;
  std::vector<std::string> lines(written.lines.begin(), written.lines.begin() + 8);
  lines[0] = format_export_head("uid", 5, written.state.link, 1);
  lines.push_back(format_export_end({.blobs = 2, .erased = {io::sha256_hex("gone")}}, 1));
  const ExportedRun run = read_export(base::join(lines, ""));
  EXPECT_EQ(run.events.size(), 5u);
  EXPECT_EQ(run.signed_events, 0);
  lines.insert(lines.end() - 1, written.lines[8]);
  EXPECT_NE(fault_of(lines), "") << "it had no keys";
}

TEST(Export, NamesTheEventThatWasDroppedSwappedOrChanged) {
  Written written;
  auto lines = written.lines;
  lines.erase(lines.begin() + 5);
  EXPECT_NE(fault_of(lines).find("event 2 is missing here; the line holds event 3"),
            std::string::npos)
      << fault_of(lines);
  lines = written.lines;
  lines.erase(lines.begin() + 2);  // its contents stay
  EXPECT_NE(fault_of(lines).find("event 1 is missing here; the line holds event 2"),
            std::string::npos)
      << fault_of(lines);
  lines = written.lines;
  std::swap(lines[6], lines[7]);
  EXPECT_NE(fault_of(lines).find("event 3 is missing here; the line holds event 4"),
            std::string::npos);
  lines = written.lines;
  lines.erase(lines.begin() + 7);
  EXPECT_NE(fault_of(lines).find("event 4 is missing: the first line says 5"), std::string::npos);
  lines = written.lines;
  lines.erase(lines.begin() + 4);
  EXPECT_NE(fault_of(lines).find("is missing; event 1 names it"), std::string::npos)
      << fault_of(lines);
  lines = written.lines;
  std::swap(lines[3], lines[5]);
  EXPECT_NE(fault_of(lines), "");
  lines = written.lines;
  lines.pop_back();
  EXPECT_NE(fault_of(lines).find("the file ends early"), std::string::npos);

  // A chain that was made anew, around a body that nobody can read.
  Event unreadable = written.events[0];
  unreadable.body = "{}";
  unreadable.bodyHash = io::sha256_hex(unreadable.body);
  lines = written.lines;
  lines[1] = format_export(unreadable);
  EXPECT_NE(fault_of(lines).find("event 0 cannot be read"), std::string::npos) << fault_of(lines);

  // Another body, and a hash that fits it: the chain tells.
  Event forged = written.events[2];
  forged.body = R"({"turn":2,"finish":"stop","usage":{"inputTokens":0,"outputTokens":0}})";
  forged.bodyHash = io::sha256_hex(forged.body);
  lines = written.lines;
  lines[5] = format_export(forged);
  EXPECT_NE(fault_of(lines), "");
}

TEST(Export, RefusesACheckpointThatNoneCouldFollow) {
  Written written;
  auto& lines = written.lines;
  const auto first =
      std::ranges::find_if(lines, [](const auto& line) { return line.starts_with("{\"key\""); });
  lines.erase(first + 1, lines.end() - 1);
  const auto key_pem = io::make_ed25519_key();
  const std::string pem = io::public_key_pem(key_pem);
  *first = format_line(AuditKey{io::public_key_id(pem), pem});
  const Checkpoint before{.ns = "x", .number = std::numeric_limits<std::int64_t>::max() - 1};
  const Checkpoint last = sign_checkpoint("x", before, {}, written.events[0].at, key_pem);
  lines.insert(lines.end() - 1, 2, format_line(last));
  EXPECT_NE(fault_of(lines).find("which nothing can count"), std::string::npos) << fault_of(lines);
}

TEST(Export, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(fault_of({}), "the file is empty");
  EXPECT_NE(fault_of({"{}\n"}).find("no export of a run"), std::string::npos);
  EXPECT_NE(fault_of({"once upon a time\n"}).find("no export of a run"), std::string::npos);
  EXPECT_NE(fault_of({R"({"sympozium":"run","format":3})"
                      "\n"})
                .find("newer than this program"),
            std::string::npos);
}

}  // namespace
}  // namespace journal
