// What lies in /ipc: a sidecar's result as the bridge reads it, a request as the executor does, the
// names of files; and the arguments of execute_command, which become a request. The first byte of
// an input chooses.
#include "bridge/sidecars.h"
#include "executor/request.h"
#include "protocol/codec.h"
#include "turn.h"

namespace {

// What the agent and the journal are told is text that they can read, and nothing else than was
// said.
void read_result(const std::string& text) {
  const protocol::ToolResult result = bridge::format_result(base::parse_json(text));
  const auto again = protocol::from_text<protocol::ToolResult>(protocol::to_text(result));
  if (again.text != result.text || again.failed != result.failed ||
      again.exitCode != result.exitCode)
    fuzz::fail("the result changes on its way", protocol::to_text(result),
               protocol::to_text(again));
}

void read_request(const std::string& text) {
  const auto request = executor::parse_request(text, "/bin/sh");
  if (request.argv.size() < 4 || request.timeout < base::Duration(1'000) ||
      request.timeout > base::Duration(120'000))
    fuzz::fail("a request out of its limits", text, "");
}

void read_name(std::string_view name) {
  if (const auto id = executor::find_request_id(name);
      id && base::cat("exec-request-", *id, ".json") != name)
    fuzz::fail("a name is read as another", name, *id);
  if (const auto id = executor::find_claimed_id(name); id && executor::claimed_file(*id) != name)
    fuzz::fail("a name is read as another", name, *id);
}

void read_command(const std::string& text) {
  const auto command = bridge::parse_command(text);
  if (command.command.empty() || command.timeout_seconds < 1 || command.timeout_seconds > 120)
    fuzz::fail("a command out of its limits", text, "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0] % 4) {
      case 0: read_result(text); break;
      case 1: read_request(text); break;
      case 2: read_name(text); break;
      default: read_command(text);
    }
  } catch (const base::Error&) {
    // Refused.
  }
  return 0;
}
