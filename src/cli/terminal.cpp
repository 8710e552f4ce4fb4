#include "cli/terminal.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/text.h"

namespace cli {

namespace {
constexpr std::size_t input_bytes_max = 16 * 1024 * 1024;

// Descriptors may be non-blocking: they are shared with whoever started us.
void wait_for(int fd, short event) {
  pollfd ready{fd, event, 0};
  ::poll(&ready, 1, -1);
}
}  // namespace

void Terminal::write(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote > 0) {
      text.remove_prefix(static_cast<std::size_t>(wrote));
    } else if (errno == EAGAIN) {
      wait_for(fd, POLLOUT);
    } else if (errno == EPIPE) {
      throw OutputClosed();
    } else if (errno != EINTR) {
      throw base::Error(base::Code::unavailable,
                        base::cat("writing the output: ", std::strerror(errno)));
    }
  }
}

void Terminal::note(std::string_view line) { write(err_, base::cat(line, "\n")); }

std::string Terminal::read_input() {
  std::string text;
  char buffer[64 * 1024];
  for (;;) {
    const ssize_t got = ::read(in_, buffer, sizeof buffer);
    if (got == 0) return text;
    if (got > 0) {
      text.append(buffer, static_cast<std::size_t>(got));
    } else if (errno == EAGAIN) {
      wait_for(in_, POLLIN);
    } else if (errno != EINTR) {
      throw base::Error(base::Code::unavailable,
                        base::cat("reading standard input: ", std::strerror(errno)));
    }
    if (text.size() > input_bytes_max)
      throw base::Error(base::Code::invalid, "standard input is longer than 16 MiB");
  }
}

bool Terminal::output_is_terminal() const { return ::isatty(out_) == 1; }
bool Terminal::notes_are_on_terminal() const { return ::isatty(err_) == 1; }

}  // namespace cli
