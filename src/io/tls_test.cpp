#include "io/tls.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "io/crypto.h"
#include "io/http.h"
#include "io/sync.h"

namespace io {
namespace {

using base::Code;
using base::Error;
using Use = CertificateRequest::Use;

struct Authority {
  explicit Authority(std::string name) : key(make_p256_key()) {
    CertificateRequest request = describe(std::move(name), Use::ca);
    certificate = issue_certificate(request, key, "", {});
  }

  static CertificateRequest describe(std::string name, Use use) {
    CertificateRequest request{.common_name = std::move(name), .use = use};
    const auto now = std::chrono::floor<base::Duration>(std::chrono::system_clock::now());
    request.not_before = now - std::chrono::hours(1);
    request.not_after = now + std::chrono::hours(1);
    return request;
  }

  Identity issue(const CertificateRequest& request) const {
    auto own = make_p256_key();
    return {issue_certificate(request, own, certificate, key), own};
  }

  base::Secret<std::string> key;
  std::string certificate;
};

// What became of a handshake: both ends, or what each was told.
struct Outcome {
  std::unique_ptr<Conn> client, server;
  std::string client_error, server_error;
  std::optional<Code> client_code, server_code;
};

struct TlsTest : testing::Test {
  Loop loop;
  Authority ca{"authority"};
  TlsServer server{.identity = server_identity()};
  TlsClient client{.ca_pem = ca.certificate, .server_name = "server.test"};

  Identity server_identity() {
    auto request = Authority::describe("server", Use::server);
    request.dns_names = {"server.test", "*.many.test"};
    request.ips = {"127.0.0.1"};
    return ca.issue(request);
  }

  static Identity user_identity(const Authority& from) {
    auto request = Authority::describe("alice", Use::client);
    request.organizations = {"system:masters", "developers"};
    return from.issue(request);
  }

  Task<> half(Task<std::unique_ptr<Conn>> shake, std::unique_ptr<Conn>& conn, std::string& error,
              std::optional<Code>& code) {
    try {
      conn = co_await std::move(shake);
    } catch (const Error& failed) {
      error = failed.what();
      code = failed.code();
    }
  }

  Outcome shake_hands() {
    auto client_context = make_context(client);
    auto server_context = make_context(server);
    Outcome out;
    auto main = [&]() -> Task<> {
      auto [here, there] = memory_pipe();
      TaskGroup group(loop);
      group.spawn("server", half(tls_accept(std::move(there), server_context), out.server,
                                 out.server_error, out.server_code));
      group.spawn("client", half(tls_connect(std::move(here), client_context), out.client,
                                 out.client_error, out.client_code));
      co_await group.join();
    };
    loop.run(main());
    return out;
  }
};

Task<std::string> read_all(Conn& conn) {
  std::string all, piece(16384, '\0');
  for (;;) {
    const std::size_t count = co_await conn.read_some(piece);
    if (count == 0) co_return all;
    all.append(piece, 0, count);
  }
}

Task<> write_and_end(Conn& conn, std::string text) {
  co_await conn.write(text);
  co_await conn.shutdown_write();
}

TEST_F(TlsTest, CarriesMegabytesBothWaysAtOnce) {
  auto out = shake_hands();
  ASSERT_TRUE(out.client && out.server) << out.client_error << out.server_error;
  EXPECT_FALSE(out.server->peer().common_name);
  const std::string up(5 << 20, 'u'), down(5 << 20, 'd');
  auto main = [&]() -> Task<> {
    TaskGroup group(loop);
    auto read = [](Conn& from, const std::string& expected) -> Task<> {
      auto all = co_await read_all(from);
      EXPECT_TRUE(all == expected) << all.size();
    };
    group.spawn("up", write_and_end(*out.client, up));
    group.spawn("down", write_and_end(*out.server, down));
    group.spawn("read up", read(*out.server, up));
    group.spawn("read down", read(*out.client, down));
    co_await group.join();
  };
  loop.run(main());
}

TEST_F(TlsTest, AnEndedDirectionLeavesTheOtherOpen) {
  auto out = shake_hands();
  auto main = [&]() -> Task<> {
    co_await out.client->shutdown_write();
    auto asked = co_await read_all(*out.server);
    EXPECT_EQ(asked, "");
    co_await write_and_end(*out.server, "answer");
    auto answer = co_await read_all(*out.client);
    EXPECT_EQ(answer, "answer");
  };
  loop.run(main());
}

TEST_F(TlsTest, AStreamCutOffIsNotAnEnd) {
  auto out = shake_hands();
  auto main = [&]() -> Task<> {
    out.server->close();
    co_await read_all(*out.client);
  };
  try {
    loop.run(main());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::unavailable);
    EXPECT_NE(std::string(error.what()).find("close_notify"), std::string::npos);
  }
}

TEST_F(TlsTest, CloseWakesReaderAndWriter) {
  auto out = shake_hands();
  int told = 0;
  auto main = [&]() -> Task<> {
    TaskGroup group(loop);
    auto expect_unavailable = [&](Task<> task) -> Task<> {
      try {
        co_await std::move(task);
      } catch (const Error& error) {
        told += error.code() == Code::unavailable;
      }
    };
    auto read = [](Conn& conn) -> Task<> { co_await read_all(conn); };
    group.spawn("reader", expect_unavailable(read(*out.client)));
    // More than the pipe holds, by two tasks that write in turns.
    group.spawn("writer",
                expect_unavailable(write_and_end(*out.client, std::string(1 << 20, 'a'))));
    group.spawn("second",
                expect_unavailable(write_and_end(*out.client, std::string(1 << 20, 'b'))));
    for (int i = 0; i < 10; ++i) co_await yield();
    out.client->close();
    co_await group.join();
  };
  loop.run(main());
  EXPECT_EQ(told, 3);
}

TEST_F(TlsTest, AStoppedWriteEndsTheConnection) {
  auto out = shake_hands();
  auto main = [&]() -> Task<> {
    TaskGroup group(loop);
    group.spawn("writer", write_and_end(*out.client, std::string(1 << 20, 'a')));
    for (int i = 0; i < 10; ++i) co_await yield();
    group.stop();
    co_await group.join();
    co_await out.client->write("half a record may be out");
  };
  try {
    loop.run(main());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::unavailable);
  }
}

