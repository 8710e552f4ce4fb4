#include "bridge/sidecars.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "protocol/names.h"

namespace bridge {

using base::cat;
using base::Json;

namespace {

constexpr std::size_t result_bytes_max = 4 * 1024 * 1024;
constexpr int command_seconds_max = 120;
constexpr base::Duration patience{10'000};  // beyond the command's own time limit
constexpr const char* tools = "tools";
constexpr unsigned shared = 02770;

std::string file_of(std::string_view what, const std::string& id) {
  return cat("exec-", what, "-", id, ".json");
}

std::string pack_of(const std::string& container) {
  const auto prefix = protocol::container_skill_prefix;
  return container.starts_with(prefix) ? container.substr(prefix.size()) : container;
}

}  // namespace

Command parse_command(const std::string& arguments) {
  const Json json = base::parse_json(arguments);
  auto wrong = [](std::string_view what) {
    return base::Error(base::Code::invalid, cat("execute_command: ", what));
  };
  if (!json.is_object()) throw wrong("the arguments must be a JSON object");
  Command out;
  auto text = [&](std::string_view name) -> std::string {
    auto value = base::find(json, {name});
    if (!value || value->is_null()) return {};
    if (!value->is_string()) throw wrong(cat("parameter \"", name, "\" must be a string"));
    return std::string(value->get_string());
  };
  out.command = text("command");
  if (out.command.empty()) throw wrong("parameter \"command\" is required");
  out.work_dir = text("workdir");
  out.target = text("target");
  if (auto value = base::find(json, {"timeout"}); value && !value->is_null()) {
    if (!value->is_int64()) throw wrong("parameter \"timeout\" must be a whole number of seconds");
    out.timeout_seconds =
        static_cast<int>(std::clamp<std::int64_t>(value->get_int64(), 1, command_seconds_max));
  }
  return out;
}

Command make_command(protocol::SidecarCommand own) {
  Command out;
  out.timeout_seconds = command_seconds_max;
  out.target = std::move(own.target);
  out.argv = std::move(own.argv);
  out.input = std::move(own.input);
  out.idempotent = own.idempotent;
  return out;
}

protocol::ToolResult format_result(const Json& result) {
  protocol::ToolResult out;
  const auto code = base::find_int(result, {"exitCode"});
  if (!code) throw base::Error(base::Code::invalid, "the sidecar's answer has no exitCode");
  out.exitCode = *code;
  out.failed = *code != 0;
  const std::string standard = base::text_at(result, {"stdout"}),
                    error = base::text_at(result, {"stderr"});
  if (base::find_bool(result, {"timedOut"}).value_or(false))
    out.text = "timed out\n";
  else if (*code != 0)
    out.text = cat("exit code ", *code, "\n");
  out.text += standard;
  if (!error.empty()) {
    if (!out.text.empty() && !out.text.ends_with('\n')) out.text += '\n';
    out.text += cat("[stderr]\n", error);
  }
  if (out.text.empty()) out.text = "(no output)";
  return out;
}

Sidecars::Sidecars(io::Loop& loop, base::Clock& clock, base::Log& log, std::string ipc_root,
                   std::vector<std::string> names)
    : loop_(loop), clock_(clock), log_(log) {
  for (const auto& name : names) {
    Folder& folder = folders_.emplace_back(Folder{pack_of(name), {}});
    const io::Fd volume = io::open_directory(cat(ipc_root, "/", name));
    if (::mkdirat(volume.get(), tools, shared) != 0 && errno != EEXIST)
      io::throw_errno("making", name);
    try {
      folder.directory = io::open_beneath(volume.get(), tools, O_RDONLY | O_DIRECTORY);
    } catch (const base::Error& error) {
      log_.warn("a sidecar's folder is not usable", {{"sidecar", name}, {"error", error.what()}});
      continue;
    }
    // Shared by group: the sidecar runs as another user. Fails harmlessly when an earlier bridge of
    // this pod made it.
    [[maybe_unused]] int ignored = ::fchmod(folder.directory.get(), shared);
  }
}

const Sidecars::Folder& Sidecars::folder_of(const std::string& target) const {
  if (folders_.empty())
    throw base::Error(base::Code::not_found,
                      "this run has no tool sidecar; attach a SkillPack that has one");
  auto at = target.empty() ? folders_.begin() : std::ranges::find(folders_, target, &Folder::pack);
  if (at != folders_.end() && at->directory) return *at;
  if (at != folders_.end())
    throw base::Error(base::Code::unavailable,
                      cat("sidecar \"", at->pack, "\" has taken its folder away"));
  std::vector<std::string> known;
  for (const auto& folder : folders_) known.push_back(folder.pack);
  throw base::Error(base::Code::not_found,
                    cat("no sidecar \"", target, "\"; there is: ", base::join(known, ", ")));
}

io::Task<protocol::ToolResult> Sidecars::execute(std::string id, std::string call_id,
                                                 Command command) {
  const Folder& folder = folder_of(command.target);
  const std::string answer = file_of("result", id), question = file_of("request", id),
                    claimed = file_of("claimed", id);
  base::JsonObject request{{"id", id},
                           {"command", command.command},
                           {"args", base::JsonArray{}},
                           {"argv", base::JsonArray(command.argv.begin(), command.argv.end())},
                           {"stdin", command.input},
                           {"timeout", command.timeout_seconds},
                           {"target", command.target},
                           {"idempotent", command.idempotent},
                           {"_meta", {{"callId", call_id}}}};
  // Absent means /workspace; to other executors than ours an empty one would mean where they are.
  if (!command.work_dir.empty()) request["workDir"] = command.work_dir;
  auto answered = std::make_shared<io::Event>();
  const auto key = std::make_pair(&folder, answer);
  waiting_[key] = answered;
  struct Forget {
    Sidecars& of;
    const std::pair<const Folder*, std::string>& key;
    ~Forget() { of.waiting_.erase(key); }
  } forget{*this, key};

  const int directory = folder.directory.get();
  if (::faccessat(directory, answer.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    answered->set();
  else
    io::write_file(cat(folder.path(), "/", question), base::to_text(request), 0660);
  const base::Duration limit = std::chrono::seconds(command.timeout_seconds) + patience;
  auto wait = answered->wait();
  co_await io::within(clock_, limit, "waiting for the sidecar's answer", std::move(wait));
  const std::string text = io::read_beneath(directory, answer, result_bytes_max);
  for (const auto& file : {question, claimed, answer}) ::unlinkat(directory, file.c_str(), 0);
  co_return format_result(base::parse_json(text));
}

void Sidecars::wake(const Folder& folder, const std::string& file) {
  if (auto at = waiting_.find({&folder, file}); at != waiting_.end()) at->second->set();
}

// Ends when the sidecar has removed the folder: nothing will ever appear there.
io::Task<> Sidecars::watch(const Folder& folder) {
  try {
    io::DirectoryWatch changes(loop_, folder.path());
    for (;;) {
      for (const auto& name : io::list_directory(folder.path())) wake(folder, name);
      bool overflow = false;
      while (!overflow) {
        auto batch = co_await changes.next();
        for (const auto& change : batch) {
          overflow |= change.what == io::DirectoryWatch::Change::What::overflow;
          if (change.what == io::DirectoryWatch::Change::What::appeared) wake(folder, change.name);
        }
      }
    }
  } catch (const base::Error& error) {
    if (error.code() != base::Code::gone) throw;
    log_.warn("a sidecar has removed its folder", {{"sidecar", folder.pack}});
  }
}

io::Task<> Sidecars::run() {
  io::TaskGroup watches(loop_);
  for (const auto& folder : folders_)
    if (folder.directory) watches.spawn("watching sidecar " + folder.pack, watch(folder));
  co_await watches.join();
  io::Event for_ever;
  co_await for_ever.wait();
}

}  // namespace bridge
