// export, import: a run as a file.
#include "base/text.h"
#include "cli/recorded.h"
#include "cli/render.h"
#include "protocol/journal_api.h"

namespace cli {

using base::cat;
using base::Json;
using base::text_at;

io::Task<int> execute(Session& session, ExportOptions options) {
  if (session.terminal.output_is_terminal())
    throw base::Error(base::Code::invalid,
                      cat("an export is for a file; write it to one: sympozium export ",
                          options.run, " > run.ndjson"));
  auto stream = co_await open_export(session, options.run);
  journal::ExportReader reader;
  co_await read_lines(*stream, [&](std::string_view line) {
    reader.add(line);
    session.terminal.print(cat(line, "\n"));
  });
  const auto run = reader.finish();
  session.terminal.note(cat(counted(run.events.size(), "event"), ", ",
                            counted(run.blobs.size(), "content"), ", verified"));
  co_return exit_ok;
}

io::Task<int> execute(Session& session, ImportOptions options) {
  std::string text = read_export_file(session.terminal, options.file);
  journal::read_export(text);  // what is wrong is told before anything is sent
  Json record = co_await session.raw.post_path(protocol::journal_path(session.ns, "runrecords"),
                                               "application/x-ndjson", std::move(text));
  const std::string name = cat("runrecord.", protocol::journal_group, "/",
                               printable(text_at(record, {"metadata", "name"})));
  if (session.output == Output::text)
    session.terminal.print(
        cat(name, " imported (uid ", text_at(record, {"metadata", "uid"}), ")\n"));
  else if (session.output == Output::name)
    session.terminal.print(name + "\n");
  else
    session.terminal.print(format_objects({std::move(record)}, session.output));
  co_return exit_ok;
}

}  // namespace cli
