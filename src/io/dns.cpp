#include <ares.h>
#include <arpa/inet.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/text.h"
#include "io/conn.h"
#include "io/loop_impl.h"
#include "io/sync.h"

namespace io {

namespace {

bool is_literal(const std::string& name) {
  in6_addr any;
  return inet_pton(AF_INET, name.c_str(), &any) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &any) == 1;
}

// RFC 6761 §6.3: never asked of a server.
bool is_localhost(std::string_view name) {
  return name == "localhost" || name.ends_with(".localhost");
}

struct Answer {
  bool done = false;
  int status = ARES_SUCCESS;
  std::vector<std::string> addresses;
};

void take_answer(void* to, int status, int, ares_addrinfo* found) {
  if (status == ARES_EDESTRUCTION) return;  // the asking task is gone
  auto& answer = *static_cast<Answer*>(to);
  answer.done = true;
  answer.status = status;
  if (!found) return;
  for (auto* node = found->nodes; node; node = node->ai_next) {
    char text[INET6_ADDRSTRLEN];
    const void* address =
        node->ai_family == AF_INET
            ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(node->ai_addr)->sin_addr)
            : &reinterpret_cast<sockaddr_in6*>(node->ai_addr)->sin6_addr;
    if (inet_ntop(node->ai_family, address, text, sizeof text)) answer.addresses.push_back(text);
  }
  ares_freeaddrinfo(found);
}

// One question. Its channel reads resolv.conf anew, so that a changed file is honoured.
class Question {
 public:
  explicit Question(const std::string& name) {
    static const int initialised = ares_library_init(ARES_LIB_INIT_ALL);
    ares_options options{};
    char lookups[] = "fb";  // the hosts file, then DNS, whatever nsswitch.conf says
    options.lookups = lookups;
    const int status = initialised != ARES_SUCCESS
                           ? initialised
                           : ares_init_options(&channel_, &options, ARES_OPT_LOOKUPS);
    if (status != ARES_SUCCESS)
      throw base::Error(base::Code::unavailable,
                        base::cat("starting the resolver: ", ares_strerror(status)));
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, take_answer, &answer_);
  }
  Question(const Question&) = delete;
  ~Question() { ares_destroy(channel_); }

  const Answer& answer() const { return answer_; }

  // Waits until a socket of the channel has news or a try has timed out, and lets c-ares go on.
  Task<> step() {
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    const int wanted = ares_getsock(channel_, sockets, ARES_GETSOCK_MAXNUM);
    timeval longest{1, 0};
    const timeval* next = ares_timeout(channel_, &longest, &longest);

    auto executor = co_await asio::this_coro::executor;
    auto news = std::make_shared<Event>();
    auto wake = [news](boost::system::error_code) { news->set(); };
    asio::steady_timer timer(
        executor, std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec));
    timer.async_wait(wake);
    // Duplicates: c-ares closes its own sockets when it likes.
    std::vector<asio::posix::stream_descriptor> watched;
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
      const bool readable = ARES_GETSOCK_READABLE(wanted, i);
      const bool writable = ARES_GETSOCK_WRITABLE(wanted, i);
      if (!readable && !writable) continue;
      auto& descriptor = watched.emplace_back(executor, ::dup(sockets[i]));
      if (readable) descriptor.async_wait(asio::posix::descriptor_base::wait_read, wake);
      if (writable) descriptor.async_wait(asio::posix::descriptor_base::wait_write, wake);
    }
    co_await news->wait();
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
      const auto none = ARES_SOCKET_BAD;
      ares_process_fd(channel_, ARES_GETSOCK_READABLE(wanted, i) ? sockets[i] : none,
                      ARES_GETSOCK_WRITABLE(wanted, i) ? sockets[i] : none);
    }
  }

 private:
  ares_channel channel_ = nullptr;
  Answer answer_;
};

class HostDialer final : public Dialer {
 public:
  HostDialer(std::string name, std::uint16_t port) : name_(std::move(name)), port_(port) {}

  Task<std::unique_ptr<Conn>> dial() override {
    auto addresses = co_await resolve(name_);
    std::string last;
    for (const auto& address : addresses) {
      try {
        co_return co_await connect_tcp(address, port_);
      } catch (const base::Error& error) {
        if (error.code() != base::Code::unavailable) throw;
        last = error.what();
      }
    }
    throw base::Error(base::Code::unavailable, base::cat("connecting to ", name_, ": ", last));
  }

 private:
  std::string name_;
  std::uint16_t port_;
};

}  // namespace

Task<std::vector<std::string>> resolve(std::string name) {
  if (is_literal(name)) co_return std::vector<std::string>{name};
  if (is_localhost(name)) co_return std::vector<std::string>{"127.0.0.1"};
  Question question(name);
  while (!question.answer().done) co_await question.step();
  const Answer& answer = question.answer();
  if (answer.status != ARES_SUCCESS)
    throw base::Error(base::Code::unavailable,
                      base::cat("resolving ", name, ": ", ares_strerror(answer.status)));
  co_return answer.addresses;
}

std::unique_ptr<Dialer> host_dialer(std::string name, std::uint16_t port) {
  return std::make_unique<HostDialer>(std::move(name), port);
}

}  // namespace io
