#include "up.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/text.h"
#include "home/plan.h"
#include "io/crypto.h"
#include "io/http.h"
#include "kube/client.h"
#include "kube/kubeconfig.h"

namespace app {

using base::cat;

namespace {

constexpr int exit_error = 1, exit_usage = 2, exit_refused = 3;
constexpr auto ready_limit = std::chrono::seconds(30);
constexpr int stop_ms_max = 40'000;

struct Options {
  home::UpOptions up;
  bool detach = false, yes = false;
};

void say(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

std::string own_path() {
  char path[4096];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : "sympozium";
}

unsigned number_in_environment(const char* name) {
  const char* text = std::getenv(name);
  auto value = text ? base::parse_int(text) : std::nullopt;
  return value && *value > 0 ? static_cast<unsigned>(*value) : 0;
}

// Throws Error(invalid) that names the flag.
Options parse(const std::vector<std::string>& arguments, const std::vector<std::string>& known) {
  Options options;
  options.up.program = own_path();
  options.up.owner = {number_in_environment("SUDO_UID"), number_in_environment("SUDO_GID")};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& flag = arguments[i];
    if (std::ranges::find(known, flag) == known.end())
      throw base::Error(base::Code::invalid,
                        cat("unknown flag ", flag, "; there is: ", base::join(known, " ")));
    auto value = [&]() -> const std::string& {
      if (i + 1 >= arguments.size())
        throw base::Error(base::Code::invalid, flag + " needs a value");
      return arguments[++i];
    };
    if (flag == "--state")
      options.up.layout.root = value();
    else if (flag == "--node-name")
      options.up.node_name = value();
    else if (flag == "--detach")
      options.detach = true;
    else if (flag == "--yes")
      options.yes = true;
    else if (flag == "--allow-host-image")
      options.up.host_image = true;
    else if (flag == "--port") {
      auto port = base::parse_int(value());
      if (!port || *port < 1 || *port > 65535)
        throw base::Error(base::Code::invalid, "--port must be a number from 1 to 65535");
      options.up.port = static_cast<std::uint16_t>(*port);
    }
  }
  std::string& root = options.up.layout.root;
  if (!root.starts_with('/')) {
    char here[4096];
    if (::getcwd(here, sizeof here)) root = cat(here, "/", root);
  }
  return options;
}

// Runs a command of a user: words for what went wrong, and its exit code.
template <class Command>
int guarded(const std::vector<std::string>& arguments, const std::vector<std::string>& known,
            Command&& command) {
  try {
    Options options = parse(arguments, known);
    if (::geteuid() != 0) {
      say(cat("sympozium needs root for this (namespaces, mounts, control groups): sudo ",
              own_path(), " …"));
      return exit_refused;
    }
    return command(options);
  } catch (const base::Error& error) {
    say(cat("sympozium: ", error.what()));
    return error.code() == base::Code::invalid  ? exit_usage
           : error.code() == base::Code::exists ? exit_refused
                                                : exit_error;
  }
}

// One request that the new server answers once it serves: its socket is open from the start.
io::Task<int> ask_ready(io::Loop& loop, base::Clock& clock, std::string kubeconfig) {
  const kube::Config config = kube::load_kubeconfig({kubeconfig});
  kube::Endpoint endpoint = kube::make_endpoint(config);
  io::HttpClient client(loop, clock, endpoint.dialer(), endpoint.host);
  io::Request request{"GET", "/readyz", {}, ""};
  io::Response response = co_await client.send(std::move(request), ready_limit);
  co_return response.status;
}

// `listening` reads its end when the shim holds the sockets, or has failed.
int report_ready(const home::Plan& plan, const Options& options, base::Instant began,
                 io::Fd listening) {
  char byte;
  [[maybe_unused]] auto got = ::read(listening.get(), &byte, 1);
  io::Loop loop;
  io::SystemClock clock(loop);
  int status = 0;
  try {
    status = loop.run(ask_ready(loop, clock, plan.admin_kubeconfig));
  } catch (const base::Error& error) {
    say(cat("sympozium: the API server does not answer: ", error.what()));
  }
  if (status != 200) {
    say(cat("sympozium: not ready; see ", options.up.layout.path("log/sympozium.log")));
    return exit_error;
  }
  const auto took = clock.steady() - began;
  std::printf("ready after %lld ms\nexport KUBECONFIG=%s\n", static_cast<long long>(took.count()),
              plan.admin_kubeconfig.c_str());
  std::fflush(stdout);
  return 0;
}

// The shim keeps the lock: its life is the home's life.
[[noreturn]] void become_shim(home::Plan plan, const Options& options, int listening) {
  plan.shim.listening = [listening] { ::close(listening); };
  if (options.detach) {
    ::setsid();
    const std::string log = options.up.layout.path("log/sympozium.log");
    const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, STDIN_FILENO);
    ::dup2(file, STDOUT_FILENO);
    ::dup2(file, STDERR_FILENO);
  }
  std::exit(node::shim::run(plan.shim));
}

int up(const Options& options) {
  io::init_crypto();
  base::Instant began;
  home::Plan plan;
  std::unique_ptr<home::StateLock> lock;
  {
    io::Loop loop;
    io::SystemClock clock(loop);
    began = clock.steady();
    io::make_directories(options.up.layout.root, 0711);
    lock = std::make_unique<home::StateLock>(options.up.layout);
    plan = home::prepare_embedded(options.up, clock);
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) io::throw_errno("making", "a pipe");
  io::Fd listening(ends[0]);
  // The one that reports ends soon; the other one is the home.
  const pid_t child = ::fork();
  if (child < 0) throw base::Error(base::Code::internal, "cannot fork");
  const bool report = options.detach ? child != 0 : child == 0;
  if (report) {
    ::close(ends[1]);
    const int code = report_ready(plan, options, began, std::move(listening));
    if (!options.detach) ::_exit(code);
    if (code != 0) ::kill(child, SIGTERM);
    return code;
  }
  lock->note_owner();
  become_shim(std::move(plan), options, ends[1]);
}

// True when the process ended in time.
bool wait_for_end(pid_t pid, int ms) {
  io::Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return true;
  pollfd wait{process.get(), POLLIN, 0};
  return ::poll(&wait, 1, ms) > 0;
}

int down(const Options& options) {
  const auto pid = home::running(options.up.layout);
  if (!pid) {
    say(cat("sympozium is not running in ", options.up.layout.root));
    return exit_refused;
  }
  if (::kill(*pid, SIGTERM) != 0) io::throw_errno("stopping", cat("process ", *pid));
  if (wait_for_end(*pid, stop_ms_max)) return 0;
  say(cat("sympozium: process ", *pid, " did not end within ", stop_ms_max / 1000, " s"));
  return exit_error;
}

int status(const Options& options) {
  const auto pid = home::running(options.up.layout);
  if (!pid) {
    say(cat("sympozium is not running in ", options.up.layout.root,
            "; start it with `sudo sympozium up`"));
    return exit_refused;
  }
  io::init_crypto();
  io::Loop loop;
  io::SystemClock clock(loop);
  const int answer = loop.run(ask_ready(loop, clock, options.up.layout.admin_kubeconfig()));
  std::printf("process     %d\nstate       %s\nkubeconfig  %s\nAPI server  %s\n", *pid,
              options.up.layout.root.c_str(), options.up.layout.admin_kubeconfig().c_str(),
              answer == 200 ? "ready" : "not ready");
  return answer == 200 ? 0 : exit_error;
}

int reset(const Options& options) {
  if (home::running(options.up.layout)) {
    say("sympozium is running; stop it first: sudo sympozium down");
    return exit_refused;
  }
  if (!io::find_file(options.up.layout.path("lock"), 64)) {
    say(cat(options.up.layout.root, " is no state folder of sympozium; nothing was removed"));
    return exit_refused;
  }
  if (!options.yes) {
    say(cat("this removes ", options.up.layout.root,
            " with every object and journal in it; say so with --yes"));
    return exit_refused;
  }
  io::remove_tree(options.up.layout.root);
  return 0;
}

}  // namespace

int run_up(const std::vector<std::string>& arguments) {
  return guarded(arguments, {"--detach", "--state", "--port", "--node-name", "--allow-host-image"},
                 up);
}
int run_down(const std::vector<std::string>& arguments) {
  return guarded(arguments, {"--state"}, down);
}
int run_status(const std::vector<std::string>& arguments) {
  return guarded(arguments, {"--state"}, status);
}
int run_reset(const std::vector<std::string>& arguments) {
  return guarded(arguments, {"--state", "--yes"}, reset);
}

}  // namespace app
