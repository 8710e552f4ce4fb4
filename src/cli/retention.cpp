// erase, forget: what was recorded, taken away.
#include "base/encoding.h"
#include "base/text.h"
#include "cli/recorded.h"
#include "cli/render.h"
#include "protocol/journal_api.h"

namespace cli {

using base::cat;
using base::Json;
using base::text_at;

namespace {

io::Task<> remove_recorded(Session& session, std::string run, std::string_view what,
                           std::string_view done) {
  Json status = co_await session.raw.delete_path(
      protocol::journal_path(session.ns, "runrecords", base::url_escape(run) + std::string(what)));
  session.terminal.print(cat("runrecord.", protocol::journal_group, "/",
                             printable(text_at(status, {"details", "name"})), " ", done, " (uid ",
                             printable(text_at(status, {"details", "uid"})), ")\n"));
}

// UIDs of the namespace's runs that ended before a time.
io::Task<std::vector<std::string>> ended_before(Session& session, base::Time limit) {
  std::vector<std::string> out;
  std::string next;
  do {
    std::string path = protocol::journal_path(session.ns, "runrecords");
    if (!next.empty()) path += "?continue=" + next;
    auto stream = co_await session.raw.open_path(std::move(path));
    std::string text;
    co_await read_lines(*stream, [&](std::string_view line) { text += line; });
    const Json list = base::parse_json(text);
    for (const auto& record : list.at("items").as_array()) {
      const auto ended = base::parse_time(text_at(record, {"status", "ended"}));
      if (ended && *ended < limit) out.push_back(text_at(record, {"metadata", "uid"}));
    }
    next = text_at(list, {"metadata", "continue"});
  } while (!next.empty());
  co_return out;
}

}  // namespace

io::Task<int> execute(Session& session, EraseOptions options) {
  for (const auto& run : options.runs)
    co_await remove_recorded(session, run, "/contents", "erased");
  co_return exit_ok;
}

io::Task<int> execute(Session& session, ForgetOptions options) {
  if (!options.ended_before.empty()) {
    const auto age = base::parse_duration(options.ended_before);
    if (!age || *age < base::Duration(0))
      throw base::Error(base::Code::invalid, cat("--ended-before: \"", options.ended_before,
                                                 "\" is no duration; write one as 720h or 90m"));
    options.runs = co_await ended_before(session, session.clock.now() - *age);
  }
  for (const auto& run : options.runs) co_await remove_recorded(session, run, "", "forgotten");
  co_return exit_ok;
}

}  // namespace cli
