#include "agent/file_tools.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"

namespace agent {

namespace fs = std::filesystem;
using base::cat;
using base::Json;

namespace {

// Thrown and caught in this file: the reason a call fails.
struct Fault {
  std::string why;
};

std::string text_argument(const Json& arguments, std::string_view name) {
  auto value = base::find(arguments, {name});
  if (!value) throw Fault{cat("parameter \"", name, "\" is required")};
  if (!value->is_string()) throw Fault{cat("parameter \"", name, "\" must be a string")};
  return std::string(value->get_string());
}

std::size_t size_argument(const Json& arguments, std::string_view name, std::size_t otherwise) {
  auto value = base::find(arguments, {name});
  if (!value || value->is_null()) return otherwise;
  if (!value->is_int64() || value->get_int64() < 0)
    throw Fault{cat("parameter \"", name, "\" must be a whole number, 0 or more")};
  return static_cast<std::size_t>(value->get_int64());
}

bool lies_in(const fs::path& path, const fs::path& root) {
  auto [root_end, path_end] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  return root_end == root.end();
}

// A path with all links resolved (as far as it exists), inside one of the roots.
struct Place {
  std::string root, below;

  // Sidecars write here, too, and may change what a name means at any time: whoever opens it does
  // so without following any link. Never waits, as a pipe would make us.
  io::Fd open(int flags) const {
    const io::Fd at = io::open_directory(root);
    return io::open_beneath(at.get(), below, flags | O_NONBLOCK);
  }
};

Place resolve(const std::string& text, const std::vector<std::string>& roots,
              std::string_view deed) {
  if (text.empty()) throw Fault{"parameter \"path\" must not be empty"};
  fs::path asked(text);
  if (asked.is_relative()) asked = fs::path(roots.front()) / asked;
  std::error_code error;
  fs::path real = fs::weakly_canonical(asked, error);
  if (error) throw Fault{cat(text, ": ", error.message())};
  for (const auto& root : roots) {
    fs::path real_root = fs::weakly_canonical(root, error);
    if (!error && lies_in(real, real_root))
      return {real_root.string(), real.lexically_relative(real_root).string()};
  }
  throw Fault{cat(text, ": outside of what may be ", deed, " (", base::join(roots, ", "), ")")};
}

// "/proc/self/fd/7": what is held, whatever its name means now.
std::string held(const io::Fd& fd) { return cat("/proc/self/fd/", fd.get()); }

io::Fd open(const Place& place, int flags, const std::string& asked, std::string_view missing) {
  try {
    return place.open(flags);
  } catch (const base::Error& error) {
    if (error.code() == base::Code::not_found) throw Fault{cat(asked, ": ", missing)};
    throw Fault{cat(asked, ": cannot be opened (", error.what(), ")")};
  }
}

struct File {
  io::Fd fd;
  std::size_t size;
};

File open_file(const Place& place, const std::string& asked) {
  io::Fd fd = open(place, O_RDONLY, asked, "no such file");
  struct stat about{};
  if (::fstat(fd.get(), &about) < 0) throw Fault{cat(asked, ": cannot be looked at")};
  if (S_ISDIR(about.st_mode)) throw Fault{cat(asked, ": is a directory; use list_directory")};
  if (!S_ISREG(about.st_mode)) throw Fault{cat(asked, ": is not a regular file")};
  return {std::move(fd), static_cast<std::size_t>(about.st_size)};
}

std::string read_part(const File& file, std::size_t offset, std::size_t size,
                      const std::string& asked) {
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got =
        ::pread(file.fd.get(), bytes.data() + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Fault{cat(asked, ": cannot be read")};
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

void save(const Place& place, std::string_view bytes, const std::string& asked) {
  const fs::path path = fs::path(place.root) / place.below;
  std::error_code error;
  if (fs::is_directory(path, error)) throw Fault{cat(asked, ": is a directory")};
  fs::create_directories(path.parent_path(), error);
  if (error) throw Fault{cat(asked, ": cannot make its folder: ", error.message())};
  std::string above = fs::path(place.below).parent_path().string();
  if (above.empty()) above = ".";
  const io::Fd folder =
      open({place.root, above}, O_RDONLY | O_DIRECTORY, asked, "its folder is gone");
  try {
    io::write_file(cat(held(folder), "/", path.filename().string()), bytes, 0664);
  } catch (const base::Error& failure) {
    throw Fault{failure.what()};
  }
}

std::size_t replace(std::string& text, const std::string& old_text, const std::string& new_text) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(old_text, at)) != std::string::npos;
       at += new_text.size(), ++count)
    text.replace(at, old_text.size(), new_text);
  return count;
}

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
    ++count;
  return count;
}

}  // namespace

bool FileTools::knows(std::string_view tool) {
  return tool == "read_file" || tool == "write_file" || tool == "edit_file" ||
         tool == "list_directory";
}

