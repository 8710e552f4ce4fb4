#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/text.h"
#include "io/file.h"
#include "node/node_objects.h"

namespace node {

namespace {

std::string first_line(const std::string& path) {
  const std::string text = io::find_file(path, 4096).value_or("");
  return std::string(base::trim(text.substr(0, text.find('\n'))));
}

std::string os_name() {
  for (const auto& line : base::split(io::find_file("/etc/os-release").value_or(""), '\n'))
    if (line.starts_with("PRETTY_NAME=")) {
      std::string value = line.substr(12);
      std::erase(value, '"');
      return value;
    }
  return "Linux";
}

}  // namespace

MachineInfo look_at_machine(const std::string& directory, const std::string& runtime) {
  MachineInfo out;
  out.cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
  struct sysinfo memory{};
  if (::sysinfo(&memory) == 0)
    out.memory_bytes = static_cast<std::int64_t>(memory.totalram) * memory.mem_unit;
  struct statvfs disk{};
  if (::statvfs(directory.c_str(), &disk) == 0)
    out.disk_bytes = static_cast<std::int64_t>(disk.f_blocks * disk.f_frsize);
  struct utsname names{};
  ::uname(&names);
  out.hostname = names.nodename;
  out.kernel = names.release;
  out.os_image = os_name();
  out.boot_id = first_line("/proc/sys/kernel/random/boot_id");
  out.machine_id = first_line("/etc/machine-id");
  out.runtime = runtime;
  return out;
}

}  // namespace node
