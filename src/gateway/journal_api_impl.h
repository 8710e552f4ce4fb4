// The requests of the journal API, by subject: journal_api_runs.cpp, journal_api_streams.cpp,
// journal_api_audit.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/journal_api.h"

namespace gateway {

// What is asked: …/namespaces/NS/RESOURCE/NAME/SUB/REST?…
struct Asked {
  std::string ns, resource, name, sub, rest;
  io::Target target;

  std::int64_t number(std::string_view parameter, std::int64_t otherwise) const;
  bool watch() const { return target.get("watch") == "true" || target.get("watch") == "1"; }
};

struct JournalApi::Impl {
  static constexpr std::size_t page_events = 200;

  io::Loop& loop;
  base::Clock& clock;
  base::Log& log;
  io::BlockingPool& pool;
  journal::Journal& journal;
  journal::Archive& archive;
  journal::Checkpoints& checkpoints;
  kube::Api& api;
  JournalApiSettings settings;
  Deltas none{};  // of a process without a gateway

  // Runs.
  struct Run {
    std::string uid;
    journal::RunState state;
  };
  // By UID, else the latest of that name.
  io::Task<Run> get_run(std::string ns, std::string name);
  io::Task<base::Json> describe(Run);
  io::Task<base::Json> list_runs(Asked);
  io::Task<base::Json> import(std::string ns, std::string text, std::string user);
  io::Task<bool> is_living(std::string uid);
  io::Task<> forget(std::string uid);
  // Forgets a run, or erases its contents. One that goes on is refused with Error(conflict); one
  // whose object was deleted before it had ended is ended first.
  io::Task<base::Json> remove(Run, std::string what, std::string user);
  // Only what the run names: what others wrote is none of its namespace's business.
  io::Task<std::string> get_blob(Run, std::string name);

  // Streams.
  base::Duration limit_of(const Asked&) const;
  io::Task<> stream(io::Exchange&, base::Duration limit, io::Task<>);
  // Until the task has ended, the client has gone or the time is over.
  io::Task<> while_heard(io::Exchange&, base::Duration limit, io::Task<>);
  io::Task<> write_run_events(io::Exchange&, Run, std::int64_t after, bool watch);
  // Which events of a namespace are asked for.
  struct Filter {
    std::string ns, run, agent;
    std::int64_t limit = 0;  // 0: all
  };
  // What is known of the runs that a stream has met.
  struct Met {
    journal::RunState state;
    bool wanted = true;
  };
  io::Task<Met> meet(const std::string& uid, const Filter&);
  io::Task<> write_history(io::Exchange&, Filter, std::int64_t after, bool watch);
  io::Task<> serve_history(io::Exchange&, Asked);
  io::Task<> write_deltas(io::Exchange&, std::unique_ptr<Deltas::Reader>, bool watch);
  io::Task<> serve_deltas(io::Exchange&, Asked);
  io::Task<> write_export(io::Exchange&, Run);
  io::Task<> say_fault(io::Exchange&, std::string run, std::int64_t seq, std::string what);
  io::Task<std::vector<journal::Event>> find_events(io::Exchange&, std::string run,
                                                    std::int64_t after, std::size_t limit);
  io::Task<std::vector<std::string>> find_names(io::Exchange&, journal::Event);
  io::Task<std::string> find_content(io::Exchange&, journal::Event, std::string name);
  io::Task<std::optional<std::string>> find_blob(std::string name);

  // What was signed.
  io::Task<> write_checkpoints(io::Exchange&, std::string ns, std::int64_t after);
  struct Proven {
    std::int64_t checkpoints = 0, proofs = 0;  // that were written
  };
  io::Task<Proven> write_proofs(io::Exchange&, Run);

  // Requests.
  io::Task<> serve_run(io::Exchange&, Asked);
  io::Task<> serve(io::Exchange&);
  io::Task<> handle(io::Exchange&);
};

}  // namespace gateway
