// audit verify, against journals that somebody has changed behind our back: with the file's rights
// and its SQL, but without the key.
#include "cli/seen_fixture_test.h"
#include "io/crypto.h"
#include "journal/tables.h"

namespace cli {
namespace {

using base::cat;
using sqlite::Database;

// Two runs and two checkpoints; the key has been changed in between.
struct AuditVerify : Seen {
  base::Secret<std::string> key_ = io::make_ed25519_key();
  const std::string key_file_ = directory_ / "audit.pub";
  std::string known_keys_;

  void sign() {
    const std::string pem = io::public_key_pem(key_);
    if (!has(known_keys_, pem)) known_keys_ += pem;
    io::write_file(key_file_, known_keys_, 0644);
    const auto next = loop_.run(journal_.unsigned_heads("default", 100));
    const auto checkpoint =
        journal::sign_checkpoint("default", next.latest, next.heads, clock_.now(), key_);
    loop_.run(journal_.add(checkpoint, next.heads, {io::public_key_id(pem), pem}));
  }
  void record_and_sign() {
    begin("uid-b", "b");
    sign();
    key_ = io::make_ed25519_key();
    record("uid-a", "a", "What does it say?", "hello");
    sign();
  }
  Result verify() { return call({"audit", "verify", "--key", key_file_}); }
};

TEST_F(AuditVerify, SaysWhoSignedWhatAndWhetherThatIsToBeBelieved) {
  record_and_sign();
  const Result known = verify();
  EXPECT_EQ(known.code, exit_ok) << known.out << known.err;
  EXPECT_TRUE(has(known.out, "namespace default: sound: 2 runs, 11 events\n")) << known.out;
  EXPECT_TRUE(has(known.out, ", which you trust")) << known.out;
  const Result named = call({"audit", "verify"});
  EXPECT_EQ(named.code, exit_ok);
  EXPECT_TRUE(has(named.out, ", which the server itself names: give --key")) << named.out;

  io::write_file(key_file_, io::public_key_pem(key_), 0644);  // the older one is none of them
  const Result stranger = verify();
  EXPECT_EQ(stranger.code, exit_error);
  EXPECT_TRUE(has(stranger.out, "1 checkpoint signed by key")) << stranger.out;
  EXPECT_TRUE(has(stranger.out, "none of those that you trust")) << stranger.out;
  io::write_file(key_file_, "no key", 0644);
  EXPECT_TRUE(has(verify().err, "holds no public key")) << verify().err;

  Batch more{.fence = {1, 1}};
  append("uid-b", more.add(journal::RunOutcome{}));
  const Result later = call({"audit", "verify"});
  EXPECT_EQ(later.code, exit_ok) << later.out;
  EXPECT_TRUE(has(later.out, ", 1 of them not signed yet")) << later.out;
  const Json json = parse_json(base::trim(call({"audit", "verify", "-o", "json"}).out));
  EXPECT_EQ(base::find_bool(json, {"valid"}), true);
  EXPECT_EQ(base::find_int(json, {"unsignedEvents"}), 1);
}

TEST_F(AuditVerify, AFileBringsItsSignaturesAlong) {
  record_and_sign();
  const std::string path = directory_ / "run.ndjson";
  io::write_file(path, call({"export", "a"}).out, 0600);
  const Result known = call({"audit", "verify", path, "--key", key_file_});
  EXPECT_EQ(known.code, exit_ok) << known.out;
  EXPECT_TRUE(has(known.out, path + ": sound: 9 events, 6 contents\n  1 checkpoint by key "))
      << known.out;
  EXPECT_TRUE(has(call({"audit", "verify", path}).out, "which the file itself names"));

  io::write_file(key_file_, io::public_key_pem(io::make_ed25519_key()), 0644);
  const Result stranger = call({"audit", "verify", path, "--key", key_file_});
  EXPECT_EQ(stranger.code, exit_error);
  EXPECT_TRUE(has(stranger.out, "none of those that you trust")) << stranger.out;

  Batch more{.fence = {1, 1}};
  append("uid-b", more.add(journal::ModelIntent{.turn = 1}).add(journal::RunOutcome{}));
  io::write_file(path, call({"export", "b"}).out, 0600);
  EXPECT_TRUE(
      has(call({"audit", "verify", path}).out, "4 events, 0 contents, signed up to event 1"));
  const Result part = call({"audit", "verify", path, "--key", directory_ / "audit.pub"});
  EXPECT_EQ(part.code, exit_error) << "what --key asks for is more";
}

TEST_F(AuditVerify, ErasedContentsAndForgottenRunsAreNoFaults) {
  record_and_sign();
  loop_.run(journal_.erase("uid-a"));
  EXPECT_EQ(verify().code, exit_ok) << verify().out;
  loop_.run(journal_.forget("uid-a"));
  EXPECT_EQ(verify().code, exit_ok) << verify().out;
  sign();
  EXPECT_EQ(verify().code, exit_ok) << verify().out;
}

// ---- somebody with a shell ----

struct Tampered : AuditVerify {
  Tampered() {
    record_and_sign();
    database_.emplace(directory_ / "journal.db", journal::file_kind(), sqlite::Access::read_write);
    for (const char* trigger : {"head_begins", "head_moves", "head_is_forgotten"})
      database_->execute(cat("DROP TRIGGER ", trigger));
  }
  struct Table {
    std::string name;
    std::vector<std::string> key, columns;
    std::size_t rows = 0;
  };
  Table open(const std::string& name) {
    Table table{name, {}, {}, 0};
    auto info = database_->query(cat("SELECT name, pk FROM pragma_table_info('", name, "')"));
    while (info.step()) {
      table.columns.push_back(info.text(0));
      if (info.integer(1) > 0) table.key.push_back(info.text(0));
    }
    database_->execute(
        cat("DROP TABLE IF EXISTS saved; CREATE TABLE saved AS SELECT * FROM ", name));
    table.rows = std::size_t(database_->query(cat("SELECT count(*) FROM ", name)).row().integer(0));
    return table;
  }
  void restore(const Table& table) {
    database_->execute(cat("BEGIN; DELETE FROM ", table.name, "; INSERT INTO ", table.name,
                           " SELECT * FROM saved; COMMIT"));
  }
  static std::string row(const Table& table, std::size_t index) {
    const std::string key = base::join(table.key, ", ");
    return cat(" WHERE (", key, ") = (SELECT ", key, " FROM saved ORDER BY ", key,
               " LIMIT 1 OFFSET ", index, ")");
  }
  // One bit of one column; another number where the changed one is taken.
  void flip(const Table& table, std::size_t index, const std::string& column) {
    const std::string update =
        cat("UPDATE ", table.name, " SET ", column, " = ?", row(table, index));
    auto old = database_->query(
        cat("SELECT typeof(", column, "), ", column, " FROM saved", row(table, index)));
    ASSERT_TRUE(old.step());
    const std::string type = old.text(0);
    if (type == "integer") {
      const std::int64_t value = old.integer(1);
      try {
        database_->run(update, value ^ 1);
      } catch (const base::Error&) {
        database_->run(update, value + 1000);
      }
      return;
    }
    std::string value = old.text(1);
    if (value.empty()) value = "x";
    char& byte = value[(index * 7 + column.size()) % value.size()];
    byte = static_cast<char>(byte ^ 1);
    if (type == "blob")
      database_->run(update, sqlite::Blob{value});
    else
      database_->run(update, value);
  }
  // Each row in the place of the other.
  void swap(const Table& table, std::size_t one, std::size_t other,
            const std::vector<std::string>& but) {
    for (const auto& column : table.columns) {
      if (std::ranges::find(table.key, column) != table.key.end()) continue;
      if (std::ranges::find(but, column) != but.end()) continue;
      const auto copy = [&](std::size_t to, std::size_t from) {
        database_->execute(cat("UPDATE ", table.name, " SET ", column, " = (SELECT ", column,
                               " FROM saved", row(table, from), ")", row(table, to)));
      };
      copy(one, other);
      copy(other, one);
    }
  }
  // What the row is called.
  std::string name_of(const Table& table, std::size_t index) {
    auto key = database_->query(cat("SELECT * FROM saved", row(table, index)));
    EXPECT_TRUE(key.step());
    if (table.name == "events") return cat("run ", key.text(0), ", event ", key.integer(1));
    if (table.name == "runs") return cat("run ", key.text(0));
    if (table.name == "audit_keys") return "key";
    if (table.name == "blobs") return "content";
    return cat("checkpoint ", key.integer(1));
  }
  void expect_found(const std::string& what, const std::vector<std::string>& names) {
    const Result found = verify();
    EXPECT_EQ(found.code, exit_error) << what << "\n" << found.out << found.err;
    EXPECT_TRUE(std::ranges::any_of(names, [&](const auto& name) { return has(found.out, name); }))
        << what << " is not named:\n"
        << found.out;
  }
  void expect_every_change_found(const std::string& name,
                                 const std::vector<std::string>& not_hashed,
                                 const std::vector<std::string>& named_columns = {}) {
    const Table table = open(name);
    for (std::size_t i = 0; i < table.rows; ++i) {
      for (const auto& column : table.columns) {
        if (std::ranges::find(not_hashed, column) != not_hashed.end()) continue;
        flip(table, i, column);
        std::string where = name_of(table, i);
        if (std::ranges::find(named_columns, column) != named_columns.end())
          where += cat(", column ", column == "at_ms" ? "at" : column);
        if (column == "kind") {  // no kind at all: the journal cannot read it, and says which
          auto key = database_->query(cat("SELECT * FROM saved", row(table, i)));
          key.step();
          where = cat("event ", key.text(0), "/", key.integer(1));
        }
        expect_found(cat(name, " row ", i, " ", column), {where});
        restore(table);
      }
      if (name == "blobs") continue;  // to remove one is to erase it
      database_->execute(cat("DELETE FROM ", name, row(table, i)));
      expect_found(cat(name, " without row ", i), {name_of(table, i)});
      restore(table);
      for (std::size_t j = i + 1; j < table.rows; ++j) {
        swap(table, i, j, not_hashed);
        expect_found(cat(name, " rows ", i, " and ", j), {name_of(table, i), name_of(table, j)});
        restore(table);
      }
    }
    EXPECT_EQ(verify().code, exit_ok) << verify().out << verify().err;
  }

