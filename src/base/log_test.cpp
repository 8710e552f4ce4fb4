#include "base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "base/json.h"
#include "support/virtual_clock.h"

namespace base {
namespace {

// What a log writes into a pipe.
class Captured {
 public:
  Captured() { [[maybe_unused]] int made = ::pipe(ends_.data()); }
  ~Captured() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  int fd() const { return ends_[1]; }
  std::string read() {
    char buffer[64 * 1024];
    auto n = ::read(ends_[0], buffer, sizeof buffer);
    return {buffer, std::size_t(n > 0 ? n : 0)};
  }

 private:
  std::array<int, 2> ends_{};
};

TEST(StreamLog, WritesOneJsonLinePerEvent) {
  test::VirtualClock clock;
  Captured out;
  StreamLog log(clock, "node", out.fd(), StreamLog::Form::json);
  log.warn("two\nlines", {{"run", "a\"b"}});
  std::string line = out.read();
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(parse_json(line), parse_json(R"({"time":"2026-01-02T03:04:05.000Z","level":"warn",
      "msg":"two\nlines","component":"node","run":"a\"b"})"));
}

TEST(StreamLog, CutsWhatOthersHaveSaidAtLength) {
  test::VirtualClock clock;
  Captured out;
  StreamLog log(clock, "node", out.fd(), StreamLog::Form::json);
  log.warn("refused", {{"error", std::string(20'000, 'x')}});
  EXPECT_LT(out.read().size(), 9'000u);
}

TEST(StreamLog, LeavesOutWhatIsBelowItsLevel) {
  test::VirtualClock clock;
  Captured out;
  StreamLog log(clock, "node", out.fd(), StreamLog::Form::text, Level::warn);
  log.debug("no");
  log.info("no");
  log.error("yes", {{"pod", "p"}});
  EXPECT_EQ(out.read(), "03:04:05.000 error node: yes pod=p\n");
}

}  // namespace
}  // namespace base
