// Container output → log file in the CRI format that kubelets keep:
// "2026-01-02T03:04:05.123456789Z stdout F line". Bytes are copied, never interpreted; a line
// longer than 16 KiB, or one that its writer has not ended, is written in parts marked P.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "node/shim/poller.h"

namespace node::shim {

enum class Stream : unsigned char { out, err };

class LogWriter {
 public:
  static constexpr std::size_t part_bytes = 16 * 1024;
  // The file is renamed to "<path>.1" at this size, replacing an older one.
  static constexpr std::size_t file_bytes = 10 * 1024 * 1024;

  explicit LogWriter(std::string path);
  void add(Stream, std::string_view bytes, std::int64_t now_ns);
  void finish(std::int64_t now_ns);  // writes begun lines as parts

 private:
  void write_line(Stream, std::string_view line, char tag, std::int64_t now_ns);
  void flush();
  void open();
  std::string path_;
  Fd file_;
  std::size_t size_ = 0;
  std::array<std::string, 2> begun_;
  std::string pending_;
};

}  // namespace node::shim
