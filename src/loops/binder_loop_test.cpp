// Pods and nodes on a real API server.
#include "loops/binder.h"
#include "loops/virtual_home.h"

namespace loops {
namespace {

using namespace std::chrono_literals;
using base::Json;
using base::text_at;

class Binding : public VirtualHome {
 protected:
  Binding() {
    tasks.spawn("binder", binder.run());
    loop.run_ready();
  }
  void make_node(const std::string& name, std::string_view taints = "[]") {
    create("nodes", {{"apiVersion", "v1"},
                     {"kind", "Node"},
                     {"metadata", {{"name", name}}},
                     {"spec", {{"taints", base::parse_json(taints)}}}});
  }
  void make_ready(const std::string& node) {
    patch(ref("nodes", node, "status"),
          R"({"status":{"conditions":[{"type":"Ready","status":"True"}]}})");
  }
  void make_pod(const std::string& name, std::string_view spec = "{}") {
    Json pod = base::parse_json(
        base::cat(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")", name,
                  R"("},"spec":{"containers":[{"name":"main","image":"busybox:1"}]}})"));
    base::merge_patch(pod, {{"spec", base::parse_json(spec)}});
    create("pods", std::move(pod));
  }
  std::string node_of(const std::string& pod) {
    return text_at(get(ref("pods", pod)), {"spec", "nodeName"});
  }

  Binder binder{loop, clock, random, log, metrics, api};
};

TEST_F(Binding, WaitsForANodeThatIsReady) {
  make_pod("p");
  EXPECT_EQ(node_of("p"), "");
  make_node("n");
  EXPECT_EQ(node_of("p"), "");
  make_ready("n");
  EXPECT_EQ(node_of("p"), "n");
}

TEST_F(Binding, LooksAgainWhenANodeHasOtherTaints) {
  make_node("n", R"([{"key":"k","value":"v","effect":"NoSchedule"}])");
  make_ready("n");
  make_pod("p", R"({"tolerations":[{"key":"k","value":"w"}]})");
  EXPECT_EQ(node_of("p"), "");
  patch(ref("nodes", "n"),
        R"({"spec":{"taints":[{"key":"k","value":"w","effect":"NoSchedule"}]}})");
  EXPECT_EQ(node_of("p"), "n");
}

TEST_F(Binding, SpreadsPodsAndForgetsThoseThatEnded) {
  for (const char* node : {"n1", "n2"}) {
    make_node(node);
    make_ready(node);
  }
  make_pod("a");
  make_pod("b");
  EXPECT_EQ(node_of("a"), "n1");
  EXPECT_EQ(node_of("b"), "n2");
  patch(ref("pods", "b", "status"), R"({"status":{"phase":"Succeeded"}})");
  make_pod("c");
  EXPECT_EQ(node_of("c"), "n2");
}

TEST_F(Binding, LeavesPodsOfOthersAlone) {
  make_node("n");
  make_ready("n");
  make_pod("theirs", R"({"schedulerName":"another"})");
  EXPECT_EQ(node_of("theirs"), "");
}

TEST_F(Binding, SaysOnceWhyAPodWaits) {
  make_pod("p", R"({"nodeSelector":{"disk":"fast"}})");
  make_node("n");
  make_ready("n");
  patch(ref("nodes", "n"), R"({"metadata":{"labels":{"color":"red"}}})");
  const Json pod = get(ref("pods", "p"));
  EXPECT_EQ(text_at(pod.at("status").at("conditions").at(0), {"message"}),
            "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.");
  Names messages;
  for (const Json& event : list("events")) messages.push_back(text_at(event, {"message"}));
  EXPECT_EQ(messages.size(), 3u) << "no node, one that is not ready, one that does not match";
  EXPECT_EQ(base::find_int(list("events")[2], {"count"}), 1);
}

}  // namespace
}  // namespace loops
