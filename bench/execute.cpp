// execute_command through the shipped bridge and executor, in a root and a network of their own;
// the gateway behind the bridge is played here and grants everything, without a journal.
#include <net/if.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/text.h"
#include "bench.h"
#include "io/conn.h"
#include "io/crypto.h"
#include "io/process.h"
#include "process_events.h"
#include "protocol/codec.h"
#include "protocol/gateway.h"
#include "protocol/names.h"
#include "support/temp_directory.h"

namespace bench {

namespace {

using base::cat;
using namespace protocol;

constexpr base::Duration patience{10'000};
constexpr char execution[] = "1.1";

// /proc in a root of ours, seen by nobody else.
class ProcMount {
 public:
  explicit ProcMount(std::string path) : path_(std::move(path)) {
    if (::unshare(CLONE_NEWNS) != 0) io::throw_errno("leaving", "the mounts");
    ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    if (::mount("proc", path_.c_str(), "proc", 0, nullptr) != 0) io::throw_errno("mounting", path_);
  }
  ~ProcMount() { ::umount2(path_.c_str(), MNT_DETACH); }
  ProcMount(const ProcMount&) = delete;

 private:
  std::string path_;
};

// The bridge's port is the pod's: ours is a network where nobody has it.
void enter_own_network() {
  if (::unshare(CLONE_NEWNET) != 0) io::throw_errno("leaving", "the network");
  io::Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(any.get(), SIOCSIFFLAGS, &request) != 0) io::throw_errno("starting", "lo");
}

// What the images of a pod hold, in one root: what the bridge sees as the sidecar's folder is /ipc.
void make_root(const std::string& root, const Flags& flags) {
  for (const char* folder : {"/bin", "/dev", "/proc", "/run", "/workspace",
                             "/bridge/ipc/skill-tools", "/var/run/secrets/sympozium/token"})
    io::make_directories(root + folder, 0755);
  for (const char* program : {"bridge", "runner"})
    io::write_file(cat(root, "/bin/", program), io::read_file(flags.get(program)), 0755);
  io::write_file(root + "/bin/sh", io::read_file("/bin/busybox"), 0755);
  io::write_file(cat(root, mount_token, "/token"), "token", 0600);
  [[maybe_unused]] int made = ::symlink("/bridge/ipc/skill-tools", (root + "/ipc").c_str());
  made = ::mknod((root + "/dev/null").c_str(), S_IFCHR | 0666, ::makedev(1, 3));
}

io::Task<> grant_everything(io::Exchange& exchange) {
  const std::string body = co_await exchange.body(1 << 20);
  std::string answer = "{}";
  if (exchange.target() == "/v1/tools/decide") {
    const auto call = from_text<ToolCall>(body);
    Decision decision{.verdict = Verdict::allow};
    decision.grant = Grant{call.call, io::sha256_hex(call.arguments), "2100-01-01T00:00:00Z"};
    answer = to_text(decision);
  }
  co_await exchange.respond({200, {{"Content-Type", "application/json"}}, std::move(answer)});
}

double spawn_busybox_true() {
  char program[] = "/bin/busybox", applet[] = "true";
  char* argv[] = {program, applet, nullptr};
  char* environment[] = {nullptr};
  pid_t pid = 0;
  int status = 0;
  const double began = now_ms();
  if (::posix_spawn(&pid, program, nullptr, nullptr, argv, environment) != 0)
    io::throw_errno("starting", program);
  ::waitpid(pid, &status, 0);
  return now_ms() - began;
}

io::Task<> wait_for(io::HttpClient& bridge, base::Clock& clock) {
  for (const double until = now_ms() + 10'000;;) {
    try {
      co_await bridge.send({"GET", "/healthz", {}, ""}, patience);
      co_return;
    } catch (const base::Error&) {
      if (now_ms() > until) throw;
    }
    co_await io::sleep(clock, base::Duration(5));
  }
}

io::Task<> measure(io::HttpClient& bridge, base::Clock& clock, int count) {
  std::vector<double> through, floor;
  co_await wait_for(bridge, clock);
  for (int i = 0; i < count + 5; ++i) {
    const ToolCall call{cat("1.", i), "execute_command", R"({"command":"true"})"};
    io::Request request{"POST", "/v1/tools/execute", {}, to_text(call)};
    request.headers.set(header_execution, execution);
    const double began = now_ms();
    const io::Response answer = co_await bridge.send(std::move(request), patience);
    const double took = now_ms() - began;
    if (answer.status != 200 || from_text<ToolResult>(answer.body).exitCode != 0)
      throw base::Error(base::Code::internal, "execute_command: " + answer.body);
    if (i < 5) continue;  // connections, page cache
    through.push_back(took);
    floor.push_back(spawn_busybox_true());
  }
  print_samples("execute_command_ms", "ms", through);
  print_samples("busybox_true_ms", "ms", floor);
}

}  // namespace

void measure_execute(const Flags& flags) {
  test::TempDirectory root;
  make_root(root.path(), flags);
  const ProcMount proc(root / "proc");
  enter_own_network();
  io::Loop loop;
  io::SystemClock clock(loop);
  SilentLog log;
  auto listener = io::listen_unix(loop, root / "run/gateway.sock", 0600);
  io::HttpServer gateway(loop, clock, log, {}, grant_everything);

  auto in_root = [&](std::vector<std::string> words, std::vector<std::string> environment) {
    io::ProcessSpec spec;
    spec.argv = {"/usr/sbin/chroot", root.path()};
    spec.argv.insert(spec.argv.end(), words.begin(), words.end());
    spec.env = std::move(environment);
    spec.parent_death_signal = SIGKILL;
    return spec;
  };
  const io::Process bridge_process(
      loop,
      in_root({"/bin/bridge"}, {cat(env_gateway, "=unix:/run/gateway.sock"),
                                cat(env_run_uid, "=uid"), cat(env_sidecars, "=skill-tools")}));
  const io::Process tools(
      loop, in_root({"/bin/runner", "tools"}, {cat(env_skill_pack, "=tools"), "PATH=/bin"}));
  io::TaskGroup group(loop);
  group.spawn("gateway", gateway.serve(*listener, nullptr));
  io::HttpClient bridge(loop, clock, io::tcp_dialer("127.0.0.1", bridge_port), "127.0.0.1");
  loop.run(measure(bridge, clock, flags.number("count")));
  bridge_process.kill(SIGKILL);
  tools.kill(SIGKILL);
  group.stop();
  loop.run(group.join());
}

}  // namespace bench
