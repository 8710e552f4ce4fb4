#include "node/image_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/text.h"
#include "io/crypto.h"
#include "io/file.h"
#include "io/process.h"
#include "support/temp_directory.h"

namespace node {
namespace {

namespace fs = std::filesystem;
using base::cat;

struct ImageStoreTest : testing::Test {
  test::TempDirectory folder;
  ImageStore store{folder / "store"};

  void SetUp() override {
    if (::getuid() != 0) GTEST_SKIP() << "needs root";
  }

  static void run(const std::string& script) {
    io::Loop loop;
    io::SystemClock clock(loop);
    io::ProcessSpec spec{.argv = {"/bin/sh", "-ec", script}, .env = {"PATH=/usr/bin:/bin"}};
    const auto result =
        loop.run(io::run_command(loop, clock, std::move(spec), "", base::Duration(60'000)));
    ASSERT_EQ(result.code, 0) << result.err;
  }
  // A blob of the layout; its descriptor.
  std::string add_blob(const std::string& bytes, const std::string& more = "") {
    const std::string hex = io::sha256_hex(bytes);
    io::make_directories(folder / "layout/blobs/sha256", 0755);
    io::write_file(cat(folder / "layout/blobs/sha256/", hex), bytes, 0644);
    return cat(R"({"digest":"sha256:)", hex, "\",\"size\":", bytes.size(), more, "}");
  }
  std::string add_layer(const std::string& script) {
    run(cat("rm -rf ", folder / "root", "; mkdir ", folder / "root", "; cd ", folder / "root", "; ",
            script, "; tar -czf ", folder / "layer.tgz", " ."));
    return add_blob(io::read_file(folder / "layer.tgz"));
  }
  // An OCI layout of these layers in a tar.
  std::string make_layout(const std::vector<std::string>& layers,
                          const std::string& config = R"("Env":["A=b"],"WorkingDir":"/app")") {
    const std::string described =
        add_blob(cat(R"({"os":"linux","architecture":"amd64","config":{)", config, "}}"));
    const std::string manifest =
        add_blob(cat(R"({"schemaVersion":2,"config":)", described, R"(,"layers":[)",
                     base::join(layers, ","), "]}"),
                 R"(,"annotations":{"io.containerd.image.name":"docker.io/acme/agent:1"})");
    io::write_file(folder / "layout/index.json", cat(R"({"manifests":[)", manifest, "]}"), 0644);
    run(cat("tar -cf ", folder / "image.tar", " -C ", folder / "layout", " ."));
    return folder / "image.tar";
  }
  std::string refusal(const std::string& file, const std::string& name = "") {
    try {
      store.import(file, name);
    } catch (const base::Error& error) {
      return error.what();
    }
    return "taken";
  }
};

TEST(ImageReference, IsAsDockerNamesIt) {
  EXPECT_EQ(image_reference("agent"), "agent:latest");
  EXPECT_EQ(image_reference("docker.io/library/agent:1"), "agent:1");
  EXPECT_EQ(image_reference("localhost:5000/acme/agent"), "localhost:5000/acme/agent:latest");
  EXPECT_EQ(image_reference("acme/agent@sha256:00"), "acme/agent@sha256:00");
}

TEST_F(ImageStoreTest, TakesAnOciLayoutLayerByLayer) {
  const auto lower =
      add_layer("mkdir -p etc app; echo old > etc/x; echo y > etc/y; echo z > app/z");
  const auto upper =
      add_layer("mkdir -p etc app; touch etc/.wh.x app/.wh..wh..opq; echo n > app/n");
  const auto taken = store.import(make_layout({lower, upper}), "");
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].reference, "acme/agent:1");

