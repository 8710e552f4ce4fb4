#include "node/disk_usage.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "io/file.h"
#include "support/temp_directory.h"

namespace node {
namespace {

constexpr std::int64_t mebibyte = 1024 * 1024, plenty = 1'000 * mebibyte;

class DiskUsageTest : public testing::Test {
 protected:
  test::TempDirectory folder;

  std::int64_t bytes() { return tree_usage(folder.path(), plenty).bytes; }
  void fill(const std::string& name, std::size_t size = mebibyte) {
    io::write_file(folder / name, std::string(size, 'x'), 0600);
  }
  io::Fd nameless() {
    fill("nameless");
    io::Fd fd(::open((folder / "nameless").c_str(), O_RDONLY));
    ::unlink((folder / "nameless").c_str());
    return fd;
  }
  DiskUsage hidden() {
    struct stat info{};
    ::stat(folder.path().c_str(), &info);
    return nameless_usage({::getpid()}, info.st_dev);
  }
};

TEST_F(DiskUsageTest, CountsWhatLiesDeeperThanAPathCanSay) {
  const std::int64_t before = bytes();
  int at = ::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY);
  const std::string name(200, 'd');
  for (int level = 0; level < 30; ++level) {
    ASSERT_EQ(::mkdirat(at, name.c_str(), 0700), 0);
    const int next = ::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY);
    ::close(at);
    at = next;
  }
  const io::Fd file(::openat(at, "treasure", O_CREAT | O_WRONLY, 0600));
  ASSERT_EQ(::fallocate(file.get(), 0, 0, 3 * mebibyte), 0);
  ::close(at);
  EXPECT_GE(bytes() - before, 3 * mebibyte);
  EXPECT_TRUE(tree_usage(folder.path(), plenty).whole);
  io::remove_tree(folder / name);
}

TEST_F(DiskUsageTest, SaysThatThereMayBeMoreWhereItIsTooDeep) {
  std::string path = folder.path();
  for (int level = 0; level < 300; ++level) ASSERT_EQ(::mkdir((path += "/d").c_str(), 0700), 0);
  EXPECT_FALSE(tree_usage(folder.path(), plenty).whole);
}

TEST_F(DiskUsageTest, CountsInodesLikeSpace) {
  const std::int64_t before = bytes();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(::symlink("x", (folder / std::to_string(i)).c_str()), 0);
  EXPECT_GE(bytes() - before, 100 * 4096);
}

TEST_F(DiskUsageTest, CountsAFileOfTwoNamesOnce) {
  fill("one");
  const std::int64_t before = bytes();
  ASSERT_EQ(::link((folder / "one").c_str(), (folder / "other").c_str()), 0);
  EXPECT_EQ(bytes(), before);
}

TEST_F(DiskUsageTest, FollowsNoLink) {
  test::TempDirectory elsewhere;
  io::write_file(elsewhere / "big", std::string(3 * mebibyte, 'x'), 0600);
  ASSERT_EQ(::symlink(elsewhere.path().c_str(), (folder / "link").c_str()), 0);
  EXPECT_LT(bytes(), mebibyte);
}

TEST_F(DiskUsageTest, StopsWhereItIsEnough) {
  for (int i = 0; i < 10; ++i) fill(std::to_string(i));
  EXPECT_LT(tree_usage(folder.path(), 2 * mebibyte).bytes, 5 * mebibyte);
}

TEST_F(DiskUsageTest, SeesAFileWithoutANameThatIsOpen) {
  const std::int64_t before = hidden().bytes;
  const io::Fd fd = nameless();
  EXPECT_GE(hidden().bytes - before, mebibyte);
  EXPECT_LT(bytes(), mebibyte) << "no tree shows it";
}

TEST_F(DiskUsageTest, SeesAFileWithoutANameThatIsMapped) {
  const std::int64_t before = hidden().bytes;
  void* at = MAP_FAILED;
  {
    const io::Fd fd = nameless();
    at = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd.get(), 0);
  }
  ASSERT_NE(at, MAP_FAILED);
  // Only root may look at mappings.
  if (::access("/proc/self/map_files", X_OK) == 0 && ::geteuid() == 0)
    EXPECT_GE(hidden().bytes - before, mebibyte);
  ::munmap(at, 4096);
}

TEST_F(DiskUsageTest, SaysThatThereMayBeMoreWhenAFileIsOnItsWayThroughASocket) {
  ASSERT_TRUE(hidden().whole);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  {
    const io::Fd fd = nameless();
    const int number = fd.get();
    char control[CMSG_SPACE(sizeof number)] = {}, byte = 0;
    iovec io{&byte, 1};
    msghdr message{};
    message.msg_iov = &io;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof number);
    std::memcpy(CMSG_DATA(head), &number, sizeof number);
    ASSERT_EQ(::sendmsg(ends[0], &message, 0), 1);
  }
  EXPECT_FALSE(hidden().whole);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(LostSince, CountsSpaceOrInodesWhicheverIsMore) {
  EXPECT_EQ(lost_since({1'000'000, 500}, {900'000, 499}), 100'000);
  EXPECT_EQ(lost_since({1'000'000, 500}, {1'000'000, 400}), 100 * 4096);
  EXPECT_LT(lost_since({1'000'000, 500}, {2'000'000, 501}), 0);
}

}  // namespace
}  // namespace node
