// Recorded runs through our own API server and the gateway's journal API, both in this process. The
// test plays the gateway that writes the journal.
#pragma once

#include "cli/commands_fixture_test.h"
#include "gateway/journal_api.h"
#include "io/file.h"
#include "journal/sqlite_journal.h"
#include "support/temp_directory.h"

namespace cli {

using journal::Batch;
using journal::Fence;

struct Place {
  test::TempDirectory directory_;
  std::string socket_ = directory_ / "journal.sock";
};

struct Seen : Place, Commands {
  Seen() : Commands([path = socket_] { return io::unix_dialer(path); }) {
    tasks_.spawn("journal", http_.serve(*listener_, nullptr));
  }

  void append(const std::string& uid, Batch batch) {
    batch.run = uid;
    loop_.run(journal_.append(std::move(batch)));
  }
  void begin(const std::string& uid, const std::string& name, const std::string& spec = "") {
    Batch batch{.fence = {1, 0}};
    journal::RunBegun begun{.ns = "default", .name = name};
    if (!spec.empty()) begun.spec = batch.add_blob(spec);
    append(uid, batch.add(begun));
    Batch hello{.fence = {1, 1}};
    append(uid, hello.add(journal::ExecutionBegun{.agent = "runner/1", .podUid = "pod"}));
  }
  static std::string text_message(const std::string& role, const std::string& text) {
    return base::to_text(base::JsonObject{{"role", role}, {"content", text}});
  }
  // One question, a tool call with its result, an answer.
  void record(const std::string& uid, const std::string& name, const std::string& task,
              const std::string& result, const std::string& spec = "") {
    begin(uid, name, spec);
    Batch batch{.fence = {1, 1}};
    const std::string asked = batch.add_blob(text_message("user", task));
    const std::string answer = batch.add_blob(base::to_text(parse_json(
        R"({"role":"assistant","content":"I look.\u001b[2J","toolCalls":[
             {"id":"x","name":"read_file","arguments":"{\"path\":\"a\"}"}]})")));
    const std::string read =
        batch.add_blob(base::to_text(base::JsonObject{{"text", result}, {"failed", false}}));
    const std::string shown = batch.add_blob(text_message("tool", result));
    const std::string last = batch.add_blob(text_message("assistant", "It says " + result));
    const std::string text = batch.add_blob("It says " + result);
    batch
        .add(journal::ModelIntent{
            .turn = 1, .appended = {asked}, .parameters = base::JsonObject{{"model", "sim-1"}}})
        .add(journal::ModelOutcome{.turn = 1,
                                   .message = answer,
                                   .usage = {100, 10},
                                   .finish = protocol::Finish::tool_calls})
        .add(journal::ToolIntent{.call = "1.0",
                                 .tool = "read_file",
                                 .argumentsSha256 = "h",
                                 .decision = protocol::Verdict::allow})
        .add(journal::ToolOutcome{.call = "1.0", .result = read})
        .add(journal::ModelIntent{.turn = 2, .parent = 1, .appended = {shown}})
        .add(journal::ModelOutcome{.turn = 2, .message = last, .usage = {120, 5}})
        .add(journal::RunOutcome{.text = text});
    append(uid, batch);
  }

  io::BlockingPool pool_;
  journal::SqliteJournal journal_{loop_, clock_, pool_, directory_ / "journal.db"};
  gateway::JournalApi api_of_journal_{loop_,    clock_,   log_,     pool_,
                                      journal_, journal_, journal_, client_};
  io::HttpServer http_{loop_, clock_, log_, {}, api_of_journal_.handler()};
  std::unique_ptr<io::Listener> listener_ = io::listen_unix(loop_, socket_, 0600);
  io::TaskGroup tasks_{loop_};
};

inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace cli