TEST_F(TlsTest, AStoppedReadLeavesTheConnectionWhole) {
  auto out = shake_hands();
  auto main = [&]() -> Task<std::string> {
    TaskGroup group(loop);
    auto read = [](Conn& conn) -> Task<> { co_await read_all(conn); };
    group.spawn("reader", read(*out.client));
    co_await yield();
    group.stop();
    co_await group.join();
    co_await write_and_end(*out.server, "after all");
    co_return co_await read_all(*out.client);
  };
  EXPECT_EQ(loop.run(main()), "after all");
}

// ---- certificates ----

TEST_F(TlsTest, ReadsWhoTheClientIs) {
  server.client_ca_pem = ca.certificate;
  client.identity = user_identity(ca);
  auto out = shake_hands();
  ASSERT_TRUE(out.server) << out.server_error;
  EXPECT_EQ(out.server->peer().common_name, "alice");
  EXPECT_EQ(out.server->peer().organizations,
            (std::vector<std::string>{"system:masters", "developers"}));
}

TEST_F(TlsTest, AClientNeedsNoCertificate) {
  server.client_ca_pem = ca.certificate;
  auto out = shake_hands();
  ASSERT_TRUE(out.client && out.server);
  EXPECT_FALSE(out.server->peer().common_name);
}

TEST_F(TlsTest, AClientCertificateThatNobodyAskedForIsNotSent) {
  client.identity = user_identity(ca);
  auto out = shake_hands();
  ASSERT_TRUE(out.server);
  EXPECT_FALSE(out.server->peer().common_name);
}

TEST_F(TlsTest, RefusesAClientOfAnotherAuthority) {
  server.client_ca_pem = ca.certificate;
  Authority other("other");
  client.identity = user_identity(other);
  auto out = shake_hands();
  EXPECT_EQ(out.server_code, Code::denied);
  EXPECT_EQ(out.server_error,
            "TLS handshake with the client: certificate not accepted: "
            "unable to get local issuer certificate");
  // With TLS 1.3 the client is done before the server looks: it learns at its first read.
  ASSERT_TRUE(out.client);
  auto read = [&]() -> Task<> { co_await read_all(*out.client); };
  try {
    loop.run(read());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::denied);
    EXPECT_NE(std::string(error.what()).find("unknown ca"), std::string::npos) << error.what();
  }
}

TEST_F(TlsTest, RefusesAServerCertificateAsClient) {
  server.client_ca_pem = ca.certificate;
  client.identity = server_identity();
  EXPECT_EQ(shake_hands().server_code, Code::denied);
}

TEST_F(TlsTest, RefusesAServerOfAnotherAuthority) {
  client.ca_pem = Authority("other").certificate;
  auto out = shake_hands();
  EXPECT_EQ(out.client_code, Code::denied);
  EXPECT_EQ(out.client_error,
            "TLS handshake with server.test: certificate not accepted: "
            "unable to get local issuer certificate");
  EXPECT_EQ(out.server_code, Code::denied);
  EXPECT_NE(out.server_error.find("refused our certificate"), std::string::npos);
}

