// The journal's tables in PostgreSQL, and the statements that are sent to them. How fence, order
// and contents hold there: docs/adr.
#pragma once

#include "journal/archive.h"
#include "journal/checkpoints.h"
#include "postgres/connection.h"

namespace journal {

const postgres::Schema& postgres_schema();

// NOTIFY's channel: "look again". The payload names who wrote.
inline constexpr auto news_channel = "sympozium_journal";

// A batch as it goes to the server: contents compressed, hashes taken. All that is costly is done
// here, so that it may be done beside the loop.
struct PreparedBatch {
  std::string run;
  std::vector<postgres::Value> fixed, events;  // parameters
  postgres::Value last;                        // the number that its last event is to get, or NULL
  std::vector<postgres::Value> contents;       // empty: none
};
PreparedBatch prepare(const Batch&, base::Time now, std::string batch_id);

enum class Try : unsigned char {
  first,
  again,  // it may have been written: look for its batch_id
};
postgres::Transaction append_to(const PreparedBatch&, Try);
std::int64_t appended(const std::vector<postgres::Result>&);  // the number of the last event
bool is_not_last(const postgres::SqlError&);                  // refused for its `after`

postgres::Transaction import_to(const ImportedRun&, const RunState&);

postgres::Transaction select_state(const std::string& run);
std::optional<RunState> state_in(const std::vector<postgres::Result>&);
postgres::Transaction select_events(const std::string& run, std::int64_t after, std::size_t limit);
postgres::Transaction select_event(const std::string& run, Kind, const std::string& subject);
std::vector<Event> events_in(const std::vector<postgres::Result>&);
postgres::Transaction select_blobs(const std::vector<std::string>& sha256_hex);
std::vector<std::string> blobs_in(const std::vector<postgres::Result>&,
                                  const std::vector<std::string>& sha256_hex);

postgres::Transaction set_consumers(const std::vector<std::string>& consumers);
postgres::Transaction select_deliveries(const std::string& consumer,
                                        std::optional<std::int64_t> after, std::size_t limit);
// Error(not_found) when there is no such consumer.
std::vector<Delivery> deliveries_in(const std::vector<postgres::Result>&,
                                    const std::string& consumer);
postgres::Transaction acknowledge_in(const std::string& consumer, std::int64_t position);
postgres::Transaction erase_in(const std::string& run);
postgres::Transaction forget_in(const std::string& run);
postgres::Transaction listen_for_news(std::int64_t writer);  // and be known to be at work
postgres::Transaction look_for_writer(std::int64_t writer);
bool is_at_work(const std::vector<postgres::Result>&);
postgres::Transaction tell_news(const std::string& writer);

postgres::Transaction select_runs(const RunFilter&, std::size_t limit);
postgres::Transaction select_ended(base::Time before, std::size_t limit);
std::vector<RunEntry> runs_in(const std::vector<postgres::Result>&);
postgres::Transaction select_history(const std::string& ns, std::int64_t after, std::size_t limit);
std::vector<Delivery> history_in(const std::vector<postgres::Result>&);
postgres::Transaction select_position(const std::string& ns, base::Time before);
std::int64_t position_in(const std::vector<postgres::Result>&);

// Checkpoints: postgres_checkpoints.cpp.
postgres::Transaction select_unsigned_namespaces();
std::vector<std::string> namespaces_in(const std::vector<postgres::Result>&);
postgres::Transaction select_unsigned(const std::string& ns, std::size_t limit);
Checkpoints::Unsigned unsigned_in(const std::vector<postgres::Result>&);
postgres::Transaction add_checkpoint_to(const Checkpoint&, const std::vector<Head>&,
                                        const AuditKey&);
postgres::Transaction select_keys();
std::vector<AuditKey> keys_in(const std::vector<postgres::Result>&);
postgres::Transaction select_checkpoints(const std::string& ns, std::int64_t after,
                                         std::size_t limit);
std::vector<Checkpoint> checkpoints_in(const std::vector<postgres::Result>&);
postgres::Transaction select_heads(const std::string& ns, std::int64_t number);
std::vector<Head> heads_in(const std::vector<postgres::Result>&);
postgres::Transaction select_numbers(const std::string& ns, const std::string& run);
std::vector<std::int64_t> numbers_in(const std::vector<postgres::Result>&);

}  // namespace journal
