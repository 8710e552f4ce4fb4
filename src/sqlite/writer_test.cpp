#include "sqlite/writer.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <random>
#include <semaphore>
#include <thread>

#include "io/file.h"
#include "io/sync.h"
#include "sqlite/readers.h"
#include "support/temp_directory.h"
#include "support/virtual_clock.h"

namespace sqlite {
namespace {

using namespace std::chrono_literals;

const FileKind kind{
    "numbers", 0x6e756d62, {"CREATE TABLE numbers(n INTEGER PRIMARY KEY, filler BLOB)"}};

auto insert(std::int64_t n, std::size_t filler = 0) {
  return [n, filler](Database& database) {
    database.run("INSERT INTO numbers VALUES (?, ?)", n, Blob{std::string(filler, 'x')});
    return n;
  };
}

std::vector<std::int64_t> numbers_in(const std::string& path) {
  Database database(path, kind, Access::read_write);
  std::vector<std::int64_t> all;
  for (auto rows = database.query("SELECT n FROM numbers ORDER BY n"); rows.step();)
    all.push_back(rows.integer(0));
  return all;
}

class Writing : public ::testing::Test {
 protected:
  // Starts all writes before any can be committed: the first one keeps the thread busy meanwhile.
  void hold_then_write(Writer& writer, std::vector<std::function<void(Database&)>> jobs) {
    auto held = std::make_shared<std::mutex>();
    io::TaskGroup group(loop_);
    held->lock();
    auto one = [](Writer& to, std::function<void(Database&)> job,
                  std::exception_ptr& error) -> io::Task<> {
      try {
        co_await to.write(std::move(job));
      } catch (...) {
        error = std::current_exception();
      }
    };
    std::exception_ptr ignored;
    auto begun = std::make_shared<std::binary_semaphore>(0);
    auto hold = [held, begun](Database&) {
      begun->release();
      const std::lock_guard wait(*held);
    };
    group.spawn("hold", one(writer, hold, ignored));
    loop_.run_ready();
    begun->acquire();  // alone in its commit
    errors_.assign(jobs.size(), nullptr);
    for (std::size_t i = 0; i < jobs.size(); ++i)
      group.spawn("write", one(writer, jobs[i], errors_[i]));
    loop_.run_ready();
    held->unlock();
    loop_.run(group.join());
  }
  base::Code code_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const base::Error& error) {
      words_ = error.what();
      return error.code();
    }
    ADD_FAILURE() << "nothing thrown";
    return base::Code::internal;
  }

  test::TempDirectory directory_;
  std::string path_ = directory_ / "numbers.db";
  io::Loop loop_;
  test::VirtualClock clock_;
  std::vector<std::exception_ptr> errors_;
  std::string words_;
};

TEST_F(Writing, GivesTheResultOfTheJob) {
  Writer writer(loop_, clock_, path_, kind);
  EXPECT_EQ(loop_.run(writer.write(insert(3))), 3);
  EXPECT_EQ(writer.counters().commits, 1u);
  auto look = [](Database& database) {
    return database.query("SELECT count(*) FROM numbers").row().integer(0);
  };
  EXPECT_EQ(loop_.run(writer.write(look)), 1);
  EXPECT_EQ(writer.counters().commits, 1u) << "nothing to make durable";
}

TEST_F(Writing, SharesOneCommitBetweenWaitingJobs) {
  Writer writer(loop_, clock_, path_, kind);
  std::vector<std::function<void(Database&)>> jobs;
  for (int i = 0; i < 100; ++i) jobs.emplace_back(insert(i));
  hold_then_write(writer, jobs);
  EXPECT_EQ(writer.counters().jobs, 101u);
  EXPECT_LE(writer.counters().commits, 2u);
  writer.close();
  EXPECT_EQ(numbers_in(path_).size(), 100u);
}

TEST_F(Writing, UndoesAFailingJobAlone) {
  Writer writer(loop_, clock_, path_, kind);
  auto fail_late = [](Database& database) {
    database.run("INSERT INTO numbers(n) VALUES (50)");
    throw base::Error(base::Code::conflict, "no");
  };
  hold_then_write(writer, {insert(1), fail_late, insert(2), insert(1)});
  EXPECT_FALSE(errors_[0]);
  EXPECT_EQ(code_of([&] { std::rethrow_exception(errors_[1]); }), base::Code::conflict);
  EXPECT_FALSE(errors_[2]);
  EXPECT_EQ(code_of([&] { std::rethrow_exception(errors_[3]); }), base::Code::exists);
  EXPECT_EQ(writer.counters().failed_jobs, 2u);
  writer.close();
  EXPECT_EQ(numbers_in(path_), (std::vector<std::int64_t>{1, 2}));
}

