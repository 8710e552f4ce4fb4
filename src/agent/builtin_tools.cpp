#include "agent/builtin_tools.h"

#include <algorithm>

#include "base/text.h"

namespace agent {

using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

Json parameter(std::string_view type, std::string_view description) {
  return {{"type", type}, {"description", description}};
}

Json object(JsonObject properties, std::initializer_list<std::string_view> required) {
  JsonArray names;
  for (auto name : required) names.emplace_back(name);
  return JsonObject{
      {"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(names)}};
}

Json edits() {
  Json one =
      object({{"old_string",
               parameter("string", "text to find; must stand exactly once unless replace_all")},
              {"new_string", parameter("string", "text to put in its place")},
              {"replace_all", parameter("boolean", "replace every occurrence (default false)")}},
             {"old_string", "new_string"});
  return {{"type", "array"},
          {"items", std::move(one)},
          {"description", "all of them are made, or none"}};
}

Json command_parameters(const std::vector<std::string>& targets) {
  JsonObject properties{
      {"command", parameter("string", "shell command line")},
      {"workdir", parameter("string", "directory to run it in (default /workspace)")},
      {"timeout", parameter("integer", "seconds, at most 120 (default 30)")}};
  if (targets.size() > 1) {
    Json target = parameter(
        "string", base::cat("which tool sidecar runs it (default ", targets.front(), ")"));
    JsonArray names;
    for (const auto& name : targets) names.emplace_back(name);
    target.as_object()["enum"] = std::move(names);
    properties["target"] = std::move(target);
  }
  return object(std::move(properties), {"command"});
}

std::vector<protocol::ToolDefinition> all(const std::vector<std::string>& targets) {
  return {
      {"read_file", "Reads a text file, at most 8000 bytes a call.",
       object({{"path", parameter("string", "absolute, or relative to /workspace")},
               {"offset", parameter("integer", "first byte (default 0)")},
               {"limit", parameter("integer", "bytes to read (default and most 8000)")}},
              {"path"})},
      {"list_directory", "Lists a directory with sizes.",
       object({{"path", parameter("string", "absolute, or relative to /workspace")}}, {"path"})},
      {"write_file", "Writes a file, replacing it, and makes the folders it lies in.",
       object({{"path", parameter("string", "below /workspace or /tmp")},
               {"content", parameter("string", "the whole text")}},
              {"path", "content"})},
      {"edit_file", "Replaces exact pieces of text in a file.",
       object({{"path", parameter("string", "below /workspace or /tmp")}, {"edits", edits()}},
              {"path", "edits"})},
      {"execute_command", "Runs a shell command in a tool sidecar that shares /workspace.",
       command_parameters(targets)},
      {"fetch_url", "Fetches a public web page or API by GET and returns its text.",
       object({{"url", parameter("string", "http or https")},
               {"maxChars",
                parameter("integer", "most characters to return (default 50000, most 100000)")},
               {"headers", parameter("object", "extra request headers")}},
              {"url"})},
  };
}

}  // namespace

std::vector<protocol::ToolDefinition> define_tools(
    const std::vector<protocol::OfferedTool>& offered) {
  auto find = [&](std::string_view name) {
    return std::ranges::find(offered, name, &protocol::OfferedTool::name);
  };
  auto command = find("execute_command");
  auto tools = all(command == offered.end() ? std::vector<std::string>{} : command->targets);
  std::erase_if(tools, [&](const auto& tool) { return find(tool.name) == offered.end(); });
  for (const auto& tool : offered)
    if (!tool.description.empty())
      tools.push_back({tool.name, tool.description,
                       tool.parameters.is_object() ? tool.parameters : object({}, {})});
  return tools;
}

}  // namespace agent
