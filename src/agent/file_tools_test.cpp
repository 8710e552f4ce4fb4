#include "agent/file_tools.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "io/file.h"
#include "support/temp_directory.h"

namespace agent {
namespace {

using base::Json;

struct FileToolsTest : testing::Test {
  test::TempDirectory folder;
  std::string workspace = folder / "workspace", skills = folder / "skills",
              elsewhere = folder / "elsewhere";
  FileToolsTest() {
    for (const auto& path : {workspace, skills, elsewhere}) ::mkdir(path.c_str(), 0755);
  }
  FileTools tools() const { return FileTools({{workspace, skills}, {workspace}}); }
  std::string file(const std::string& name) const { return workspace + "/" + name; }
};

TEST_F(FileToolsTest, WritesAFileWithItsFoldersAndReadsItBack) {
  auto written =
      tools().run("write_file", Json{{"path", file("a/b/c.txt")}, {"content", "hello\n"}});
  EXPECT_FALSE(written.failed) << written.text;
  EXPECT_EQ(io::read_file(file("a/b/c.txt")), "hello\n");
  EXPECT_EQ(tools().run("read_file", Json{{"path", file("a/b/c.txt")}}),
            (ToolText{"hello\n", false}));
}

TEST_F(FileToolsTest, TakesRelativePathsFromTheWorkspace) {
  tools().run("write_file", Json{{"path", "notes.txt"}, {"content", "x"}});
  EXPECT_EQ(io::read_file(file("notes.txt")), "x");
}

TEST_F(FileToolsTest, ReadsALongFileInPiecesAndSaysHowToGoOn) {
  io::write_file(file("long"), std::string(10'000, 'x'), 0644);
  auto first = tools().run("read_file", Json{{"path", file("long")}});
  EXPECT_EQ(first.text,
            std::string(8000, 'x') + "\n[bytes 0 to 8000 of 10000; go on with offset 8000]");
  auto second = tools().run("read_file", Json{{"path", file("long")}, {"offset", 8000}});
  EXPECT_EQ(second.text, std::string(2000, 'x'));
  EXPECT_TRUE(tools().run("read_file", Json{{"path", file("long")}, {"offset", 10'001}}).failed);
}

TEST_F(FileToolsTest, RefusesToLeaveItsRoots) {
  io::write_file(elsewhere + "/secret", "s", 0644);
  ASSERT_EQ(::symlink(elsewhere.c_str(), file("link").c_str()), 0);
  for (const auto& path :
       {elsewhere + "/secret", workspace + "/../elsewhere/secret", file("link/secret")}) {
    EXPECT_TRUE(tools().run("read_file", Json{{"path", path}}).failed) << path;
    EXPECT_TRUE(tools().run("write_file", Json{{"path", path}, {"content", "x"}}).failed) << path;
  }
  EXPECT_EQ(io::read_file(elsewhere + "/secret"), "s");
  EXPECT_TRUE(tools().run("write_file", Json{{"path", skills + "/new"}, {"content", "x"}}).failed);
  EXPECT_TRUE(tools().run("list_directory", Json{{"path", elsewhere}}).failed);
}

TEST_F(FileToolsTest, MakesAllEditsOrNone) {
  io::write_file(file("poem"), "one two two three", 0644);
  auto ambiguous = tools().run("edit_file", Json{{"path", file("poem")},
                                                 {"edits",
                                                  {{{"old_string", "one"}, {"new_string", "1"}},
                                                   {{"old_string", "two"}, {"new_string", "2"}}}}});
  EXPECT_TRUE(ambiguous.failed);
  EXPECT_NE(ambiguous.text.find("edits[1].old_string stands 2 times"), std::string::npos)
      << ambiguous.text;
  EXPECT_EQ(io::read_file(file("poem")), "one two two three");

  auto done = tools().run(
      "edit_file", Json{{"path", file("poem")},
                        {"edits",
                         {{{"old_string", "one"}, {"new_string", "1"}},
                          {{"old_string", "two"}, {"new_string", "2"}, {"replace_all", true}}}}});
  EXPECT_FALSE(done.failed) << done.text;
  EXPECT_EQ(io::read_file(file("poem")), "1 2 2 three");
}

TEST_F(FileToolsTest, ListsNamesWithSizesAndKinds) {
  EXPECT_EQ(tools().run("list_directory", Json{{"path", workspace}}).text, "(empty)");
  ::mkdir(file("folder").c_str(), 0755);
  io::write_file(file("file"), "12345", 0644);
  EXPECT_EQ(tools().run("list_directory", Json{{"path", workspace}}).text,
            "file  5 bytes\nfolder/");
}

TEST_F(FileToolsTest, NamesTheParameterThatIsWrong) {
  EXPECT_EQ(tools().run("read_file", base::JsonObject{}).text,
            "read_file: parameter \"path\" is required");
  EXPECT_EQ(tools().run("read_file", Json{{"path", 7}}).text,
            "read_file: parameter \"path\" must be a string");
  EXPECT_EQ(tools().run("write_file", Json{{"path", "a"}}).text,
            "write_file: parameter \"content\" is required");
  EXPECT_EQ(tools().run("read_file", Json{{"path", file("none")}}).text,
            "read_file: " + file("none") + ": no such file");
  EXPECT_TRUE(tools().run("edit_file", Json{{"path", "a"}, {"edits", base::JsonArray{}}}).failed);
}

TEST_F(FileToolsTest, DoesNotReadWhatIsNoFile) {
  ASSERT_EQ(::mkfifo(file("pipe").c_str(), 0644), 0);
  EXPECT_TRUE(tools().run("read_file", Json{{"path", file("pipe")}}).failed);
  EXPECT_TRUE(tools().run("read_file", Json{{"path", workspace}}).failed);
}

// A sidecar exchanges a folder of /workspace for a link, again and again, while we look and open.
TEST_F(FileToolsTest, IsNotLedOutByALinkThatComesAndGoes) {
  io::write_file(elsewhere + "/a", "secret", 0644);
  ::mkdir(file("folder").c_str(), 0755);
  io::write_file(file("folder/a"), "mine", 0644);
  ASSERT_EQ(::symlink(elsewhere.c_str(), file("link").c_str()), 0);
  std::atomic<bool> over = false;
  std::thread sidecar([&] {
    while (!over)
      ::renameat2(AT_FDCWD, file("folder").c_str(), AT_FDCWD, file("link").c_str(),
                  RENAME_EXCHANGE);
  });
  for (int i = 0; i < 3000; ++i) {
    const auto read = tools().run("read_file", Json{{"path", file("folder/a")}});
    EXPECT_TRUE(read.failed || read.text == "mine") << read.text;
    tools().run("write_file", Json{{"path", file("folder/b")}, {"content", "x"}});
    const auto listed = tools().run("list_directory", Json{{"path", file("folder")}});
    EXPECT_TRUE(listed.failed || listed.text.find("4 bytes") != std::string::npos) << listed.text;
    if (HasFailure()) break;
  }
  over = true;
  sidecar.join();
  EXPECT_EQ(io::list_directory(elsewhere), std::vector<std::string>{"a"});
}

TEST_F(FileToolsTest, LetsNoEditMakeAFileWithoutEnd) {
  io::write_file(file("a"), std::string(1'000'000, 'a'), 0644);
  const Json edit{
      {"old_string", "a"}, {"new_string", std::string(1000, 'b')}, {"replace_all", true}};
  const auto edited =
      tools().run("edit_file", Json{{"path", file("a")}, {"edits", base::JsonArray{edit}}});
  EXPECT_NE(edited.text.find("larger than 16777216 bytes"), std::string::npos) << edited.text;
  EXPECT_EQ(io::read_file(file("a")).size(), 1'000'000u);
}

}  // namespace
}  // namespace agent
