// events: what happened in a namespace, from the journal, one line each.
#include "base/encoding.h"
#include "base/text.h"
#include "cli/recorded.h"
#include "cli/render.h"
#include "io/http.h"
#include "protocol/codec.h"
#include "protocol/journal_api.h"

namespace cli {

using base::cat;
using base::Json;
using base::text_at;
using protocol::RunEvent;

namespace {

constexpr base::Duration again{1000};  // after a stream that ended or broke

std::string detail_of(const RunEvent& event, std::string_view type) {
  const Json& data = event.data;
  if (data.is_null()) return "(erased)";
  if (type == "execution.begun")
    return cat(event.attempt, ".", event.execution, " ", text_at(data, {"agent"}));
  if (type == "model.intent") return text_at(data, {"parameters", "model"});
  if (type == "model.outcome") {
    if (const std::string code = text_at(data, {"error", "code"}); !code.empty())
      return cat(code, ": ", text_at(data, {"error", "message"}));
    return cat(base::find_int(data, {"usage", "inputTokens"}).value_or(0), " + ",
               base::find_int(data, {"usage", "outputTokens"}).value_or(0), " tokens, ",
               text_at(data, {"finish"}));
  }
  if (type == "tool.intent")
    return cat(text_at(data, {"tool"}), " ", text_at(data, {"decision"}), " ",
               text_at(data, {"reason"}));
  if (type == "recalled") return cat(text_at(data, {"ofKind"}), " of ", text_at(data, {"from"}));
  if (type == "run.outcome") return cat(text_at(data, {"status"}), " ", text_at(data, {"error"}));
  return "";
}

std::string one_line(std::string text) {
  text = printable(base::trim(text));
  for (char& c : text)
    if (c == '\n' || c == '\t') c = ' ';
  return text;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

}  // namespace

std::string format_event(const RunEvent& event) {
  std::string_view type = event.type;
  if (type.starts_with(protocol::event_type_prefix))
    type.remove_prefix(protocol::event_type_prefix.size());
  std::string line =
      cat(padded(one_line(event.time), 24), "  ", padded(one_line(event.run), 16), "  ",
          padded(one_line(std::string(type)), 15), "  ", padded(one_line(event.subject), 4), "  ",
          one_line(detail_of(event, type)));
  while (line.ends_with(' ')) line.pop_back();
  return line + "\n";
}

namespace {

// Where a stream of events is had, and where it goes on.
class EventSource {
 public:
  EventSource(const Session& session, const EventsOptions& options)
      : ns_(session.ns), options_(options) {
    // A run's own events: also of one that was imported.
    own_ = !options.run.empty() && options.agent.empty() && options.since.empty();
    if (options.follow && !own_ && options.since.empty()) after_ = "end";
  }

  std::string path() const {
    std::vector<std::pair<std::string, std::string>> query;
    if (!after_.empty()) query.emplace_back("after", after_);
    if (options_.follow) query.emplace_back("watch", "true");
    if (!own_) {
      if (!options_.run.empty()) query.emplace_back("run", options_.run);
      if (!options_.agent.empty()) query.emplace_back("agent", options_.agent);
      if (!options_.since.empty() && after_.empty()) query.emplace_back("since", options_.since);
    }
    std::string path =
        own_ ? protocol::journal_path(ns_, "runrecords", base::url_escape(options_.run) + "/events")
             : protocol::journal_path(ns_, "runevents");
    return query.empty() ? path : cat(path, "?", io::format_query(query));
  }
  void seen(const RunEvent& event) {
    if (own_) {
      after_ = event.id.substr(event.id.rfind('/') + 1);
      ended_ |= event.type == cat(protocol::event_type_prefix, "run.outcome");
    } else if (event.position) {
      after_ = std::to_string(*event.position);
    }
  }
  bool ended() const { return ended_; }  // nothing more can come

  bool reached = false;  // a stream was opened

 private:
  std::string ns_;
  const EventsOptions& options_;
  bool own_ = false, ended_ = false;
  std::string after_;
};

io::Task<> read_events(Session& session, EventSource& source) {
  auto stream = co_await session.raw.open_path(source.path());
  source.reached = true;
  co_await read_lines(*stream, [&](std::string_view line) {
    const auto event = protocol::from_text<RunEvent>(line);
    source.seen(event);
    if (session.output == Output::json) {
      print_json_line(session, line);
    } else {
      session.terminal.print(format_event(event));
    }
  });
}

// Streams end, and break: each is taken up where it was left. The first one tells what is wrong.
io::Task<> follow_events(Session& session, EventSource& source) {
  for (bool told = false; !source.ended();) {
    std::string lost;
    try {
      co_await read_events(session, source);
    } catch (const base::Error& error) {
      const auto code = error.code();
      if (!source.reached || (code != base::Code::unavailable && code != base::Code::timeout))
        throw;
      lost = error.what();
    }
    if (!lost.empty() && !told)
      session.terminal.note(cat("sympozium: ", printable(lost), "; trying again"));
    told = !lost.empty();
    if (!source.ended()) co_await io::sleep(session.clock, again);
  }
}

}  // namespace

io::Task<int> execute(Session& session, EventsOptions options) {
  if (!options.since.empty())
    if (const auto ago = base::parse_duration(options.since))
      options.since = base::format_time_millis(session.clock.now() - *ago);
  EventSource source(session, options);
  if (!options.follow) {
    co_await read_events(session, source);
    co_return exit_ok;
  }
  const Ended ended = co_await until_left(session, follow_events(session, source));
  co_return ended == Ended::done ? exit_ok : exit_interrupted;
}

}  // namespace cli
