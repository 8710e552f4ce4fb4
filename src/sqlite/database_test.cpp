#include "sqlite/database.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "support/temp_directory.h"

namespace sqlite {
namespace {

const std::string first = "CREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT, bytes BLOB)";
const std::string second = "ALTER TABLE notes ADD COLUMN author TEXT NOT NULL DEFAULT 'nobody'";
const FileKind kind_1{"notes", 0x6e6f7465, {first}};
const FileKind kind_2{"notes", 0x6e6f7465, {first, second}};

class Databases : public ::testing::Test {
 protected:
  std::string refusal(const FileKind& kind, Access access = Access::read_write) {
    try {
      Database(path_, kind, access);
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), base::Code::invalid);
      return error.what();
    }
    return "opened";
  }
  test::TempDirectory directory_;
  std::string path_ = directory_ / "notes.db";
};

TEST_F(Databases, KeepWhatWasBound) {
  Database database(path_, kind_1, Access::read_write);
  const std::string bytes("\0\xff\n", 3);
  database.run("INSERT INTO notes VALUES (?, ?, ?)", 7, "text", Blob{bytes});
  database.run("INSERT INTO notes VALUES (?, ?, ?)", std::int64_t{1} << 62,
               std::optional<std::string>(), nullptr);
  Statement rows = database.query("SELECT * FROM notes ORDER BY id");
  ASSERT_TRUE(rows.step());
  EXPECT_EQ(rows.integer(0), 7);
  EXPECT_EQ(rows.text(1), "text");
  EXPECT_EQ(rows.text(2), bytes);
  ASSERT_TRUE(rows.step());
  EXPECT_EQ(rows.integer(0), std::int64_t{1} << 62);
  EXPECT_EQ(rows.find_text(1), std::nullopt);
  EXPECT_TRUE(rows.is_null(2));
  EXPECT_FALSE(rows.step());
}

TEST_F(Databases, LogAheadAndSyncEachCommit) {
  Database database(path_, kind_1, Access::read_write);
  EXPECT_EQ(database.query("PRAGMA journal_mode").row().text(0), "wal");
  EXPECT_EQ(database.query("PRAGMA synchronous").row().integer(0), 2);
}

TEST_F(Databases, AreForTheirOwnerOnly) {
  Database database(path_, kind_1, Access::read_write);
  database.run("INSERT INTO notes(id) VALUES (1)");
  for (const char* file : {"", "-wal", "-shm"}) {
    struct stat about{};
    ASSERT_EQ(::stat((path_ + file).c_str(), &about), 0) << file;
    EXPECT_EQ(about.st_mode & 07777, 0600u) << file;
  }
}

TEST_F(Databases, SayWhatIsInTheWay) {
  try {
    Database("/proc/none/notes.db", kind_1, Access::read_write);
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::Code::unavailable);
    EXPECT_STREQ(error.what(), "/proc/none/notes.db: opening: unable to open database file");
  }
}

TEST_F(Databases, AllowTheSameStatementTwiceAtOnce) {
  Database database(path_, kind_1, Access::read_write);
  for (int id : {1, 2}) database.run("INSERT INTO notes(id) VALUES (?)", id);
  int pairs = 0;
  for (auto outer = database.query("SELECT id FROM notes"); outer.step();)
    for (auto inner = database.query("SELECT id FROM notes"); inner.step();) ++pairs;
  EXPECT_EQ(pairs, 4);
}

TEST_F(Databases, SayThatAKeyIsTaken) {
  Database database(path_, kind_1, Access::read_write);
  database.run("INSERT INTO notes(id) VALUES (1)");
  try {
    database.run("INSERT INTO notes(id) VALUES (1)");
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::Code::exists);
  }
}

TEST_F(Databases, MigrateForwardAndKeepTheirRows) {
  {
    Database database(path_, kind_1, Access::read_write);
    database.run("INSERT INTO notes(text) VALUES ('kept')");
  }
  {
    Database database(path_, kind_2, Access::read_write);
    EXPECT_EQ(database.query("SELECT text || author FROM notes").row().text(0), "keptnobody");
  }
  EXPECT_EQ(refusal(kind_1), path_ +
                                 " has schema version 2, this program knows 1 at most: use the "
                                 "program that wrote it or a newer one");
}

TEST_F(Databases, KeepTheOldSchemaWhenAMigrationFails) {
  { Database database(path_, kind_1, Access::read_write); }
  EXPECT_THROW(
      Database(path_, {"notes", 0x6e6f7465, {first, second, "NONSENSE"}}, Access::read_write),
      base::Error);
  Database database(path_, kind_1, Access::read_write);
}

TEST_F(Databases, RefuseFilesOfAnotherKindAndLeaveThemAlone) {
  { Database database(path_, {"other", 0x6f746865, {first}}, Access::read_write); }
  EXPECT_EQ(refusal(kind_1),
            path_ +
                " is a database of something else, not a notes file: move it away or choose "
                "another folder");
  Database database(path_, {"other", 0x6f746865, {first}}, Access::read_write);
}

TEST_F(Databases, RefuseWhatIsNoDatabase) {
  std::ofstream(path_) << "Once upon a time";
  EXPECT_EQ(refusal(kind_1), path_ + " is no database: move it away or choose another folder");
  EXPECT_EQ(refusal(kind_1, Access::read_only),
            path_ + " is no database: move it away or choose another folder");
}

TEST_F(Databases, OpenedForReadingCannotWrite) {
  Database writer(path_, kind_1, Access::read_write);
  Database reader(path_, kind_1, Access::read_only);
  EXPECT_THROW(reader.run("INSERT INTO notes(id) VALUES (1)"), base::Error);
  writer.run("INSERT INTO notes(id) VALUES (1)");
  EXPECT_EQ(reader.query("SELECT count(*) FROM notes").row().integer(0), 1);
}

}  // namespace
}  // namespace sqlite
