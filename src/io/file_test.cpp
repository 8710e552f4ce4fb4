#include "io/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/sync.h"

namespace io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Files : public ::testing::Test {
 protected:
  Files() {
    char name[] = "/tmp/file_test.XXXXXX";
    root_ = mkdtemp(name);
  }
  ~Files() override { remove_tree(root_); }
  std::string at(const std::string& name) const { return root_ + "/" + name; }
  std::string root_;
};

base::Code code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const base::Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing thrown";
  return base::Code::internal;
}

TEST_F(Files, AreWrittenWholeWithTheirMode) {
  for (Durable durable : {Durable::no, Durable::yes}) {
    write_file(at("a"), "first", 0644, durable);
    write_file(at("a"), "second", 0600, durable);
    EXPECT_EQ(read_file(at("a")), "second");
    struct stat about{};
    ASSERT_EQ(stat(at("a").c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 07777, 0600u);
    EXPECT_THAT(list_directory(root_), ElementsAre("a"));
  }
}

TEST_F(Files, LeaveNothingBehindWhenTheyCannotBeWritten) {
  make_directories(at("taken/inner"), 0700);
  EXPECT_THROW(write_file(at("taken"), "x", 0600), base::Error);
  EXPECT_THAT(list_directory(root_), ElementsAre("taken"));
}

TEST_F(Files, SayWhatIsMissingAndWhatIsTooLarge) {
  EXPECT_EQ(find_file(at("none")), std::nullopt);
  try {
    read_file(at("none"));
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::Code::not_found);
    EXPECT_EQ(error.what(), "opening " + at("none") + ": No such file or directory");
  }
  write_file(at("a"), std::string(100, 'x'), 0600);
  EXPECT_EQ(read_file(at("a"), 100).size(), 100u);
  EXPECT_EQ(code_of([&] { read_file(at("a"), 99); }), base::Code::invalid);
}

TEST_F(Files, AreReadThoughTheirSizeIsNotKnown) {
  EXPECT_THAT(read_file("/proc/self/status"), HasSubstr("VmRSS"));
}

