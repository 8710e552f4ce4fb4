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

#include "apps/roles/flags.h"
#include "base/text.h"
#include "home/manifests.h"
#include "home/plan.h"
#include "io/crypto.h"
#include "io/http.h"
#include "io/process.h"
#include "kube/client.h"
#include "kube/kubeconfig.h"
#include "schema/yaml.h"

namespace app {

using base::cat;

namespace {

constexpr int exit_error = 1, exit_usage = 2, exit_refused = 3;
constexpr auto ready_limit = std::chrono::seconds(30);
constexpr int stop_ms_max = 40'000;
constexpr std::size_t conninfo_bytes_max = 64 * 1024;
constexpr base::Duration migrate_limit{600'000};
constexpr std::string_view server_says = "sympozium-server: ";

struct Options {
  home::UpOptions up;
  std::string kubeconfig, context;  // of somebody else's cluster; "": the embedded home
  std::string database;             // file with a connection string; "": the journal is a file here
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

std::uint16_t parse_port(const std::string& flag, const std::string& text) {
  auto port = base::parse_int(text);
  if (!port || *port < 1 || *port > 65535)
    throw base::Error(base::Code::invalid,
                      cat(flag, ": \"", text, "\" must be a number from 1 to 65535"));
  return static_cast<std::uint16_t>(*port);
}

std::string absolute(std::string path) {
  char here[4096];
  if (path.starts_with('/') || !::getcwd(here, sizeof here)) return path;
  return cat(here, "/", path);
}

void check_loops(const std::string& list) {
  static constexpr std::string_view known[]{"jobs", "binder", "garbage"};
  for (const auto& name : base::split(list, ','))
    if (!name.empty() && std::ranges::find(known, name) == std::end(known))
      throw base::Error(base::Code::invalid,
                        cat("--loops: \"", name, "\" is none of jobs, binder, garbage"));
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
    else if (flag == "--kubeconfig")
      options.kubeconfig = absolute(value());
    else if (flag == "--database")
      options.database = absolute(value());
    else if (flag == "--context")
      options.context = value();
    else if (flag == "--node-name")
      options.up.node_name = value();
    else if (flag == "--loops")
      check_loops(options.up.loops.emplace(value()));
    else if (flag == "--forget-after")
      options.up.forget_after = parse_age(flag, value());
    else if (flag == "--detach")
      options.detach = true;
    else if (flag == "--yes")
      options.yes = true;
    else if (flag == "--allow-host-image")
      options.up.host_image = true;
    else if (flag == "--port")
      options.up.port = parse_port(flag, value());
    else if (flag == "--metrics-port")
      options.up.metrics_port = parse_port(flag, value());
  }
  if (!options.up.node_name.empty() && !base::is_dns_subdomain(options.up.node_name))
    throw base::Error(base::Code::invalid,
                      cat("--node-name: \"", options.up.node_name,
                          "\" is no name; use lower-case letters, digits, '-' and '.'"));
  options.up.layout.root = absolute(options.up.layout.root);
  return options;
}

// Runs a command of a user: words for what went wrong, and its exit code.
template <class Command>
int guarded(const std::vector<std::string>& arguments, const std::vector<std::string>& known,
            const char* help, Command&& command) {
  try {
    if (std::ranges::any_of(arguments, [](const auto& a) { return a == "--help" || a == "-h"; })) {
      std::fputs(help, stdout);
      return 0;
    }
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
  io::Request request{"GET", "/readyz", {{"User-Agent", "sympozium/" SYMPOZIUM_VERSION}}, ""};
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

// Where the administrator's user of another cluster gets us our identities.
home::Plan plan_for_cluster(io::Loop& loop, base::Clock& clock, const Options& options) {
  const kube::Config config = kube::load_kubeconfig({options.kubeconfig}, options.context);
  if (config.tls.insecure_skip_verify || config.tls.ca_pem.empty())
    throw base::Error(base::Code::invalid, cat(options.kubeconfig,
                                               ": the cluster needs certificate-authority or "
                                               "certificate-authority-data"));
  kube::Client api(loop, clock, kube::make_endpoint(config),
                   {.user_agent = "sympozium-up/" SYMPOZIUM_VERSION});
  auto planned = home::prepare_cluster(options.up, clock, options.kubeconfig, config, api);
  return loop.run(std::move(planned));
}

// ---- a journal elsewhere ----

std::string server_program() {
  const std::string own = own_path();
  return own.substr(0, own.rfind('/') + 1) + "sympozium-server";
}

// A home that changes its journal forgets what its runs have done, and pays for it once more.
void check_same_journal(const Options& options) {
  const home::Layout& layout = options.up.layout;
  const std::string kept = options.database.empty() ? layout.database() : layout.journal();
  if (::access(kept.c_str(), F_OK) != 0) return;
  throw base::Error(base::Code::exists,
                    options.database.empty()
                        ? cat("the journal of ", layout.root,
                              " is in a database: start it with "
                              "--database FILE, or choose another folder with --state")
                        : cat("--database: the journal of ", layout.root, " is ", kept,
                              ": start it without, or choose another folder with --state"));
}

// The database is tried as the gateway's user and brought up to date before anything starts, so
// that whoever asked for it reads what is wrong.
home::UpOptions::Database find_database(io::Loop& loop, base::Clock& clock,
                                        const Options& options) {
  home::UpOptions::Database database{server_program(), base::Secret<std::string>("")};
  if (::access(database.program.c_str(), X_OK) != 0)
    throw base::Error(base::Code::unavailable,
                      cat("--database: the program that serves it is missing: install ",
                          database.program, " beside sympozium"));
  auto text = io::find_file(options.database, conninfo_bytes_max);
  if (!text)
    throw base::Error(base::Code::invalid, cat("--database ", options.database,
                                               ": there is no such file; it holds the connection "
                                               "string of a PostgreSQL database"));
  io::ProcessSpec migrate{.argv = {database.program, "migrate", "--database", "-"}, .env = {}};
  migrate.user = {{home::uid_gateway, home::uid_gateway}};
  auto migrating = io::run_command(loop, clock, std::move(migrate), *text, migrate_limit);
  const io::CommandResult done = loop.run(std::move(migrating));
  if (done.code != 0) {
    std::string_view why = base::trim(done.err);
    if (const auto end = why.rfind(server_says); end != why.npos)
      why.remove_prefix(end + server_says.size());
    throw base::Error(done.code == exit_usage ? base::Code::invalid : base::Code::unavailable,
                      cat("--database ", options.database, ": ", why));
  }
  database.conninfo = base::Secret<std::string>(*std::move(text));
  return database;
}

int up(const Options& asked) {
  io::init_crypto();
  Options options = asked;
  base::Instant began;
  home::Plan plan;
  std::unique_ptr<home::StateLock> lock;
  {
    io::Loop loop;
    io::SystemClock clock(loop);
    began = clock.steady();
    io::make_directories(options.up.layout.root, 0711);
    lock = std::make_unique<home::StateLock>(options.up.layout);
    check_same_journal(options);
    if (!options.database.empty()) options.up.database = find_database(loop, clock, options);
    plan = options.kubeconfig.empty() ? home::prepare_embedded(options.up, clock)
                                      : plan_for_cluster(loop, clock, options);
    io::write_file(options.up.layout.path("kubeconfig-path"), plan.admin_kubeconfig, 0644);
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
  const std::string kubeconfig = io::find_file(options.up.layout.path("kubeconfig-path"))
                                     .value_or(options.up.layout.admin_kubeconfig());
  const int answer = loop.run(ask_ready(loop, clock, kubeconfig));
  const home::Layout& layout = options.up.layout;
  const bool elsewhere = ::access(layout.database().c_str(), F_OK) == 0;
  std::printf(
      "process     %d\nstate       %s\nkubeconfig  %s\njournal     %s\nAPI server  %s\n", *pid,
      layout.root.c_str(), kubeconfig.c_str(),
      elsewhere ? cat("the database of ", layout.database()).c_str() : layout.journal().c_str(),
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
  const bool elsewhere = ::access(options.up.layout.database().c_str(), F_OK) == 0;
  if (!options.yes) {
    say(cat("this removes ", options.up.layout.root,
            elsewhere ? " with every object in it, not what the database holds of its runs"
                      : " with every object and journal in it",
            "; say so with --yes"));
    return exit_refused;
  }
  io::remove_tree(options.up.layout.root);
  return 0;
}

}  // namespace

int run_up(const std::vector<std::string>& arguments) {
  return guarded(
      arguments,
      {"--detach", "--state", "--port", "--node-name", "--allow-host-image", "--metrics-port",
       "--kubeconfig", "--context", "--loops", "--database", "--forget-after"},
      "usage: sudo sympozium up [flags]\n"
      "\n"
      "Starts the embedded home on this machine: a Kubernetes API server, the controllers,\n"
      "the gateway, and a node that runs pods. With --kubeconfig the API server is that\n"
      "cluster's and this machine becomes one of its nodes.\n"
      "\n"
      "  --detach             return when it is ready; `sympozium down` ends it\n"
      "  --state DIR          where everything is kept (default /var/lib/sympozium)\n"
      "  --port N             of the API server (default: the one of last time, else a free one)\n"
      "  --metrics-port N     serve Prometheus metrics at 127.0.0.1:N/metrics\n"
      "  --node-name NAME     (default: this machine's host name)\n"
      "  --allow-host-image   let pods use this machine's /usr, read-only, as image `host`\n"
      "  --kubeconfig FILE    join the cluster of this administrator's kubeconfig\n"
      "  --context NAME       of that file (default: its current context)\n"
      "  --database FILE      keep the journal in the PostgreSQL database whose connection string\n"
      "                       FILE holds (14 or newer; needs sympozium-server beside this "
      "program)\n"
      "  --forget-after AGE   forget runs that ended longer ago, as 720h (default: never)\n"
      "  --loops LIST         which of jobs,binder,garbage run here (default: all; in a\n"
      "                       cluster none, its own controllers do that work)\n"
      "\n"
      "examples:\n"
      "  sudo sympozium up --detach && sympozium run first --task 'Write a haiku'\n"
      "  sympozium manifests | kubectl apply -f - && sudo sympozium up --kubeconfig "
      "~/.kube/config\n",
      up);
}
int run_down(const std::vector<std::string>& arguments) {
  return guarded(arguments, {"--state"},
                 "usage: sudo sympozium down [--state DIR]\n\nEnds what `sympozium up` started; "
                 "objects and journals stay.\n",
                 down);
}
int run_status(const std::vector<std::string>& arguments) {
  return guarded(arguments, {"--state"},
                 "usage: sudo sympozium status [--state DIR]\n\nSays whether it runs, and where.\n",
                 status);
}
int run_reset(const std::vector<std::string>& arguments) {
  return guarded(arguments, {"--state", "--yes"},
                 "usage: sudo sympozium reset --yes [--state DIR]\n\nRemoves the state folder with "
                 "every object and journal in it.\nA journal that `up --database` keeps in "
                 "PostgreSQL stays there.\n",
                 reset);
}

int run_manifests(const std::vector<std::string>& arguments) {
  home::WithLoops with_loops = home::WithLoops::no;
  for (const auto& argument : arguments) {
    if (argument == "--with-loops") {
      with_loops = home::WithLoops::yes;
      continue;
    }
    const bool help = argument == "--help" || argument == "-h";
    if (!help) say(cat("sympozium: unknown flag ", argument, "; there is: --with-loops"));
    std::fputs(
        "usage: sympozium manifests [--with-loops]\n"
        "\n"
        "Prints what a cluster needs before `sympozium up --kubeconfig`: a namespace, our kinds "
        "and\n"
        "our programs' rights. --with-loops adds the rights of the job, binder and garbage loops.\n"
        "\n"
        "example: sympozium manifests | kubectl apply -f -\n",
        help ? stdout : stderr);
    return help ? 0 : exit_usage;
  }
  for (const auto& manifest : home::cluster_manifests(with_loops))
    std::printf("---\n%s", schema::format_yaml(manifest).c_str());
  return 0;
}

}  // namespace app