  std::optional<Database> database_;
};

// `subject` is an index over what the body says.
TEST_F(Tampered, EveryChangedEventIsFoundAndNamed) {
  expect_every_change_found(
      "events", {"subject"},
      {"attempt", "execution", "version", "at_ms", "prev", "body_hash", "body"});
}

// `number` is an order, `imported` and `ended` say who may go on; none of them was signed.
TEST_F(Tampered, EveryChangedRunIsFoundAndNamed) {
  expect_every_change_found("runs", {"number", "imported", "ended"},
                            {"name", "attempt", "execution", "input_tokens", "output_tokens",
                             "model_calls", "tool_calls", "link"});
}

TEST_F(Tampered, EveryChangedCheckpointIsFoundAndNamed) {
  expect_every_change_found("checkpoints", {}, {"previous", "size", "root", "key_id"});
}

TEST_F(Tampered, EveryChangedHeadIsFoundAndNamed) {
  expect_every_change_found("checkpoint_heads", {});
}

TEST_F(Tampered, EveryChangedKeyIsFoundAndNamed) { expect_every_change_found("audit_keys", {}); }

TEST_F(Tampered, EveryChangedContentIsFoundAndNamed) {
  expect_every_change_found("blobs", {"sha256", "size", "zstd"});
}

}  // namespace
}  // namespace cli
