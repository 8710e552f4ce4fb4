#include "io/conn.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "io/loop.h"
#include "support/temp_directory.h"

namespace io {
namespace {

using base::Code;

Task<std::string> read_all(Conn& conn) {
  std::string all, piece(4096, '\0');
  for (;;) {
    const std::size_t count = co_await conn.read_some(piece);
    if (count == 0) co_return all;
    all.append(piece, 0, count);
  }
}

// Sends back what comes, once.
Task<> echo(Listener& listener, Peer& peer) {
  auto conn = co_await listener.accept();
  peer = conn->peer();
  auto text = co_await read_all(*conn);
  co_await conn->write(text);
}

Task<std::string> ask(Dialer& dialer, std::string text) {
  auto conn = co_await dialer.dial();
  co_await conn->write(text);
  co_await conn->shutdown_write();
  co_return co_await read_all(*conn);
}

std::string round_trip(Loop& loop, Listener& listener, Dialer& dialer, Peer& peer,
                       std::string text) {
  auto main = [&]() -> Task<std::string> {
    TaskGroup group(loop);
    group.spawn("echo", echo(listener, peer));
    auto answer = co_await ask(dialer, text);
    co_await group.join();
    co_return answer;
  };
  return loop.run(main());
}

Code code_of(Loop& loop, Task<> task) {
  try {
    loop.run(std::move(task));
  } catch (const base::Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return Code::internal;
}

TEST(TcpConn, CarriesMegabytesBothWaysAndKnowsItsPeer) {
  Loop loop;
  auto listener = listen_tcp(loop, "127.0.0.1", 0);
  auto dialer = tcp_dialer("127.0.0.1", listener->port());
  Peer peer;
  const std::string text(5 << 20, 'x');
  EXPECT_EQ(round_trip(loop, *listener, *dialer, peer, text), text);
  EXPECT_TRUE(peer.address.starts_with("127.0.0.1:"));
  EXPECT_FALSE(peer.pid);
}

TEST(TcpConn, RefusedIsUnavailable) {
  Loop loop;
  std::uint16_t port = listen_tcp(loop, "127.0.0.1", 0)->port();
  auto task = [&]() -> Task<> { co_await connect_tcp("127.0.0.1", port); };
  EXPECT_EQ(code_of(loop, task()), Code::unavailable);
}

TEST(TcpConn, SeesThatThePeerHasEnded) {
  Loop loop;
  auto listener = listen_tcp(loop, "127.0.0.1", 0);
  auto main = [&]() -> Task<> {
    auto here = co_await connect_tcp("127.0.0.1", listener->port());
    auto there = co_await listener->accept();
    EXPECT_FALSE(here->ended());
    co_await there->write("unread");
    EXPECT_FALSE(here->ended());
    there->close();
    EXPECT_TRUE(here->ended());
    EXPECT_EQ(co_await read_all(*here), "unread");
  };
  loop.run(main());
}

TEST(TcpConn, CloseWakesAPendingReadWithUnavailable) {
  Loop loop;
  auto listener = listen_tcp(loop, "127.0.0.1", 0);
  std::optional<Code> code;
  auto main = [&]() -> Task<> {
    auto conn = co_await connect_tcp("127.0.0.1", listener->port());
    TaskGroup group(loop);
    auto reader = [&](Conn& from) -> Task<> {
      try {
        co_await read_all(from);
      } catch (const base::Error& error) {
        code = error.code();
      }
    };
    group.spawn("reader", reader(*conn));
    co_await yield();
    conn->close();
    co_await group.join();
  };
  loop.run(main());
  EXPECT_EQ(code, Code::unavailable);
}

TEST(Listener, ThatClosesSaysGone) {
  Loop loop;
  auto listener = listen_tcp(loop, "127.0.0.1", 0);
  std::optional<Code> code;
  auto main = [&]() -> Task<> {
    TaskGroup group(loop);
    auto acceptor = [&]() -> Task<> {
      try {
        co_await listener->accept();
      } catch (const base::Error& error) {
        code = error.code();
      }
    };
    group.spawn("acceptor", acceptor());
    co_await yield();
    listener->close();
    co_await group.join();
  };
  loop.run(main());
  EXPECT_EQ(code, Code::gone);
}

TEST(UnixConn, KnowsTheProcessAtTheOtherEnd) {
  Loop loop;
  test::TempDirectory folder;
  const std::string path = folder.path() + "/socket";
  auto listener = listen_unix(loop, path, 0600);
  struct stat status;
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  auto dialer = unix_dialer(path);
  Peer peer;
  EXPECT_EQ(round_trip(loop, *listener, *dialer, peer, "hello"), "hello");
  EXPECT_EQ(peer.address, "unix");
  EXPECT_EQ(peer.pid, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(peer.uid, getuid());
}

TEST(UnixConn, ReplacesAStaleSocketAndRefusesALongPath) {
  Loop loop;
  test::TempDirectory folder;
  const std::string path = folder.path() + "/socket";
  { auto first = listen_unix(loop, path, 0600); }
  EXPECT_NO_THROW(listen_unix(loop, path, 0600));
  EXPECT_THROW(listen_unix(loop, std::string(200, 'a'), 0600), base::Error);
}

TEST(AdoptedSockets, ServeAsOurOwn) {
  Loop loop;
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  auto here = adopt_conn(loop, pair[0]);
  auto there = adopt_conn(loop, pair[1]);
  auto main = [&]() -> Task<std::string> {
    co_await here->write("adopted");
    co_await here->shutdown_write();
    co_return co_await read_all(*there);
  };
  EXPECT_EQ(loop.run(main()), "adopted");

  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(::listen(fd, 4), 0);
  auto listener = listen_fd(loop, fd);
  auto dialer = tcp_dialer("127.0.0.1", listener->port());
  Peer peer;
  EXPECT_EQ(round_trip(loop, *listener, *dialer, peer, "hello"), "hello");
}

TEST(AdoptedSockets, RefuseWhatIsNoSocket) {
  Loop loop;
  EXPECT_THROW(listen_fd(loop, STDIN_FILENO + 1000), base::Error);
}

TEST(MemoryPipe, CarriesMoreThanItBuffersAndEnds) {
  Loop loop;
  auto main = [&]() -> Task<std::string> {
    auto [here, there] = memory_pipe();
    TaskGroup group(loop);
    auto writer = [](Conn& to) -> Task<> {
      const std::string much(1 << 20, 'y');
      co_await to.write(much);
      co_await to.shutdown_write();
    };
    group.spawn("writer", writer(*here));
    auto all = co_await read_all(*there);
    co_await group.join();
    co_return all;
  };
  EXPECT_EQ(loop.run(main()), std::string(1 << 20, 'y'));
}

TEST(MemoryPipe, ReadsWhatWasWrittenBeforeTheClose) {
  Loop loop;
  auto [here, there] = memory_pipe();
  auto main = [](Conn& from, Conn& to) -> Task<std::string> {
    co_await from.write("last words");
    from.close();
    co_return co_await read_all(to);
  };
  EXPECT_EQ(loop.run(main(*here, *there)), "last words");
  auto write = [](Conn& to) -> Task<> { co_await to.write("x"); };
  EXPECT_EQ(code_of(loop, write(*there)), Code::unavailable);
}

TEST(Resolve, TakesLiteralsAndLocalhostWithoutAsking) {
  Loop loop;
  using Names = std::vector<std::string>;
  EXPECT_EQ(loop.run(resolve("192.0.2.7")), Names{"192.0.2.7"});
  EXPECT_EQ(loop.run(resolve("2001:db8::1")), Names{"2001:db8::1"});
  EXPECT_EQ(loop.run(resolve("localhost")), Names{"127.0.0.1"});
}

TEST(Resolve, SaysWhyANameHasNoAddress) {
  Loop loop;
  auto task = []() -> Task<> { co_await resolve("no such name"); };
  try {
    loop.run(task());
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), Code::unavailable);
    EXPECT_TRUE(std::string_view(error.what()).starts_with("resolving no such name: "));
  }
}

TEST(HostDialer, ConnectsByName) {
  Loop loop;
  auto listener = listen_tcp(loop, "127.0.0.1", 0);
  auto dialer = host_dialer("localhost", listener->port());
  Peer peer;
  EXPECT_EQ(round_trip(loop, *listener, *dialer, peer, "hello"), "hello");
}

}  // namespace
}  // namespace io