TEST_F(Files, MakeDirectoriesOnceAndRefuseAFileInTheirPlace) {
  make_directories(at("a/b/c"), 0750);
  make_directories(at("a/b/c"), 0750);
  struct stat about{};
  ASSERT_EQ(stat(at("a/b").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0750u);
  write_file(at("file"), "", 0600);
  EXPECT_EQ(code_of([&] { make_directories(at("file/x"), 0750); }), base::Code::invalid);
}

TEST_F(Files, BeneathADirectoryNeverLeaveIt) {
  make_directories(at("in/side"), 0700);
  write_file(at("in/side/good"), "good", 0600);
  write_file(at("secret"), "secret", 0600);
  ASSERT_EQ(symlink("../secret", at("in/link").c_str()), 0);
  ASSERT_EQ(symlink("..", at("in/up").c_str()), 0);
  ASSERT_EQ(symlink("side", at("in/inward").c_str()), 0);
  ASSERT_EQ(link(at("secret").c_str(), at("in/hard").c_str()), 0);
  ASSERT_EQ(mkfifo(at("in/fifo").c_str(), 0600), 0);
  const Fd in = open_directory(at("in"));

  EXPECT_EQ(read_beneath(in.get(), "side/good", 100), "good");
  for (const std::string path : {"../secret", "link", "up/secret", "inward/good", "hard", "fifo",
                                 "side", "side/../../secret"})
    EXPECT_EQ(code_of([&] { read_beneath(in.get(), path, 100); }), base::Code::invalid) << path;
  EXPECT_EQ(code_of([&] { read_beneath(in.get(), at("secret"), 100); }), base::Code::invalid);
  EXPECT_EQ(code_of([&] { read_beneath(in.get(), "side/good", 3); }), base::Code::invalid);
  EXPECT_EQ(code_of([&] { read_beneath(in.get(), "none", 3); }), base::Code::not_found);

  const Fd made = open_beneath(in.get(), "side/new", O_WRONLY | O_CREAT | O_EXCL, 0640);
  EXPECT_TRUE(made);
  EXPECT_EQ(code_of([&] { open_beneath(in.get(), "up/new", O_WRONLY | O_CREAT, 0640); }),
            base::Code::invalid);
}

TEST_F(Files, TreesAreRemovedWithoutFollowingLinks) {
  make_directories(at("keep"), 0700);
  write_file(at("keep/me"), "x", 0600);
  make_directories(at("tree/a/b"), 0700);
  write_file(at("tree/a/b/file"), "x", 0600);
  ASSERT_EQ(symlink("../keep", at("tree/link").c_str()), 0);
  remove_tree(at("tree"));
  remove_tree(at("tree"));  // absent is fine
  EXPECT_THAT(list_directory(root_), ElementsAre("keep"));
  EXPECT_EQ(read_file(at("keep/me")), "x");
}

TEST_F(Files, TreesOfAnyDepthAreRemoved) {
  make_directories(at("tree"), 0700);
  Fd deep = open_directory(at("tree"));
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(mkdirat(deep.get(), "d", 0700), 0);
    const Fd file(openat(deep.get(), "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    deep = Fd(openat(deep.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(deep);
  }
  remove_tree(at("tree"));
  EXPECT_THAT(list_directory(root_), ElementsAre());
}

TEST_F(Files, TreesAreNotRemovedAcrossMounts) {
  make_directories(at("outside"), 0700);
  make_directories(at("tree/mounted"), 0700);
  write_file(at("outside/file"), "x", 0600);
  if (mount(at("outside").c_str(), at("tree/mounted").c_str(), nullptr, MS_BIND, nullptr) != 0)
    GTEST_SKIP() << "needs the right to mount";
  EXPECT_THROW(remove_tree(at("tree")), base::Error);
  ASSERT_EQ(umount(at("tree/mounted").c_str()), 0);
  EXPECT_EQ(read_file(at("outside/file")), "x");
}

TEST_F(Files, WatchTellsRenamesWritesAndRemovals) {
  Loop loop;
  DirectoryWatch watch(loop, root_);
  using What = DirectoryWatch::Change::What;
  std::vector<std::pair<What, std::string>> seen;
  auto watching = [&]() -> Task<> {
    while (seen.size() < 3) {
      auto changes = co_await watch.next();
      for (auto& change : changes)
        if (!change.name.starts_with(".tmp.")) seen.emplace_back(change.what, change.name);
    }
  };
  auto acting = [&]() -> Task<> {
    write_file(at("renamed"), "x", 0600);
    co_await yield();
    const Fd fd(::open(at("written").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ::unlink(at("renamed").c_str());
  };
  TaskGroup group(loop);
  group.spawn("watch", watching());
  group.spawn("act", acting());
  loop.run(group.join());
  EXPECT_EQ(seen[0], std::pair(What::appeared, std::string("renamed")));
  EXPECT_EQ(seen[1], std::pair(What::removed, std::string("renamed")));
  EXPECT_EQ(seen[2], std::pair(What::appeared, std::string("written")));
}

TEST_F(Files, WatchTellsOfADirectoryThatIsMade) {
  Loop loop;
  DirectoryWatch watch(loop, root_);
  make_directories(at("made"), 0700);
  const auto changes = loop.run(watch.next());
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].what, DirectoryWatch::Change::What::appeared);
  EXPECT_EQ(changes[0].name, "made");
}

TEST_F(Files, WatchGoesOnWhenOthersHaveTakenEveryInotify) {
  Loop loop;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  const std::string root = root_;  // a sanitizer opens a file to look at the fixture's type
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  std::optional<DirectoryWatch> watch;
  EXPECT_NO_THROW(watch.emplace(loop, root));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  const auto changes = loop.run(watch->next());
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].what, DirectoryWatch::Change::What::overflow);
}

TEST_F(Files, WatchSaysThatItsDirectoryIsGone) {
  Loop loop;
  make_directories(at("short"), 0700);
  DirectoryWatch watch(loop, at("short"));
  remove_tree(at("short"));
  EXPECT_EQ(code_of([&] { loop.run(watch.next()); }), base::Code::gone);
  EXPECT_EQ(code_of([&] { DirectoryWatch(loop, at("short")); }), base::Code::not_found);
}

TEST(ReadFd, WaitsForBytesAndLeavesTheDescriptorOpen) {
  Loop loop;
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  const Fd out(ends[0]);
  Fd in(ends[1]);
  std::string seen;
  auto reading = [&]() -> Task<> {
    char buffer[4];
    for (;;) {
      const std::span<char> room(buffer);
      const std::size_t size = co_await read_fd(out.get(), room);
      if (size == 0) co_return;
      seen.append(buffer, size);
    }
  };
  auto writing = [&]() -> Task<> {
    for (const char* text : {"hello", "world"}) {
      EXPECT_EQ(::write(in.get(), text, 5), 5);
      co_await yield();
      co_await yield();
    }
    in = Fd();
  };
  TaskGroup group(loop);
  group.spawn("read", reading());
  group.spawn("write", writing());
  loop.run(group.join());
  EXPECT_EQ(seen, "helloworld");
  EXPECT_GE(fcntl(out.get(), F_GETFD), 0);
}

TEST(ReadFd, EndsWhenItsGroupIsStopped) {
  Loop loop;
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  const Fd out(ends[0]), in(ends[1]);
  TaskGroup group(loop);
  auto reading = [&]() -> Task<> {
    char buffer[4];
    const std::span<char> room(buffer);
    co_await read_fd(out.get(), room);
  };
  group.spawn("read", reading());
  loop.run_ready();
  EXPECT_EQ(group.size(), 1u);
  group.stop();
  loop.run(group.join());
  EXPECT_EQ(group.size(), 0u);
}

}  // namespace
}  // namespace io
