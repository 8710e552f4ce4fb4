// The journal's tables in SQLite, and what is done to them inside one transaction.
#pragma once

#include "journal/archive.h"
#include "journal/checkpoints.h"
#include "journal/journal.h"
#include "sqlite/database.h"

namespace journal {

const sqlite::FileKind& file_kind();

// Inside a writer's job. `append` gives the number of the last event; errors as Journal::append.
std::int64_t append(sqlite::Database&, const Batch&, base::Time now);
void set_consumers(sqlite::Database&, const std::vector<std::string>& consumers);
void acknowledge(sqlite::Database&, const std::string& consumer, std::int64_t position);
void erase_run(sqlite::Database&, const std::string& run);
void forget_run(sqlite::Database&, const std::string& run);
void import_run(sqlite::Database&, const ImportedRun&, const RunState&);
void add_checkpoint(sqlite::Database&, const Checkpoint&, const std::vector<Head>&,
                    const AuditKey&);

// Inside a read.
std::optional<RunState> find_state(sqlite::Database&, const std::string& run);
std::vector<Event> list_events(sqlite::Database&, const std::string& run, std::int64_t after,
                               std::size_t limit);
std::optional<Event> find_event(sqlite::Database&, const std::string& run, Kind,
                                const std::string& subject);
std::string get_blob(sqlite::Database&, const std::string& sha256_hex);
std::vector<Delivery> list_deliveries(sqlite::Database&, const std::string& consumer,
                                      std::optional<std::int64_t> after, std::size_t limit);
std::vector<RunEntry> list_runs(sqlite::Database&, const RunFilter&, std::size_t limit);
std::vector<RunEntry> list_ended(sqlite::Database&, base::Time before, std::size_t limit);
std::vector<Delivery> list_history(sqlite::Database&, const std::string& ns, std::int64_t after,
                                   std::size_t limit);
std::int64_t last_position(sqlite::Database&, const std::string& ns, base::Time before);
std::vector<std::string> list_unsigned_namespaces(sqlite::Database&);
Checkpoints::Unsigned list_unsigned(sqlite::Database&, const std::string& ns, std::size_t limit);
std::vector<AuditKey> list_audit_keys(sqlite::Database&);
std::vector<Checkpoint> list_checkpoints(sqlite::Database&, const std::string& ns,
                                         std::int64_t after, std::size_t limit);
std::vector<Head> list_heads(sqlite::Database&, const std::string& ns, std::int64_t number);
std::vector<std::int64_t> list_numbers(sqlite::Database&, const std::string& ns,
                                       const std::string& run);

}  // namespace journal
