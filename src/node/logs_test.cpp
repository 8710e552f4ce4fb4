#include "node/logs.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>

#include "io/file.h"
#include "node/container_store.h"
#include "node/shim/log_writer.h"
#include "node/shim/orders.h"

namespace node {
namespace {

constexpr std::int64_t now_ns = 1'767'323'045'000'000'007;

class Logs : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sympozium-logs-XXXXXX";
    directory = ::mkdtemp(name);
    file = directory + "/0.log";
  }
  void TearDown() override { std::filesystem::remove_all(directory); }
  std::string directory, file;
};

TEST_F(Logs, AreWrittenInCriFormat) {
  shim::LogWriter writer(file);
  writer.add(shim::Stream::out, "one\ntw", now_ns);
  writer.add(shim::Stream::err, "oops\n", now_ns);
  writer.add(shim::Stream::out, "o\nthree", now_ns);
  writer.finish(now_ns);
  EXPECT_EQ(io::read_file(file),
            "2026-01-02T03:04:05.000000007Z stdout F one\n"
            "2026-01-02T03:04:05.000000007Z stderr F oops\n"
            "2026-01-02T03:04:05.000000007Z stdout F two\n"
            "2026-01-02T03:04:05.000000007Z stdout P three\n");
  EXPECT_EQ(read_log({file}, {}), "one\noops\ntwo\nthree");
}

TEST_F(Logs, JoinLongLinesAgain) {
  const std::string line(40'000, 'x');
  shim::LogWriter writer(file);
  writer.add(shim::Stream::out, line + "\n" + "y\n", now_ns);
  EXPECT_EQ(read_log({file}, {}), line + "\ny\n");
}

TEST_F(Logs, KeepALineOfExactlyOnePartWhole) {
  const std::string line(shim::LogWriter::part_bytes, 'x');
  shim::LogWriter writer(file);
  writer.add(shim::Stream::out, line + "\n", now_ns);
  EXPECT_EQ(read_log({file}, {}), line + "\n");
}

TEST_F(Logs, AreBounded) {
  shim::LogWriter writer(file);
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 30; ++i) writer.add(shim::Stream::out, piece + "\n", now_ns);
  EXPECT_LE(std::filesystem::file_size(file), shim::LogWriter::file_bytes);
  EXPECT_LE(std::filesystem::file_size(file + ".1"), shim::LogWriter::file_bytes);
}

TEST_F(Logs, AreShownAsAsked) {
  io::write_file(file,
                 "2026-01-02T03:04:05.000000000Z stdout F one\n"
                 "2026-01-02T03:04:06.000000000Z stdout F two\n"
                 "2026-01-02T03:04:07.000000000Z stdout F three\n",
                 0600);
  LogOptions options;
  options.tail_lines = 2;
  EXPECT_EQ(read_log({file}, options), "two\nthree\n");
  options.tail_lines = 0;
  EXPECT_EQ(read_log({file}, options), "");
  options.tail_lines = 9;
  EXPECT_EQ(read_log({file}, options), "one\ntwo\nthree\n");
  options = {};
  options.limit_bytes = 5;
  EXPECT_EQ(read_log({file}, options), "one\nt");
  options = {};
  options.since = base::parse_time("2026-01-02T03:04:07Z");
  options.timestamps = true;
  EXPECT_EQ(read_log({file}, options), "2026-01-02T03:04:07.000000000Z three\n");
  EXPECT_EQ(read_log({directory + "/absent"}, {}), "");
}

TEST(LogOptions, NameABadParameter) {
  const auto target = io::parse_target("/containerLogs/a/b/c?tailLines=many");
  try {
    parse_log_options(target, base::Time{});
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("tailLines"));
  }
}

TEST(Orders, ComeBackAsTheyWere) {
  const auto run =
      std::get<shim::Run>(shim::decode_order(shim::encode(shim::Run{"a", "/b", "/l"})));
  EXPECT_EQ(run.bundle, "/b");
  const auto kill = std::get<shim::Kill>(shim::decode_order(shim::encode(shim::Kill{"a", 9})));
  EXPECT_EQ(kill.signal, 9);
  const shim::Record record{"a", shim::State::exited, 0, 1, 2, 137, 9, "why"};
  EXPECT_EQ(shim::decode_record(shim::encode(record)), record);
  EXPECT_EQ(shim::decode_record(shim::ready_line), std::nullopt);
  EXPECT_THROW(shim::decode_order(R"({"do":"dance","id":"a"})"), base::Error);
  EXPECT_THROW(shim::decode_order(R"({"do":"run","id":"a"})"), base::Error);
}

TEST_F(Logs, TerminationMessageIsTextWhateverTheContainerWrote) {
  const Bundle bundle{directory, file, directory + "/termination"};
  io::write_file(bundle.termination, "\xff\xfe it broke \xe2\x82", 0666);
  EXPECT_EQ(termination_message(bundle, false), "\uFFFD\uFFFD it broke \uFFFD\uFFFD");
  io::write_file(bundle.termination, std::string(5000, '\xff'), 0666);
  EXPECT_LE(termination_message(bundle, false).size(), 4096u);
}

}  // namespace
}  // namespace node
