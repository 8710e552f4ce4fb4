// export, import, audit verify: a run as a file.
#include "base/text.h"
#include "cli/recorded.h"
#include "cli/render.h"
#include "io/file.h"
#include "protocol/journal_api.h"

namespace cli {

using base::cat;
using base::Json;
using base::text_at;

namespace {

constexpr std::size_t file_bytes_max = std::size_t{1} << 30;

std::string read_export_file(Terminal& terminal, const std::string& file) {
  return file == "-" ? terminal.read_input() : io::read_file(file, file_bytes_max);
}

std::string counted(std::size_t number, std::string_view what) {
  return cat(number, " ", what, number == 1 ? "" : "s");
}

}  // namespace

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

int verify(Terminal& terminal, const VerifyOptions& options, Output output) {
  std::string fault;
  journal::ExportedRun run;
  const std::string text = read_export_file(terminal, options.file);
  try {
    run = journal::read_export(text);
  } catch (const base::Error& error) {
    fault = printable(error.what());
  }
  std::size_t erased_bodies = 0;
  for (const auto& event : run.events) erased_bodies += event.body.empty();
  if (output == Output::json) {
    base::JsonObject out{{"file", options.file}, {"valid", fault.empty()}};
    if (fault.empty()) {
      out["run"] = run.events.empty() ? "" : run.events.front().run;
      out["events"] = run.events.size();
      out["contents"] = run.blobs.size();
      out["erased"] = erased_bodies + run.erased.size();
    } else {
      out["fault"] = fault;
    }
    terminal.print(base::to_text(out) + "\n");
  } else if (fault.empty()) {
    terminal.print(cat(options.file, ": sound: ", counted(run.events.size(), "event"), ", ",
                       counted(run.blobs.size(), "content"),
                       erased_bodies + run.erased.size() == 0
                           ? ""
                           : cat(", ", erased_bodies + run.erased.size(), " erased"),
                       "\n"));
  } else {
    terminal.print(cat(options.file, ": changed: ", fault, "\n"));
  }
  return fault.empty() ? exit_ok : exit_error;
}

io::Task<int> execute(Session& session, VerifyOptions options) {
  co_return verify(session.terminal, options, session.output);
}

}  // namespace cli
