// What the journal has, through the Kubernetes API (protocol/journal_api.h).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/session.h"
#include "journal/export.h"

namespace cli {

// A run as the journal recorded it, by name or UID; whole and verified.
io::Task<journal::ExportedRun> get_recorded(Session&, std::string run);

// `logs --steps`.
io::Task<int> print_transcript(Session&, std::string run);

// The lines of a stream, one by one, without line breaks.
io::Task<> read_lines(kube::LogStream&, std::function<void(std::string_view)> line);
// A run as a file (journal/export.h).
io::Task<std::unique_ptr<kube::LogStream>> open_export(Session&, std::string run);

std::string read_export_file(Terminal&, const std::string& file);  // "-": standard input

// A line of JSON as it is; on a terminal without what would steer it.
void print_json_line(Session&, std::string_view line);

// Runs a task until it ends or the user wants to leave; true when it has ended.
enum class Ended : bool { left, done };
io::Task<Ended> until_left(Session&, io::Task<>);

}  // namespace cli