  const auto image = store.find("docker.io/acme/agent:1");
  ASSERT_TRUE(image);
  ASSERT_EQ(image->layers.size(), 2u);
  EXPECT_EQ(image->config.directory, "/app");
  EXPECT_EQ(image->config.environment.back(), (std::pair<std::string, std::string>("A", "b")));
  struct stat hidden{};
  ASSERT_EQ(::lstat((image->layers[0] + "/etc/x").c_str(), &hidden), 0);
  EXPECT_TRUE(S_ISCHR(hidden.st_mode) && hidden.st_rdev == 0);
  // The kernel's judgement of it.
  const std::string place = folder / "merged";
  run(cat("mkdir ", place, "; mount -t overlay overlay -o ro,lowerdir=", image->layers[0], ":",
          image->layers[1], " ", place));
  EXPECT_EQ(io::list_directory(place + "/etc"), std::vector<std::string>{"y"});
  EXPECT_EQ(io::list_directory(place + "/app"), std::vector<std::string>{"n"});
  run(cat("umount ", place));
}

TEST_F(ImageStoreTest, TakesWhatDockerSaves) {
  run(cat("mkdir -p ", folder / "saved/one", " ", folder / "root/bin", "; echo hi > ",
          folder / "root/bin/agent", "; tar -cf ", folder / "saved/one/layer.tar", " -C ",
          folder / "root", " ."));
  const std::string diff = io::sha256_file_hex(folder / "saved/one/layer.tar");
  io::write_file(folder / "saved/config.json",
                 cat(R"({"os":"linux","architecture":"amd64","config":{"User":"7:8"},)",
                     R"("rootfs":{"diff_ids":["sha256:)", diff, "\"]}}"),
                 0644);
  io::write_file(folder / "saved/manifest.json",
                 R"([{"Config":"config.json","RepoTags":["agent:2"],"Layers":["one/layer.tar"]}])",
                 0644);
  run(cat("tar -cf ", folder / "saved.tar", " -C ", folder / "saved", " ."));
  store.import(folder / "saved.tar", "");
  const auto image = store.find("agent:2");
  ASSERT_TRUE(image);
  EXPECT_EQ(io::read_file(image->layers.at(0) + "/bin/agent"), "hi\n");
  EXPECT_EQ(image->config.user.uid, 7u);
  EXPECT_EQ(image->config.user.gid, 8u);
}

TEST_F(ImageStoreTest, KeepsALayerOnceAndListsByName) {
  const auto layer = add_layer("echo x > x");
  const std::string file = make_layout({layer});
  store.import(file, "one");
  store.import(file, "two:3");
  EXPECT_EQ(io::list_directory(folder / "store/layers").size(), 1u);
  const auto all = store.list();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].reference, "one:latest");
  EXPECT_EQ(all[1].reference, "two:3");
  EXPECT_FALSE(store.find("three"));
}

TEST_F(ImageStoreTest, RefusesWhatIsNotWhatItsDigestSays) {
  const auto layer = add_layer("echo x > x");
  make_layout({layer});
  const std::string hex = base::text_at(base::parse_json(layer), {"digest"}).substr(7);
  io::write_file(cat(folder / "layout/blobs/sha256/", hex), "other", 0644);
  EXPECT_EQ(refusal(folder / "layout"), cat("layer sha256:", hex, " is not what its digest says"));
  EXPECT_TRUE(store.list().empty());
  EXPECT_TRUE(io::list_directory(folder / "store/layers").empty());
}

TEST_F(ImageStoreTest, SaysWhatAFileLacks) {
  io::write_file(folder / "text", "no archive", 0644);
  EXPECT_NE(refusal(folder / "text").find("unpacking"), std::string::npos);
  io::make_directories(folder / "empty", 0755);
  EXPECT_NE(refusal(folder / "empty").find("neither index.json"), std::string::npos);
  const std::string file = make_layout({add_layer("echo x > x")}, R"("User":"nobody-there")");
  EXPECT_EQ(refusal(file), "the image has no user \"nobody-there\"");
}

TEST_F(ImageStoreTest, LetsNoLayerWriteElsewhere) {
  const auto lower = add_layer(cat("ln -s ", folder / "outside", " way"));
  run(cat("mkdir ", folder / "outside"));
  const auto upper = add_layer("mkdir way; echo x > way/in");
  const auto taken = store.import(make_layout({lower, upper}), "");
  EXPECT_TRUE(io::list_directory(folder / "outside").empty());
  EXPECT_TRUE(fs::is_symlink(taken[0].image.layers[1] + "/way"));
}

}  // namespace
}  // namespace node
