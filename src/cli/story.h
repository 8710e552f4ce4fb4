// A recorded run as a row of steps, for transcripts, replays and comparisons. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "journal/export.h"

namespace cli {

// What a message says, whichever API it was written for.
struct SaidMessage {
  std::string role, text;
};

struct StoryStep {
  enum class Type : unsigned char {
    begun,      // the run
    execution,  // the agent says hello
    request,    // a model call leaves
    answer,     // … and is answered, or fails
    tool,       // a tool call is decided
    result,     // … and has been executed
    diverged,   // a foreign agent, run again, asks what its record does not hold
    end,        // the run's outcome
  };
  Type type = Type::begun;
  std::int64_t seq = 0;
  base::Time at;
  journal::Fence fence;
  std::string subject;        // "2" of a turn, "2.0" of a call
  std::string recalled_from;  // "<run uid>/<seq>": shared with that run, of which this is a fork

  std::string agent, pod;                  // execution
  base::Json parameters = nullptr;         // request
  std::vector<SaidMessage> messages = {};  // request: those that no earlier step has told
  std::string text;                        // begun (of a fork), answer, result, diverged, end
  std::vector<std::string> calls = {};     // answer: the tools that it asks for
  std::int64_t input_tokens = 0, output_tokens = 0;  // answer
  std::string finish;                                // answer
  std::string tool, arguments;                       // tool, result
  bool allowed = false;                              // tool
  std::string why;      // answer: the error; tool: of a denial; end: the error
  bool failed = false;  // answer, result, end
  // request, tool: nobody wrote down what came of it, and nobody will (it may have had its effect)
  // or somebody may still.
  enum class Fate : unsigned char { known, under_way, unknown } fate = Fate::known;
};

// A whole request: what the model was given.
struct StoryTurn {
  std::int64_t number = 0;
  base::Json request;  // {"parameters", "messages", "tools"}
  std::string answer;
  std::int64_t input_tokens = 0, output_tokens = 0;
};
struct StoryCall {
  std::string call, tool, arguments;
  std::optional<std::string> result;
  std::string why;  // it was denied
};

struct Story {
  std::string uid, ns, name, policy;
  std::vector<StoryStep> steps;
  std::vector<StoryTurn> turns;  // the last try of each
  std::vector<StoryCall> calls;
  std::optional<bool> succeeded;  // once it has ended
  std::int64_t recalled = 0;      // turns that it shares; no sum counts them
  std::int64_t input_tokens = 0, output_tokens = 0;
  std::int64_t model_calls = 0, tool_calls = 0;
};

Story tell(const journal::ExportedRun&);

// One step as JSON, whole.
base::Json step_json(const StoryStep&);

}  // namespace cli
