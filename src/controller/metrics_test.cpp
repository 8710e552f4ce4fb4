#include "controller/metrics.h"

#include <gtest/gtest.h>

namespace controller {
namespace {

using namespace std::chrono_literals;

TEST(Metrics, AreWrittenAsPrometheusReadsThem) {
  Metrics metrics;
  metrics.describe("runs_total", "Runs so far.");
  metrics.count("runs_total", {{"result", "ok"}});
  metrics.count("runs_total", {{"result", "error"}}, 2.5);
  metrics.count("runs_total", {{"result", "ok"}});
  metrics.set("depth", {}, 7);
  metrics.set("depth", {}, -1);
  EXPECT_EQ(metrics.format(),
            "# TYPE depth gauge\n"
            "depth -1\n"
            "# HELP runs_total Runs so far.\n"
            "# TYPE runs_total counter\n"
            "runs_total{result=\"error\"} 2.5\n"
            "runs_total{result=\"ok\"} 2\n");
  EXPECT_EQ(metrics.value("runs_total", {{"result", "ok"}}), 2);
  EXPECT_EQ(metrics.value("runs_total", {{"result", "other"}}), 0);
  EXPECT_EQ(metrics.value("none", {}), 0);
}

TEST(Metrics, EscapeWhatTheFormatGivesAMeaning) {
  Metrics metrics;
  metrics.describe("m", "a \\ b\nc \"d\"");
  metrics.count("m", {{"path", "C:\\\"x\"\ny"}, {"other", ""}});
  EXPECT_EQ(metrics.format(),
            "# HELP m a \\\\ b\\nc \"d\"\n"
            "# TYPE m counter\n"
            "m{path=\"C:\\\\\\\"x\\\"\\ny\",other=\"\"} 1\n");
}

TEST(Metrics, CountTimesInGrowingBuckets) {
  Metrics metrics;
  metrics.observe("wait_seconds", {{"of", "x"}}, 1ms);
  metrics.observe("wait_seconds", {{"of", "x"}}, 2500ms);
  metrics.observe("wait_seconds", {{"of", "x"}}, 1h);
  EXPECT_EQ(metrics.format(),
            "# TYPE wait_seconds histogram\n"
            "wait_seconds_bucket{of=\"x\",le=\"0.001\"} 1\n"
            "wait_seconds_bucket{of=\"x\",le=\"0.005\"} 1\n"
            "wait_seconds_bucket{of=\"x\",le=\"0.01\"} 1\n"
            "wait_seconds_bucket{of=\"x\",le=\"0.05\"} 1\n"
            "wait_seconds_bucket{of=\"x\",le=\"0.1\"} 1\n"
            "wait_seconds_bucket{of=\"x\",le=\"0.5\"} 1\n"
            "wait_seconds_bucket{of=\"x\",le=\"1\"} 1\n"
            "wait_seconds_bucket{of=\"x\",le=\"5\"} 2\n"
            "wait_seconds_bucket{of=\"x\",le=\"10\"} 2\n"
            "wait_seconds_bucket{of=\"x\",le=\"60\"} 2\n"
            "wait_seconds_bucket{of=\"x\",le=\"600\"} 2\n"
            "wait_seconds_bucket{of=\"x\",le=\"+Inf\"} 3\n"
            "wait_seconds_sum{of=\"x\"} 3602.501\n"
            "wait_seconds_count{of=\"x\"} 3\n");
}

TEST(Metrics, ReadAGaugeWhenAskedUntilItsOwnerGoes) {
  Metrics metrics;
  double depth = 3;
  metrics.watch("depth", {{"queue", "q"}}, [&] { return depth; });
  EXPECT_EQ(metrics.format(), "# TYPE depth gauge\ndepth{queue=\"q\"} 3\n");
  depth = 4;
  EXPECT_EQ(metrics.value("depth", {{"queue", "q"}}), 4);
  metrics.unwatch("depth", {{"queue", "q"}});
  EXPECT_EQ(metrics.format(), "");
}

}  // namespace
}  // namespace controller
