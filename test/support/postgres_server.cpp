#include "support/postgres_server.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace test {

namespace {

constexpr int patience_ms = 60'000;

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

// The user that serves; ourselves unless we are root.
const passwd* server_user() {
  if (::getuid() != 0) return nullptr;
  const passwd* user = ::getpwnam("postgres");
  if (!user) fail("there is no user postgres: run ./setup");
  return user;
}

// Starts a program as the server's user; `out` is its standard output and error. Between fork and
// exec there are system calls only: the test may have threads.
pid_t start_program(const std::vector<std::string>& argv, int out, int death_signal) {
  const passwd* user = server_user();
  const uid_t uid = user ? user->pw_uid : 0;
  const gid_t gid = user ? user->pw_gid : 0;
  std::vector<char*> words;
  for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const char* env[] = {"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", nullptr};
  sigset_t none;
  sigemptyset(&none);
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  const bool changed =
      !user || (::setgroups(0, nullptr) == 0 && ::setgid(gid) == 0 && ::setuid(uid) == 0);
  ::prctl(PR_SET_PDEATHSIG, death_signal);
  if (changed && ::chdir("/") == 0) ::execve(words[0], words.data(), const_cast<char**>(env));
  ::_exit(127);
}

bool has_ended(int pidfd, int wait_ms) {
  pollfd end{pidfd, POLLIN, 0};
  return ::poll(&end, 1, wait_ms) > 0;
}

std::filesystem::path folder_in(PostgresServer::Place place) {
  const std::filesystem::path memory = "/dev/shm";
  std::error_code absent;
  const auto space = std::filesystem::space(memory, absent);
  const bool roomy = !absent && space.available > std::uintmax_t{1} << 30;
  return place == PostgresServer::Place::memory && roomy ? memory
                                                         : std::filesystem::temp_directory_path();
}

int open_pid(int pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

}  // namespace

PostgresServer::PostgresServer(std::vector<std::string> settings, Place place)
    : folder_(folder_in(place)) {
  make_folders();
  run({program("initdb"), "-D", data_, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync",
       "--locale=C.UTF-8"});
  settings.insert(
      settings.begin(),
      {"listen_addresses = ''", "unix_socket_directories = '" + socket_ + "'",
       "max_connections = 100",  // All files of a cluster, one by one, after each crash:
       "recovery_init_sync_method = syncfs", "shared_buffers = 32MB"});
  for (const auto& setting : settings) append("postgresql.conf", setting);
  start();
}

PostgresServer::PostgresServer(Standby, const PostgresServer& primary)
    : folder_(folder_in(Place::memory)) {
  make_folders();
  run({program("pg_basebackup"), "-D", data_, "-h", primary.socket_, "-U", "postgres", "-R",
       "--checkpoint=fast", "--no-sync"});
  append("postgresql.conf", "unix_socket_directories = '" + socket_ + "'");
  start();
}

PostgresServer::~PostgresServer() {
  if (pid_ != 0) stop();
}

void PostgresServer::make_folders() {
  ::chmod(folder_.path().c_str(), 0711);
  for (const auto& path : {data_, socket_}) {
    std::filesystem::create_directory(path);
    own(path);
  }
}

void PostgresServer::own(const std::string& folder) {
  ::chmod(folder.c_str(), 0700);
  if (const passwd* user = server_user())
    if (::chown(folder.c_str(), user->pw_uid, user->pw_gid) != 0) fail("chown " + folder);
}

void PostgresServer::append(const std::string& file, const std::string& text) const {
  std::ofstream(data_ + "/" + file, std::ios::app) << text << "\n";
}

std::string PostgresServer::program(const std::string& name) const {
  std::string found;
  int newest = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql")) {
    const int version = std::atoi(entry.path().filename().c_str());
    const std::string path = entry.path() / "bin" / name;
    if (version > newest && ::access(path.c_str(), X_OK) == 0) {
      newest = version;
      found = path;
    }
  }
  if (found.empty()) fail("PostgreSQL's " + name + " is not installed: run ./setup");
  return found;
}

std::string PostgresServer::run(const std::vector<std::string>& argv) const {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
  const pid_t child = start_program(argv, ends[1], SIGKILL);
  ::close(ends[1]);
  std::string out;
  char buffer[4096];
  for (ssize_t size; (size = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<std::size_t>(size));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) fail(argv.front() + ": " + out);
  return out;
}

void PostgresServer::start() {
  const std::string pid_file = data_ + "/postmaster.pid";
  const int changes = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  ::inotify_add_watch(changes, data_.c_str(), IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE);
  const int log =
      ::open((folder_ / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  pid_ = start_program({program("postgres"), "-D", data_}, log, SIGQUIT);
  ::close(log);
  const int pidfd = open_pid(pid_);
  for (bool ready = false; !ready;) {
    pollfd wait[] = {{changes, POLLIN, 0}, {pidfd, POLLIN, 0}};
    if (::poll(wait, 2, patience_ms) <= 0 || wait[1].revents != 0)
      fail("PostgreSQL does not start: " + read_text(folder_ / "log"));
    char buffer[4096];
    while (::read(changes, buffer, sizeof buffer) > 0) {}
    // Its last line says so; "standby" is a standby that takes reading connections.
    const std::string text = read_text(pid_file);
    ready = text.starts_with(std::to_string(pid_) + "\n") &&
            (text.contains("\nready") || text.contains("\nstandby"));
  }
  ::close(pidfd);
  ::close(changes);
}

void PostgresServer::kill() {
  // Stopped first, so that it starts no more; then all of its children, which lead sessions of
  // their own.
  ::kill(pid_, SIGSTOP);
  const std::string id = std::to_string(pid_);
  std::stringstream children(read_text("/proc/" + id + "/task/" + id + "/children"));
  std::vector<int> ends;
  for (int child; children >> child;) {
    ends.push_back(open_pid(child));
    ::syscall(SYS_pidfd_send_signal, ends.back(), SIGKILL, nullptr, 0);
  }
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  for (const int end : ends) {
    if (!has_ended(end, patience_ms)) fail("a PostgreSQL backend does not die");
    ::close(end);
  }
  pid_ = 0;
}

void PostgresServer::stop() {
  ::kill(pid_, SIGQUIT);
  const int end = open_pid(pid_);
  if (!has_ended(end, patience_ms)) ::kill(pid_, SIGKILL);
  ::close(end);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void PostgresServer::set(const std::string& setting) {
  query(conninfo(), "ALTER SYSTEM SET " + setting);
  reload();
}

void PostgresServer::admit(const std::string& line) {
  const std::string path = data_ + "/pg_hba.conf";
  const std::string rest = read_text(path);
  std::ofstream(path) << line << "\n" << rest;
  reload();
}

// Returns when new sessions see it.
void PostgresServer::reload() const {
  const std::string before = query(conninfo(), "SELECT pg_conf_load_time()");
  query(conninfo(), "SELECT pg_reload_conf()");
  while (query(conninfo(), "SELECT pg_conf_load_time()") == before) {}
}

std::string PostgresServer::conninfo(const std::string& database) const {
  return "host=" + socket_ + " user=postgres dbname=" + database;
}

std::string PostgresServer::make_database() {
  const std::string name = "test" + std::to_string(++databases_);
  query(conninfo(), "CREATE DATABASE " + name);
  return conninfo(name);
}

std::string PostgresServer::query(const std::string& conninfo, const std::string& sql) const {
  std::string out = run({program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
                         conninfo, "-c", sql});
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

PostgresServer& shared_postgres() {
  static PostgresServer server;
  return server;
}

}  // namespace test
