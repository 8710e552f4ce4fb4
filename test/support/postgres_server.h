// A PostgreSQL server of the test's own: in a temporary folder, on a unix socket only.
#pragma once

#include <string>
#include <vector>

#include "support/temp_directory.h"

namespace test {

class PostgresServer {
 public:
  // In memory where there is room: what a killed process has written is still there, and a cluster
  // is thousands of files to make and remove. On disk: for what measures.
  enum class Place : bool { memory, disk };
  // Makes a cluster of the newest version that is installed and starts it with these settings
  // ("fsync = off" only where a test says why). As user postgres when we are root, which the
  // server refuses to be.
  explicit PostgresServer(std::vector<std::string> settings = {}, Place = Place::memory);
  // A standby of that one, which must run.
  struct Standby {};
  PostgresServer(Standby, const PostgresServer& primary);
  ~PostgresServer();  // ends it
  PostgresServer(const PostgresServer&) = delete;

  void start();  // returns when it takes connections
  void kill();   // the server and all that serve for it, as a power cut would
  void stop();   // immediately, as `pg_ctl stop -m immediate`; clients are told
  void set(const std::string& setting);  // and loads it
  void own(const std::string& folder);   // makes it the server's
  // Puts a line before all others of pg_hba.conf.
  void admit(const std::string& line);

  // Of the superuser `postgres`; no password is asked for.
  std::string conninfo(const std::string& database = "postgres") const;
  std::string make_database();  // a new one: its conninfo
  // What psql prints, tuples only, for a conninfo.
  std::string query(const std::string& conninfo, const std::string& sql) const;

 private:
  void make_folders();
  void append(const std::string& file, const std::string& text) const;
  std::string program(const std::string& name) const;
  std::string run(const std::vector<std::string>& argv) const;
  void reload() const;

  TempDirectory folder_;
  std::string data_ = folder_ / "data";
  std::string socket_ = folder_ / "socket";
  int pid_ = 0, databases_ = 0;
};

// One for all tests of a program that do not mind what others did to it.
PostgresServer& shared_postgres();

}  // namespace test