TEST_F(TlsTest, ChecksTheServersName) {
  struct Case {
    const char* name;
    std::optional<Code> code;
  };
  for (const auto& [name, code] :
       {Case{"server.test", {}}, Case{"a.many.test", {}}, Case{"127.0.0.1", {}},
        Case{"other.test", Code::denied}, Case{"a.b.many.test", Code::denied},
        Case{"127.0.0.2", Code::denied}, Case{"::1", Code::denied}}) {
    client.server_name = name;
    auto out = shake_hands();
    EXPECT_EQ(out.client_code, code) << name << ": " << out.client_error;
  }
}

TEST_F(TlsTest, SaysThatTheNameWasWrong) {
  client.server_name = "other.test";
  EXPECT_EQ(shake_hands().client_error,
            "TLS handshake with other.test: certificate not accepted: hostname mismatch");
}

TEST_F(TlsTest, RefusesAnExpiredServer) {
  auto request = Authority::describe("server", Use::server);
  request.dns_names = {"server.test"};
  request.not_after = request.not_before + std::chrono::minutes(1);
  server.identity = ca.issue(request);
  auto out = shake_hands();
  EXPECT_EQ(out.client_code, Code::denied);
  EXPECT_NE(out.client_error.find("certificate has expired"), std::string::npos);
}

TEST_F(TlsTest, AcceptsAnythingWhenToldTo) {
  client = {.insecure_skip_verify = true};
  EXPECT_TRUE(shake_hands().client);
}

TEST_F(TlsTest, AVerifyingClientNeedsAName) {
  client.server_name = "";
  auto context = make_context(client);
  auto [here, there] = memory_pipe();
  EXPECT_THROW(loop.run(tls_connect(std::move(here), context)), Error);
}

TEST_F(TlsTest, NonsenseInsteadOfAHandshakeIsUnavailable) {
  auto context = make_context(server);
  auto [here, there] = memory_pipe();
  auto main = [&](Conn& raw, std::unique_ptr<Conn> conn) -> Task<> {
    co_await raw.write("GET / HTTP/1.1\r\n\r\n");
    co_await tls_accept(std::move(conn), context);
  };
  try {
    loop.run(main(*here, std::move(there)));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::unavailable) << error.what();
  }
}

TEST_F(TlsTest, RefusesUnusablePem) {
  TlsServer bad = server;
  bad.identity.key_pem = make_p256_key();
  EXPECT_THROW(make_context(bad), Error);
  bad = server;
  bad.identity.certificate_pem = "no certificate";
  EXPECT_THROW(make_context(bad), Error);
  bad = server;
  bad.client_ca_pem = server.identity.certificate_pem.substr(0, 200);
  EXPECT_THROW(make_context(bad), Error);
  TlsClient wrong = client;
  wrong.ca_pem = "nothing";
  EXPECT_THROW(make_context(wrong), Error);
}

// ---- HTTP over it ----

struct NoLog final : base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

TEST_F(TlsTest, CarriesHttpWithAWatchThatReadsWhileItWrites) {
  SystemClock clock(loop);
  NoLog log;
  server.client_ca_pem = ca.certificate;
  client.identity = user_identity(ca);
  client.server_name = "127.0.0.1";
  auto listener = listen_tcp(loop, "127.0.0.1", 0);
  bool gone = false;
  auto handler = [&](Exchange& exchange) -> Task<> {
    if (exchange.target() == "/watch") {
      co_await exchange.begin(200, {});
      TaskGroup both(loop);
      auto watch_client = [&](TaskGroup& group) -> Task<> {
        co_await exchange.client_gone();
        gone = true;
        group.stop();
      };
      auto events = [&]() -> Task<> {
        for (int i = 0; i < 100; ++i) {
          const std::string event(10'000, 'e');
          co_await exchange.send(event);
        }
        Event never;
        co_await never.wait();
      };
      both.spawn("gone", watch_client(both));
      both.spawn("events", events());
      co_await both.join();
      co_return;
    }
    Response response;
    response.body = exchange.peer().common_name.value_or("nobody");
    co_await exchange.respond(response);
  };
  HttpServer http(loop, clock, log, {}, handler);
  auto context = make_context(client);
  HttpClient asking(loop, clock, tls_dialer(tcp_dialer("127.0.0.1", listener->port()), context),
                    "127.0.0.1");
  auto main = [&]() -> Task<> {
    TaskGroup serving(loop);
    serving.spawn("server", http.serve(*listener, make_context(server)));
    for (int i = 0; i < 3; ++i) {
      auto response = co_await asking.send({}, std::chrono::seconds(10));
      EXPECT_EQ(response.body, "alice");
    }
    Request watch{"GET", "/watch", {}, {}};
    auto stream = co_await asking.open(watch, std::chrono::seconds(10));
    std::size_t seen = 0;
    while (seen < 1'000'000) {
      auto piece = co_await stream->next();
      seen += piece->size();
    }
    stream.reset();
    while (!gone) co_await yield();
    serving.stop();
    try {
      co_await serving.join();
    } catch (const Error&) {}
  };
  loop.run(main());
  EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace io
