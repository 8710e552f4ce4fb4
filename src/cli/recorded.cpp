#include "cli/recorded.h"

#include "base/encoding.h"
#include "base/text.h"
#include "cli/render.h"
#include "io/file.h"
#include "io/http.h"
#include "protocol/journal_api.h"

namespace cli {

namespace {
constexpr std::size_t line_bytes_max = 64 * 1024 * 1024;  // one content of a run may be all of it
constexpr std::size_t file_bytes_max = std::size_t{1} << 30;
}  // namespace

io::Task<> read_lines(kube::LogStream& stream, std::function<void(std::string_view)> line) {
  io::LineSplitter lines(line_bytes_max);
  for (;;) {
    auto piece = co_await stream.next();
    if (!piece) break;
    lines.add(*piece);
    while (auto one = lines.next()) line(*one);
  }
  if (auto rest = lines.rest(); !rest.empty()) line(rest);
}

io::Task<std::unique_ptr<kube::LogStream>> open_export(Session& session, std::string run) {
  std::string path =
      protocol::journal_path(session.ns, "runrecords", base::url_escape(run) + "/export");
  auto stream = co_await session.raw.open_path(std::move(path));
  co_return stream;
}

io::Task<journal::ExportedRun> get_recorded(Session& session, std::string run) {
  auto stream = co_await open_export(session, std::move(run));
  journal::ExportReader reader;
  co_await read_lines(*stream, [&](std::string_view line) { reader.add(line); });
  co_return reader.finish();
}

std::string read_export_file(Terminal& terminal, const std::string& file) {
  return file == "-" ? terminal.read_input() : io::read_file(file, file_bytes_max);
}

void print_json_line(Session& session, std::string_view line) {
  session.terminal.print(session.terminal.output_is_terminal() ? printable(line) + "\n"
                                                               : base::cat(line, "\n"));
}

io::Task<Ended> until_left(Session& session, io::Task<> task) {
  Ended ended = Ended::left;
  io::TaskGroup group(session.loop);
  auto work = [](io::Task<> inner, io::TaskGroup& tasks, Ended& how) -> io::Task<> {
    co_await std::move(inner);
    how = Ended::done;
    tasks.stop();
  };
  auto leave = [](Session& s, io::TaskGroup& tasks) -> io::Task<> {
    co_await s.interrupted();
    tasks.stop();
  };
  group.spawn("work", work(std::move(task), group, ended));
  group.spawn("leave", leave(session, group));
  co_await group.join();
  co_return ended;
}

}  // namespace cli
