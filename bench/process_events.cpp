#include "process_events.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "base/error.h"
#include "base/text.h"

namespace bench {

namespace {

constexpr int receive_bytes = 8 * 1024 * 1024;

void subscribe(int socket) {
  const proc_cn_mcast_op operation = PROC_CN_MCAST_LISTEN;
  constexpr std::size_t size = NLMSG_LENGTH(sizeof(cn_msg) + sizeof operation);
  alignas(nlmsghdr) char bytes[size] = {};
  auto* header = reinterpret_cast<nlmsghdr*>(bytes);
  header->nlmsg_len = size;
  header->nlmsg_type = NLMSG_DONE;
  auto* message = static_cast<cn_msg*>(NLMSG_DATA(header));
  message->id = {CN_IDX_PROC, CN_VAL_PROC};
  message->len = sizeof operation;
  std::memcpy(message->data, &operation, sizeof operation);
  if (::send(socket, bytes, size, 0) < 0) io::throw_errno("asking", "the proc connector");
}

}  // namespace

double now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

bool is(const Program& program, const ProcessEvent& event) {
  if (event.what != ProcessEvent::What::exec) return false;
  try {
    std::string words = io::read_file(base::cat("/proc/", event.pid, "/cmdline"));
    if (words.ends_with('\0')) words.pop_back();
    std::ranges::replace(words, '\0', ' ');
    return words == program.command_line &&
           io::read_file(base::cat("/proc/", event.pid, "/cgroup")).contains(program.group);
  } catch (const base::Error&) {
    return false;
  }
}

ProcessEvents::ProcessEvents()
    : socket_(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR)) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = CN_IDX_PROC;
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof receive_bytes);
  if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
    throw base::Error(base::Code::denied,
                      base::cat("no events of processes: ", std::strerror(errno)));
  subscribe(socket_.get());
}

ProcessEvent ProcessEvents::next(double until_ms) {
  for (;;) {
    pollfd ready{socket_.get(), POLLIN, 0};
    const int wait = std::max(0, static_cast<int>(until_ms - now_ms()) + 1);
    if (::poll(&ready, 1, wait) == 0)
      throw base::Error(base::Code::timeout, "the process that was waited for did not come");
    alignas(nlmsghdr) char bytes[4096];
    const ssize_t size = ::recv(socket_.get(), bytes, sizeof bytes, 0);
    if (size < 0) {
      if (errno == EINTR) continue;
      throw base::Error(base::Code::internal,
                        base::cat("events of processes: ", std::strerror(errno)));
    }
    proc_event event{};
    constexpr std::size_t head = NLMSG_LENGTH(sizeof(cn_msg));
    if (static_cast<std::size_t>(size) <= head) continue;
    std::memcpy(&event, bytes + head,
                std::min(sizeof event, static_cast<std::size_t>(size) - head));
    const double at = static_cast<double>(event.timestamp_ns) / 1e6;
    if (event.what == proc_event::PROC_EVENT_EXEC)
      return {ProcessEvent::What::exec, event.event_data.exec.process_tgid, 0, at};
    const auto& fork = event.event_data.fork;
    if (event.what == proc_event::PROC_EVENT_FORK && fork.child_pid == fork.child_tgid)
      return {ProcessEvent::What::fork, fork.child_tgid, fork.parent_tgid, at};
  }
}

ProcessEvent ProcessEvents::next_exec(const Program& program, double until_ms) {
  for (;;) {
    const ProcessEvent event = next(until_ms);
    if (is(program, event)) return event;
  }
}

void ProcessEvents::forget() {
  char bytes[4096];
  while (::recv(socket_.get(), bytes, sizeof bytes, MSG_DONTWAIT) >= 0 || errno == ENOBUFS) {}
}

}  // namespace bench
