// The file tools of our own runner: read_file, write_file, edit_file, list_directory, in the
// sandbox that the runner lives in. Names, parameters and limits are upstream's. The sandbox is the
// border; the roots below keep an honest runner tidy.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace agent {

inline constexpr std::size_t read_bytes_max = 8000;  // per read_file call
inline constexpr std::size_t file_bytes_max =
    16 * 1024 * 1024;                             // of a file that edit_file rewrites
inline constexpr std::size_t entries_max = 1000;  // of list_directory

struct Roots {
  std::vector<std::string> readable{"/workspace", "/skills", "/tmp"};
  std::vector<std::string> writable{"/workspace", "/tmp"};
};

// What a tool gives back to the model. A failed call is an answer too: the model reads why.
struct ToolText {
  std::string text;
  bool failed = false;
  bool operator==(const ToolText&) const = default;
};

class FileTools {
 public:
  explicit FileTools(Roots roots) : roots_(std::move(roots)) {}

  static bool knows(std::string_view tool);
  // Runs one call. Blocks on the file system; arguments that do not fit are a failed result that
  // names the parameter.
  ToolText run(std::string_view tool, const base::Json& arguments) const;

 private:
  ToolText read_file(const base::Json&) const;
  ToolText write_file(const base::Json&) const;
  ToolText edit_file(const base::Json&) const;
  ToolText list_directory(const base::Json&) const;

  Roots roots_;
};

}  // namespace agent
