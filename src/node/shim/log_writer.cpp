#include "node/shim/log_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>

namespace node::shim {

namespace {

std::string stamp(std::int64_t now_ns) {
  const std::time_t seconds = now_ns / 1'000'000'000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[40];
  const std::size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text + n, sizeof text - n, ".%09lldZ",
                static_cast<long long>(now_ns % 1'000'000'000));
  return text;
}

}  // namespace

LogWriter::LogWriter(std::string path) : path_(std::move(path)) { open(); }

void LogWriter::open() {
  file_ = Fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640));
  struct stat info{};
  size_ = file_ && ::fstat(file_.get(), &info) == 0 ? static_cast<std::size_t>(info.st_size) : 0;
}

void LogWriter::add(Stream stream, std::string_view bytes, std::int64_t now_ns) {
  auto& begun = begun_[static_cast<std::size_t>(stream)];
  while (!bytes.empty()) {
    const std::size_t room = part_bytes - begun.size();
    const std::size_t end = bytes.substr(0, room + 1).find('\n');
    if (end != std::string_view::npos) {
      begun.append(bytes.substr(0, end));
      bytes.remove_prefix(end + 1);
      write_line(stream, begun, 'F', now_ns);
      begun.clear();
    } else {
      const std::size_t take = std::min(room, bytes.size());
      begun.append(bytes.substr(0, take));
      bytes.remove_prefix(take);
      if (begun.size() < part_bytes) break;
      write_line(stream, begun, 'P', now_ns);
      begun.clear();
    }
  }
  flush();
}

void LogWriter::finish(std::int64_t now_ns) {
  for (auto stream : {Stream::out, Stream::err}) {
    auto& begun = begun_[static_cast<std::size_t>(stream)];
    if (!begun.empty()) write_line(stream, begun, 'P', now_ns);
    begun.clear();
  }
  flush();
}

void LogWriter::write_line(Stream stream, std::string_view line, char tag, std::int64_t now_ns) {
  pending_ += stamp(now_ns);
  pending_ += stream == Stream::out ? " stdout " : " stderr ";
  pending_ += tag;
  pending_ += ' ';
  pending_ += line;
  pending_ += '\n';
}

// A full disk loses log lines, never the container.
void LogWriter::flush() {
  if (pending_.empty()) return;
  if (size_ + pending_.size() > file_bytes && size_ > 0) {
    ::rename(path_.c_str(), (path_ + ".1").c_str());
    open();
  }
  const ssize_t wrote = ::write(file_.get(), pending_.data(), pending_.size());
  if (wrote > 0) size_ += static_cast<std::size_t>(wrote);
  pending_.clear();
}

}  // namespace node::shim
