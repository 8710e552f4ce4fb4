// Both journals: what a long conversation takes on disk, and how many steps a second become
// durable. A step is an intent and its outcome, one append each, as a model call has them.
#include "base/text.h"
#include "bench.h"
#include "io/blocking.h"
#include "io/crypto.h"
#include "io/file.h"
#include "journal/compression.h"
#include "journal/postgres_journal.h"
#include "journal/sqlite_journal.h"
#include "process_events.h"
#include "support/postgres_server.h"
#include "support/seeded_random.h"
#include "support/temp_directory.h"

namespace bench {

namespace {

using base::cat;
using journal::Batch;
using journal::ModelIntent;
using journal::ModelOutcome;

constexpr double mib = 1024.0 * 1024.0;
constexpr int turns = 100;
// 200,000 tokens after the last turn, at four bytes each.
constexpr std::size_t asked_bytes = 6'400, answered_bytes = 1'600;

// Words of a small language, the frequent ones often, so that it compresses as prose does.
class Prose {
 public:
  std::string text(std::size_t bytes) {
    std::string out;
    while (out.size() < bytes) {
      const auto rank = base::random_below(random_, 64) * base::random_below(random_, 64);
      test::SeededRandom word(rank);
      out += base::random_suffix(word, 2 + base::random_below(word, 8));
      out += base::random_below(random_, 12) == 0 ? ".\n" : " ";
    }
    out.resize(bytes);
    return out;
  }

 private:
  test::SeededRandom random_{1};
};

Batch begun(const std::string& run) {
  Batch batch{.run = run, .fence = {1, 1}};
  return batch.add(journal::RunBegun{.ns = "default", .name = run});
}

Batch intent(const std::string& run, std::int64_t turn, std::string message) {
  Batch batch{.run = run, .fence = {1, 1}};
  const std::string name = batch.add_blob(std::move(message));
  return batch.add(ModelIntent{.turn = turn,
                               .parent = turn - 1,
                               .appended = {name},
                               .parameters = base::JsonObject{{"model", "m"}},
                               .requestHash = name});
}

Batch outcome(const std::string& run, std::int64_t turn, std::string message) {
  Batch batch{.run = run, .fence = {1, 1}};
  const std::string name = batch.add_blob(std::move(message));
  return batch.add(ModelOutcome{.turn = turn, .message = name, .usage = {1'000, 100}});
}

// A log of what goes over the wire: each request whole, and its answer.
struct NaiveLog {
  std::string conversation;
  double bytes = 0, compressed_bytes = 0;

  void step(const std::string& asked, const std::string& answered) {
    conversation += asked;
    write(conversation);
    write(answered);
    conversation += answered;
  }
  void write(const std::string& record) {
    const auto compressed = journal::compress(record);
    bytes += static_cast<double>(record.size());
    compressed_bytes += static_cast<double>(compressed ? compressed->size() : record.size());
  }
};

void converse(io::Loop& loop, journal::Journal& journal, NaiveLog* log) {
  const std::string run = "5f0c5a53-5e2c-4d77-9d5e-000000000000";
  Prose prose;
  loop.run(journal.append(begun(run)));
  for (std::int64_t turn = 1; turn <= turns; ++turn) {
    const std::string asked = prose.text(asked_bytes), answered = prose.text(answered_bytes);
    loop.run(journal.append(intent(run, turn, asked)));
    loop.run(journal.append(outcome(run, turn, answered)));
    if (log) log->step(asked, answered);
  }
}

io::Task<> live(journal::Journal& journal, std::string run, int steps) {
  Batch first = begun(run);
  co_await journal.append(std::move(first));
  for (std::int64_t turn = 1; turn <= steps; ++turn) {
    Batch asked = intent(run, turn, cat(run, " asks ", turn, std::string(400, '.')));
    co_await journal.append(std::move(asked));
    Batch answered = outcome(run, turn, cat(run, " is told ", turn, std::string(400, '.')));
    co_await journal.append(std::move(answered));
  }
}

void measure_steps(io::Loop& loop, journal::Journal& journal, const std::string& name, int rounds) {
  for (const int at_once : {1, 8, 64}) {
    const int steps = at_once == 1 ? 100 : 25;
    std::vector<double> rates;
    for (int round = 0; round < rounds; ++round) {
      io::TaskGroup group(loop);
      const double began = now_ms();
      for (int i = 0; i < at_once; ++i)
        group.spawn("run", live(journal, cat("run-", at_once, "-", round, "-", i), steps));
      loop.run(group.join());
      rates.push_back(at_once * steps * 1000 / (now_ms() - began));
    }
    print_samples(cat(name, "_", at_once, "_steps_per_s"), "steps/s", rates);
  }
}

}  // namespace

void measure_journal(const Flags& flags) {
  const int rounds = flags.number("rounds");
  io::Loop loop;
  io::SystemClock clock(loop);
  io::SystemRandom random;
  SilentLog log;
  io::BlockingPool pool;

  test::TempDirectory folder;
  NaiveLog naive;
  {
    journal::SqliteJournal journal(loop, clock, pool, folder / "size.db");
    converse(loop, journal, &naive);
  }
  print_samples("naive_log_mib", "MiB", {naive.bytes / mib});
  print_samples("naive_log_zstd_mib", "MiB", {naive.compressed_bytes / mib});
  const auto size = std::filesystem::file_size(folder / "size.db");
  print_samples("journal_sqlite_mib", "MiB", {static_cast<double>(size) / mib});
  {
    journal::SqliteJournal journal(loop, clock, pool, folder / "steps.db");
    measure_steps(loop, journal, "journal_sqlite", rounds);
  }

  test::PostgresServer server({}, test::PostgresServer::Place::disk);
  const auto open = [&](const std::string& database) {
    return loop.run(journal::PostgresJournal::open(
        loop, clock, random, log, pool, {.conninfo = base::Secret<std::string>(database)}));
  };
  const std::string for_size = server.make_database(), for_steps = server.make_database();
  converse(loop, *open(for_size), nullptr);
  const std::string bytes =
      server.query(for_size,
                   "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
                   " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace");
  print_samples("journal_postgres_mib", "MiB",
                {static_cast<double>(base::parse_int(bytes).value_or(0)) / mib});
  measure_steps(loop, *open(for_steps), "journal_postgres", rounds);
}

}  // namespace bench
