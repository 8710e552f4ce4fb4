// Where words go: answers to standard output, everything else to standard error.
#pragma once

#include <string>
#include <string_view>

namespace cli {

// Nobody reads the output any more (`sympozium get runs | head -1`): the program ends without
// words.
struct OutputClosed {};

class Terminal {
 public:
  Terminal(int in, int out, int err) : in_(in), out_(out), err_(err) {}

  void print(std::string_view text) { write(out_, text); }
  void note(std::string_view line);                              // with a line break
  void note_piece(std::string_view text) { write(err_, text); }  // of a line that grows
  std::string read_input();  // all of it; at most 16 MiB, else Error(invalid)
  bool output_is_terminal() const;
  bool notes_are_on_terminal() const;

 private:
  static void write(int fd, std::string_view text);
  int in_, out_, err_;
};

}  // namespace cli