ToolText FileTools::run(std::string_view tool, const Json& arguments) const {
  try {
    if (!arguments.is_object()) throw Fault{"the arguments must be a JSON object"};
    if (tool == "read_file") return read_file(arguments);
    if (tool == "write_file") return write_file(arguments);
    if (tool == "edit_file") return edit_file(arguments);
    if (tool == "list_directory") return list_directory(arguments);
    throw Fault{cat("no such tool: ", tool)};
  } catch (const Fault& fault) {
    return {cat(tool, ": ", fault.why), true};
  }
}

ToolText FileTools::read_file(const Json& arguments) const {
  const std::string asked = text_argument(arguments, "path");
  const std::size_t offset = size_argument(arguments, "offset", 0);
  const std::size_t limit =
      std::min(size_argument(arguments, "limit", read_bytes_max), read_bytes_max);
  const File file = open_file(resolve(asked, roots_.readable, "read"), asked);
  const std::size_t size = file.size;
  if (offset > size)
    throw Fault{cat("parameter \"offset\" is past the end: the file has ", size, " bytes")};
  std::string bytes = read_part(file, offset, std::min(limit, size - offset), asked);
  const std::size_t end = offset + bytes.size();
  bytes = base::repair_utf8(bytes);
  if (end < size)
    bytes += cat("\n[bytes ", offset, " to ", end, " of ", size, "; go on with offset ", end, "]");
  return {std::move(bytes)};
}

ToolText FileTools::write_file(const Json& arguments) const {
  const std::string asked = text_argument(arguments, "path");
  const std::string content = text_argument(arguments, "content");
  save(resolve(asked, roots_.writable, "written"), content, asked);
  return {cat("wrote ", content.size(), " bytes to ", asked)};
}

ToolText FileTools::edit_file(const Json& arguments) const {
  const std::string asked = text_argument(arguments, "path");
  auto edits = base::find(arguments, {"edits"});
  if (!edits || !edits->is_array() || edits->get_array().empty())
    throw Fault{"parameter \"edits\" must be a list with at least one edit"};
  const Place place = resolve(asked, roots_.writable, "written");
  const File file = open_file(place, asked);
  if (file.size > file_bytes_max)
    throw Fault{cat(asked, ": larger than ", file_bytes_max, " bytes")};
  std::string text = read_part(file, 0, file.size, asked);
  std::size_t number = 0, replaced = 0;
  for (const auto& edit : edits->get_array()) {
    const std::string name = cat("edits[", number++, "]");
    const std::string old_text = base::text_at(edit, {"old_string"});
    const auto new_text = base::find_string(edit, {"new_string"});
    if (old_text.empty())
      throw Fault{cat(name, ".old_string is required and must not be empty; nothing was changed")};
    if (!new_text) throw Fault{cat(name, ".new_string is required; nothing was changed")};
    const std::size_t count = occurrences(text, old_text);
    if (count == 0)
      throw Fault{cat(name, ".old_string was not found in ", asked, "; nothing was changed")};
    if (count > 1 && !base::find_bool(edit, {"replace_all"}).value_or(false))
      throw Fault{cat(name, ".old_string stands ", count, " times in ", asked,
                      "; give more of its surroundings or set replace_all; nothing was changed")};
    if (new_text->size() > old_text.size() &&
        count > (file_bytes_max - std::min(file_bytes_max, text.size())) /
                    (new_text->size() - old_text.size()))
      throw Fault{cat(name, ": the file would become larger than ", file_bytes_max,
                      " bytes; nothing was changed")};
    replaced += replace(text, old_text, *new_text);
  }
  save(place, text, asked);
  return {cat("made ", replaced, replaced == 1 ? " replacement in " : " replacements in ", asked)};
}

ToolText FileTools::list_directory(const Json& arguments) const {
  const std::string asked = text_argument(arguments, "path");
  const Place place = resolve(asked, roots_.readable, "read");
  const io::Fd folder = open(place, O_RDONLY, asked, "no such directory");
  std::error_code error;
  if (!fs::is_directory(held(folder), error))
    throw Fault{cat(asked, ": is not a directory; use read_file")};
  std::vector<std::string> lines;
  for (fs::directory_iterator it(held(folder), error), end; !error && it != end;
       it.increment(error)) {
    std::error_code ignored;
    const auto status = it->symlink_status(ignored);
    const std::string name = it->path().filename().string();
    if (fs::is_directory(status))
      lines.push_back(name + "/");
    else if (fs::is_symlink(status))
      lines.push_back(cat(name, " -> ", fs::read_symlink(it->path(), ignored).string()));
    else
      lines.push_back(cat(name, "  ", it->file_size(ignored), " bytes"));
  }
  if (error) throw Fault{cat(asked, ": ", error.message())};
  std::ranges::sort(lines);
  if (lines.empty()) return {"(empty)"};
  const std::size_t more = lines.size() > entries_max ? lines.size() - entries_max : 0;
  lines.resize(lines.size() - more);
  if (more) lines.push_back(cat("[", more, " more entries]"));
  return {base::join(lines, "\n")};
}

}  // namespace agent