TEST_F(Writing, FailsAllJobsOfACommitThatFails) {
  const FileKind family{"family",
                        0x66616d69,
                        {"CREATE TABLE people(n INTEGER PRIMARY KEY, parent INTEGER REFERENCES "
                         "people DEFERRABLE INITIALLY DEFERRED)"}};
  const auto child_of = [](std::int64_t n, std::optional<std::int64_t> parent) {
    return [n, parent](Database& database) {
      database.run("INSERT INTO people VALUES (?, ?)", n, parent);
    };
  };
  Writer writer(loop_, clock_, path_, family);
  hold_then_write(writer, {child_of(1, {}), child_of(2, 99)});
  EXPECT_TRUE(errors_[0]);
  EXPECT_TRUE(errors_[1]);
  loop_.run(writer.write(child_of(3, {})));  // and the next one goes on
  auto count = [](Database& database) {
    return database.query("SELECT count(*) FROM people").row().integer(0);
  };
  EXPECT_EQ(loop_.run(writer.write(count)), 1);
}

TEST_F(Writing, CallsBackThoughNobodyWaitsAnyMore) {
  int calls = 0;
  Writer writer(loop_, clock_, path_, kind, {.on_written = [&] { ++calls; }});
  io::TaskGroup group(loop_);
  auto write = [&]() -> io::Task<> { co_await writer.write(insert(1)); };
  group.spawn("write", write());
  loop_.run_ready();
  group.stop();
  loop_.run(group.join());
  writer.close();  // the job is finished all the same
  loop_.run_ready();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(numbers_in(path_).size(), 1u);
}

TEST_F(Writing, RefusesMoreThanItsQueueHolds) {
  Writer writer(loop_, clock_, path_, kind, {.queued_jobs_max = 2});
  hold_then_write(writer, {insert(1), insert(2), insert(3), insert(4), insert(5)});
  EXPECT_EQ(code_of([&] { std::rethrow_exception(errors_[4]); }), base::Code::unavailable);
}

TEST_F(Writing, RefusesAfterItsEnd) {
  Writer writer(loop_, clock_, path_, kind);
  writer.close();
  EXPECT_EQ(code_of([&] { loop_.run(writer.write(insert(1))); }), base::Code::unavailable);
}

TEST_F(Writing, EndsWithAnEmptyLog) {
  {
    Writer writer(loop_, clock_, path_, kind);
    loop_.run(writer.write(insert(1)));
  }
  EXPECT_NE(::access((path_ + "-wal").c_str(), F_OK), 0);
}

class SmallDisk : public Writing {
 protected:
  SmallDisk() {
    disk_ = directory_ / "disk";
    ::mkdir(disk_.c_str(), 0700);
    mounted_ = ::mount("none", disk_.c_str(), "tmpfs", 0, "size=1M") == 0;
  }
  ~SmallDisk() override {
    if (mounted_) ::umount2(disk_.c_str(), MNT_DETACH);
  }
  std::string disk_;
  bool mounted_;
};

TEST_F(SmallDisk, FullRefusesWritesAtOnceAndKeepsReading) {
  if (!mounted_) GTEST_SKIP() << "needs the right to mount";
  const std::string path = disk_ + "/numbers.db";
  const std::string ballast = disk_ + "/ballast";
  Writer writer(loop_, clock_, path, kind);
  io::BlockingPool pool;
  Readers readers(pool, path, kind);
  loop_.run(writer.write(insert(1)));
  io::write_file(ballast, std::string(600 * 1024, 'x'), 0600);

  EXPECT_EQ(code_of([&] { loop_.run(writer.write(insert(2, 700 * 1024))); }),
            base::Code::unavailable);
  EXPECT_NE(words_.find("disk full"), std::string::npos) << words_;
  // Refused without a try, though this one would fit; reads go on.
  EXPECT_EQ(code_of([&] { loop_.run(writer.write(insert(3))); }), base::Code::unavailable);
  EXPECT_NE(words_.find("disk full"), std::string::npos) << words_;
  auto count = [](Database& database) {
    return database.query("SELECT count(*) FROM numbers").row().integer(0);
  };
  EXPECT_EQ(readers.read_now(count), 1);
  EXPECT_EQ(loop_.run(readers.read(count)), 1);

  // Space is back: the next try is made when its time has come.
  ::unlink(ballast.c_str());
  clock_.advance(1s);
  EXPECT_EQ(loop_.run(writer.write(insert(4))), 4);
  EXPECT_EQ(loop_.run(writer.write(insert(5))), 5);
  EXPECT_EQ(readers.read_now(count), 3);
}

// ---- death ----

// Runs `child` in a process of its own; gives what it wrote to the pipe and how it ended.
struct Ended {
  std::string said;
  int status;
};
Ended run_child(const std::function<void(int pipe)>& child,
                const std::function<void(pid_t, int pipe)>& meanwhile = {}) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    child(ends[1]);
    ::_exit(0);
  }
  ::close(ends[1]);
  if (meanwhile) meanwhile(pid, ends[0]);
  Ended ended{};
  char buffer[4096];
  for (ssize_t got; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    ended.said.append(buffer, static_cast<std::size_t>(got));
  ::close(ends[0]);
  ::waitpid(pid, &ended.status, 0);
  return ended;
}

TEST(Death, BetweenJobAndCommitLeavesNothingOfTheJob) {
  const test::TempDirectory directory;
  const std::string path = directory / "numbers.db";
  const auto ended = run_child([&](int) {
    io::Loop loop;
    test::VirtualClock clock;
    Writer writer(loop, clock, path, kind);
    loop.run(writer.write(insert(1)));
    auto dies = [](Database& database) {
      database.run("INSERT INTO numbers(n) VALUES (2)");
      ::kill(::getpid(), SIGKILL);
    };
    loop.run(writer.write(dies));
  });
  ASSERT_TRUE(WIFSIGNALED(ended.status));
  EXPECT_EQ(numbers_in(path), (std::vector<std::int64_t>{1}));
}

// Eight tasks write numbers and tell each one after it was acknowledged.
void write_and_tell(const std::string& path, int pipe) {
  io::Loop loop;
  test::VirtualClock clock;
  auto next = static_cast<std::int64_t>(numbers_in(path).size());
  Writer writer(loop, clock, path, kind);
  auto task = [&]() -> io::Task<> {
    for (;;) {
      const std::int64_t n = next++;
      co_await writer.write(insert(n, 500));
      if (::write(pipe, &n, sizeof n) != sizeof n) ::_exit(1);
    }
  };
  io::TaskGroup group(loop);
  for (int i = 0; i < 8; ++i) group.spawn("write", task());
  loop.run(group.join());
}

TEST(Death, AtAnyMomentLosesNoAcknowledgedWrite) {
  const test::TempDirectory directory;
  const std::string path = directory / "numbers.db";
  std::mt19937 random(4711);
  for (int round = 0; round < 12; ++round) {
    std::int64_t last = -1;
    const auto wanted = random() % 300 + 1;
    const auto spin = random() % 20'000;
    const auto ended = run_child([&](int pipe) { write_and_tell(path, pipe); },
                                 [&](pid_t pid, int pipe) {
                                   for (unsigned i = 0; i < wanted; ++i) {
                                     std::int64_t n;
                                     if (::read(pipe, &n, sizeof n) == sizeof n)
                                       last = std::max(last, n);
                                   }
                                   for (volatile unsigned i = 0; i < spin; i = i + 1) {}
                                   ::kill(pid, SIGKILL);
                                 });
    ASSERT_TRUE(WIFSIGNALED(ended.status));
    for (std::size_t at = 0; at + 8 <= ended.said.size(); at += 8) {
      std::int64_t n;
      std::memcpy(&n, ended.said.data() + at, 8);
      last = std::max(last, n);
    }
    // Jobs run in order, so everything up to an acknowledged one is there, without a gap.
    const auto found = numbers_in(path);
    ASSERT_GE(static_cast<std::int64_t>(found.size()), last + 1);
    for (std::size_t i = 0; i < found.size(); ++i)
      ASSERT_EQ(found[i], static_cast<std::int64_t>(i));
  }
}

}  // namespace
}  // namespace sqlite
