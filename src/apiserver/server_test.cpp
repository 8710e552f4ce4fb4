#include "apiserver/server.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "apiserver/fake_exchange.h"
#include "apiserver/object_log.h"
#include "io/crypto.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace apiserver {
namespace {

using base::Json;
using base::JsonObject;
using base::text_at;

class NoLog final : public base::Log {
  void write(base::Level, std::string_view, const Fields&) override {}
};

// A server over a file in a directory of its own, asked as an administrator unless said otherwise.
class ServerTest : public testing::Test {
 protected:
  ServerTest() { start(); }
  ~ServerTest() override {
    finish();
    std::filesystem::remove_all(directory_);
  }

  void start() {
    objects_ = std::make_unique<SqliteObjectLog>(loop_, clock_, directory_ + "/objects.db");
    TokenSettings tokens;
    tokens.key_pem = key_;
    ServerSettings settings;
    settings.ca_pem = "CA";
    settings.journal_dialer = journal_dialer_;
    server_ = std::make_unique<ApiServer>(
        loop_, clock_, random_, log_, *objects_, tokens, settings, MoreAdmission(),
        [this](std::string_view line) { audit_.push_back(base::parse_json(line)); });
    loop_.run(server_->bootstrap());
  }
  void finish() {
    if (!server_) return;
    loop_.run(server_->stop());
    server_.reset();
    objects_.reset();
  }

  struct Answer {
    int status;
    Json body;
    io::Headers headers;
    std::string text;
  };
  Answer ask(std::string method, std::string target, std::string body = "",
             std::string type = "application/json", std::string accept = "application/json") {
    FakeExchange exchange(std::move(method), std::move(target), std::move(body));
    exchange.request_headers.set("Content-Type", std::move(type));
    exchange.request_headers.set("Accept", std::move(accept));
    exchange.client = client_;
    if (!token_.empty()) exchange.request_headers.set("Authorization", "Bearer " + token_);
    auto handler = server_->handler();
    loop_.run(handler(exchange));
    Json parsed;
    if (exchange.text.starts_with('{')) parsed = base::parse_json(exchange.text);
    return {exchange.status, parsed, exchange.response_headers, exchange.text};
  }
  Answer create(const std::string& path, const Json& object) {
    return ask("POST", path, base::to_text(object));
  }
  void be(std::string user, std::vector<std::string> groups) {
    client_.common_name = std::move(user);
    client_.organizations = std::move(groups);
  }

  static inline const base::Secret<std::string> key_ = io::make_p256_key();
  std::string directory_ = [] {
    std::string path = testing::TempDir() + "apiserver-XXXXXX";
    return std::string(mkdtemp(path.data()));
  }();
  io::Loop loop_;
  test::VirtualClock clock_;
  test::SeededRandom random_{1};
  NoLog log_;
  std::vector<Json> audit_;
  io::Peer client_{
      .address = "127.0.0.1:1", .common_name = "admin", .organizations = {"system:masters"}};
  std::string token_;
  std::function<std::unique_ptr<io::Dialer>()> journal_dialer_;
  std::unique_ptr<SqliteObjectLog> objects_;
  std::unique_ptr<ApiServer> server_;
};

Json config_map(std::string name, JsonObject data = {}) {
  return JsonObject{{"apiVersion", "v1"},
                    {"kind", "ConfigMap"},
                    {"metadata", JsonObject{{"name", name}}},
                    {"data", std::move(data)}};
}

Json pod(std::string name) {
  return JsonObject{
      {"apiVersion", "v1"},
      {"kind", "Pod"},
      {"metadata", JsonObject{{"name", name}}},
      {"spec", JsonObject{{"containers", base::JsonArray{JsonObject{{"name", "main"},
                                                                    {"image", "busybox:1"}}}}}}};
}

const std::string maps = "/api/v1/namespaces/default/configmaps";
const std::string pods = "/api/v1/namespaces/default/pods";

TEST_F(ServerTest, KeepsWhatWasCreatedAcrossARestart) {
  auto made = create(maps, config_map("a", {{"k", "v"}}));
  ASSERT_EQ(made.status, 201) << base::to_text(made.body);
  EXPECT_FALSE(text_at(made.body, {"metadata", "uid"}).empty());
  EXPECT_EQ(text_at(made.body, {"metadata", "creationTimestamp"}), "2026-01-02T03:04:05Z");
  finish();
  start();
  auto read = ask("GET", maps + "/a");
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.body, made.body);
}

TEST_F(ServerTest, AnswersErrorsInKubernetesWords) {
  auto missing = ask("GET", maps + "/x");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(text_at(missing.body, {"message"}), "configmaps \"x\" not found");
  create(maps, config_map("a"));
  auto again = create(maps, config_map("a"));
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(text_at(again.body, {"reason"}), "AlreadyExists");
  auto nowhere = create("/api/v1/namespaces/nope/configmaps", config_map("a"));
  EXPECT_EQ(nowhere.status, 404);
  EXPECT_EQ(text_at(nowhere.body, {"message"}), "namespaces \"nope\" not found");
  auto bad = create(maps, config_map("A_b"));
  EXPECT_EQ(bad.status, 422);
  EXPECT_EQ(ask("POST", maps, "a: 1", "application/yaml").status, 415);
  EXPECT_EQ(ask("PATCH", maps + "/a", "{}", "application/apply-patch+yaml").status, 415);
  EXPECT_EQ(ask("GET", maps, "", "", "application/vnd.kubernetes.protobuf").status, 406);
  EXPECT_EQ(ask("GET", "/apis/nope/v1/things").status, 404);
  EXPECT_EQ(ask("POST", maps + "/a", "{}").status, 405);
  EXPECT_EQ(ask("POST", maps, std::string(4'000'000, ' ')).status, 413);
}

TEST_F(ServerTest, RefusesAWriteThatLostTheRace) {
  auto made = create(maps, config_map("a"));
  auto old = text_at(made.body, {"metadata", "resourceVersion"});
  ask("PATCH", maps + "/a", R"({"data":{"x":"1"}})", "application/merge-patch+json");
  auto late = ask("PATCH", maps + "/a",
                  R"({"metadata":{"resourceVersion":")" + old + R"("},"data":{"x":"2"}})",
                  "application/merge-patch+json");
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(text_at(late.body, {"message"}),
            "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; "
            "please apply your changes to the latest version and try again");
}

TEST_F(ServerTest, WritesNothingWhenNothingChanges) {
  auto made = create(maps, config_map("a", {{"x", "1"}}));
  auto same = ask("PATCH", maps + "/a", R"({"data":{"x":"1"}})", "application/merge-patch+json");
  EXPECT_EQ(same.body, made.body);
}

TEST_F(ServerTest, MakesOneCommitPerWrite) {
  auto before = objects_->counters();
  create(maps, config_map("a"));
  ask("PATCH", maps + "/a", R"({"data":{"x":"1"}})", "application/merge-patch+json");
  ask("DELETE", maps + "/a");
  auto after = objects_->counters();
  EXPECT_EQ(after.commits - before.commits, 3u);
  EXPECT_EQ(after.jobs - before.jobs, 3u);
}

TEST_F(ServerTest, KeepsStatusAndSpecApart) {
  Json job = JsonObject{
      {"apiVersion", "batch/v1"},
      {"kind", "Job"},
      {"metadata", JsonObject{{"name", "j"}}},
      {"spec",
       JsonObject{{"template",
                   JsonObject{{"spec",
                               JsonObject{{"restartPolicy", "Never"},
                                          {"containers", base::JsonArray{JsonObject{
                                                             {"name", "m"}, {"image", "i"}}}}}}}}}},
      {"status", JsonObject{{"active", 7}}}};
  const std::string jobs = "/apis/batch/v1/namespaces/default/jobs";
  auto made = create(jobs, job);
  ASSERT_EQ(made.status, 201) << base::to_text(made.body);
  EXPECT_EQ(made.body.at("status").as_object().size(), 0u);
  EXPECT_EQ(base::find_int(made.body, {"metadata", "generation"}), 1);
  EXPECT_EQ(base::find_int(made.body, {"spec", "backoffLimit"}), 6);
  auto uid = text_at(made.body, {"metadata", "uid"});
  EXPECT_EQ(
      text_at(made.body, {"spec", "selector", "matchLabels", "batch.kubernetes.io/controller-uid"}),
      uid);
  auto main = ask("PATCH", jobs + "/j", R"({"spec":{"backoffLimit":2},"status":{"active":1}})",
                  "application/merge-patch+json");
  EXPECT_FALSE(base::find(main.body, {"status", "active"}));
  EXPECT_EQ(base::find_int(main.body, {"metadata", "generation"}), 2);
  auto status =
      ask("PATCH", jobs + "/j/status", R"({"spec":{"backoffLimit":3},"status":{"active":1}})",
          "application/merge-patch+json");
  EXPECT_EQ(base::find_int(status.body, {"status", "active"}), 1);
  EXPECT_EQ(base::find_int(status.body, {"spec", "backoffLimit"}), 2);
  EXPECT_EQ(base::find_int(status.body, {"metadata", "generation"}), 2);
  auto frozen =
      ask("PATCH", jobs + "/j", R"({"spec":{"completions":2}})", "application/merge-patch+json");
  EXPECT_EQ(frozen.status, 422);
}

TEST_F(ServerTest, DeletesAPodWhenItsNodeConfirms) {
  ASSERT_EQ(create(pods, pod("p")).status, 201);
  auto bound = ask("POST", pods + "/p/binding",
                   R"({"apiVersion":"v1","kind":"Binding","metadata":{"name":"p"},)"
                   R"("target":{"kind":"Node","name":"n1"}})");
  ASSERT_EQ(bound.status, 201) << base::to_text(bound.body);
  auto marked = ask("DELETE", pods + "/p");
  EXPECT_EQ(marked.status, 200);
  EXPECT_EQ(text_at(marked.body, {"metadata", "deletionTimestamp"}), "2026-01-02T03:04:35Z");
  EXPECT_EQ(base::find_int(marked.body, {"metadata", "deletionGracePeriodSeconds"}), 30);
  EXPECT_EQ(ask("GET", pods + "/p").status, 200);
  EXPECT_EQ(ask("DELETE", pods + "/p?gracePeriodSeconds=0").status, 200);
  EXPECT_EQ(ask("GET", pods + "/p").status, 404);
}

TEST_F(ServerTest, WarnsOfWhatHasNoEffectOnOneNode) {
  auto spread = pod("p");
  base::ensure(spread, {"spec", "affinity"}) = base::parse_json(
      R"({"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[]}})");
  auto made = create(pods, spread);
  EXPECT_EQ(made.status, 201) << base::to_text(made.body);
  EXPECT_EQ(made.headers.get("Warning"), "299 - \"spec.affinity has no effect here\"");
  EXPECT_TRUE(base::find(made.body, {"spec", "affinity", "nodeAffinity"}));
  auto changed = ask("PATCH", pods + "/p", R"({"metadata":{"labels":{"a":"b"}}})",
                     "application/merge-patch+json");
  EXPECT_EQ(changed.headers.get("Warning"), "299 - \"spec.affinity has no effect here\"");
  auto status = ask("PATCH", pods + "/p/status", R"({"status":{"message":"m"}})",
                    "application/merge-patch+json");
  EXPECT_EQ(status.status, 200);
  EXPECT_FALSE(status.headers.has("Warning"));
  EXPECT_FALSE(create(pods, pod("q")).headers.has("Warning"));
}

TEST_F(ServerTest, HoldsADeletedObjectUntilItsFinalizersAreGone) {
  auto object = config_map("a");
  object.as_object()["metadata"].as_object()["finalizers"] = base::JsonArray{"x.y/z"};
  create(maps, object);
  auto marked = ask("DELETE", maps + "/a");
  EXPECT_EQ(text_at(marked.body, {"kind"}), "ConfigMap");
  EXPECT_FALSE(text_at(marked.body, {"metadata", "deletionTimestamp"}).empty());
  auto more = ask("PATCH", maps + "/a", R"({"metadata":{"finalizers":["x.y/z","b.c/d"]}})",
                  "application/merge-patch+json");
  EXPECT_EQ(more.status, 422);
  auto last = ask("PATCH", maps + "/a", R"({"metadata":{"finalizers":null}})",
                  "application/merge-patch+json");
  EXPECT_EQ(last.status, 200);
  EXPECT_EQ(ask("GET", maps + "/a").status, 404);
}

TEST_F(ServerTest, ListsInPagesAndBySelectors) {
  for (auto name : {"a", "b", "c", "d"}) {
    auto object = config_map(name);
    object.as_object()["metadata"].as_object()["labels"] =
        JsonObject{{"half", std::string_view(name) < "c" ? "one" : "two"}};
    create(maps, object);
  }
  auto first = ask("GET", maps + "?limit=2&labelSelector=half");
  EXPECT_EQ(first.body.at("items").as_array().size(), 2u);
  auto token = text_at(first.body, {"metadata", "continue"});
  ASSERT_FALSE(token.empty());
  auto rest = ask("GET", maps + "?limit=2&labelSelector=half&continue=" + token);
  EXPECT_EQ(text_at(rest.body.at("items").at(0), {"metadata", "name"}), "c");
  auto two = ask("GET", maps + "?labelSelector=half%20in%20(two)");
  EXPECT_EQ(two.body.at("items").as_array().size(), 2u);
  auto named = ask("GET", maps + "?fieldSelector=metadata.name%3Db");
  EXPECT_EQ(named.body.at("items").as_array().size(), 1u);
  EXPECT_EQ(ask("GET", maps + "?fieldSelector=data.x%3Db").status, 400);
}

TEST_F(ServerTest, OffersTheRestOfAListWhoseBeginningIsForgotten) {
  for (auto name : {"a", "b", "c"}) create(maps, config_map(name));
  auto first = ask("GET", maps + "?limit=1");
  auto token = text_at(first.body, {"metadata", "continue"});
  const Json changed = config_map("a", {{"k", std::string(1 << 20, 'x')}});
  for (int i = 0; i < 40; ++i) {  // more than is kept of the past
    ask("DELETE", maps + "/a");
    create(maps, changed);
  }
  auto old = ask("GET", maps + "?limit=1&continue=" + token);
  ASSERT_EQ(old.status, 410);
  EXPECT_EQ(text_at(old.body, {"reason"}), "Expired");
  auto rest = text_at(old.body, {"metadata", "continue"});
  auto second = ask("GET", maps + "?limit=1&continue=" + rest);
  ASSERT_EQ(second.status, 200);
  EXPECT_EQ(text_at(second.body.at("items").at(0), {"metadata", "name"}), "b");
  EXPECT_NE(text_at(second.body, {"metadata", "resourceVersion"}),
            text_at(first.body, {"metadata", "resourceVersion"}));
  auto then = text_at(first.body, {"metadata", "resourceVersion"});
  EXPECT_EQ(ask("GET", maps + "?resourceVersionMatch=Exact&resourceVersion=" + then).status, 410);
}

TEST_F(ServerTest, WatchesFromAVersionAndKeepsSelectorsHonest) {
  auto made = create(maps, config_map("a"));
  auto version = text_at(made.body, {"metadata", "resourceVersion"});
  FakeExchange exchange("GET", maps + "?watch=1&labelSelector=x%3D1&resourceVersion=" + version);
  exchange.client = client_;
  auto handler = server_->handler();
  io::TaskGroup group(loop_);
  group.spawn("watch", handler(exchange));
  loop_.run_ready();
  ask("PATCH", maps + "/a", R"({"metadata":{"labels":{"x":"1"}}})", "application/merge-patch+json");
  ask("PATCH", maps + "/a", R"({"data":{"k":"v"}})", "application/merge-patch+json");
  ask("PATCH", maps + "/a", R"({"metadata":{"labels":{"x":"2"}}})", "application/merge-patch+json");
  loop_.run_ready();
  exchange.gone.set();
  loop_.run(group.join());
  std::vector<std::string> types;
  io::LineSplitter lines(1 << 20);
  lines.add(exchange.text);
  while (auto line = lines.next()) types.push_back(text_at(base::parse_json(*line), {"type"}));
  EXPECT_EQ(types, (std::vector<std::string>{"ADDED", "MODIFIED", "DELETED"}));
}

TEST_F(ServerTest, StreamsAListWithItsEndMarked) {
  create(maps, config_map("a"));
  FakeExchange exchange("GET",
                        maps +
                            "?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&"
                            "resourceVersionMatch=NotOlderThan&resourceVersion=&timeoutSeconds=5");
  exchange.client = client_;
  auto handler = server_->handler();
  io::TaskGroup group(loop_);
  group.spawn("watch", handler(exchange));
  loop_.run_ready();
  EXPECT_NE(exchange.text.find("\"k8s.io/initial-events-end\":\"true\""), std::string::npos);
  clock_.advance(base::Duration(5'000));
  loop_.run(group.join());
  EXPECT_TRUE(exchange.ended);
}

TEST_F(ServerTest, LetsNobodyInWithoutRights) {
  client_.common_name.reset();
  auto anonymous = ask("GET", pods);
  EXPECT_EQ(anonymous.status, 403);
  EXPECT_EQ(
      text_at(anonymous.body, {"message"}),
      "pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\" in API group "
      "\"\" in the namespace \"default\"");
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  token_ = "no.such.token";
  EXPECT_EQ(ask("GET", pods).status, 401);
}

TEST_F(ServerTest, GrantsWhatRolesSay) {
  create("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
         base::parse_json(R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role",
           "metadata":{"name":"r"},"rules":[{"verbs":["get"],"apiGroups":[""],
           "resources":["configmaps"],"resourceNames":["a"]}]})"));
  create("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
         base::parse_json(R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding",
           "metadata":{"name":"r"},"roleRef":{"kind":"Role","name":"r"},
           "subjects":[{"kind":"User","name":"ann"}]})"));
  create(maps, config_map("a"));
  create(maps, config_map("b"));
  be("ann", {});
  EXPECT_EQ(ask("GET", maps + "/a").status, 200);
  EXPECT_EQ(ask("GET", maps + "/b").status, 403);
  EXPECT_EQ(ask("GET", maps).status, 403);
  EXPECT_EQ(ask("DELETE", maps + "/a").status, 403);
}

TEST_F(ServerTest, LetsANodeReadOnlyWhatItsPodsNeed) {
  auto needy = pod("p");
  base::ensure(needy, {"spec", "volumes"}) =
      base::parse_json(R"([{"name":"v","secret":{"secretName":"mine"}}])");
  for (auto name : {"mine", "other"})
    create("/api/v1/namespaces/default/secrets",
           JsonObject{{"apiVersion", "v1"},
                      {"kind", "Secret"},
                      {"metadata", JsonObject{{"name", name}}},
                      {"stringData", JsonObject{{"k", "v"}}}});
  create(pods, needy);
  be("system:node:n1", {"system:nodes"});
  EXPECT_EQ(ask("GET", "/api/v1/namespaces/default/secrets/mine").status, 403);
  be("admin", {"system:masters"});
  ask("POST", pods + "/p/binding",
      R"({"apiVersion":"v1","kind":"Binding","target":{"kind":"Node","name":"n1"}})");
  be("system:node:n1", {"system:nodes"});
  auto secret = ask("GET", "/api/v1/namespaces/default/secrets/mine");
  EXPECT_EQ(secret.status, 200);
  EXPECT_EQ(text_at(secret.body, {"data", "k"}), "dg==");
  EXPECT_EQ(ask("GET", "/api/v1/namespaces/default/secrets/other").status, 403);
  EXPECT_EQ(ask("GET", "/api/v1/pods").status, 403);
  EXPECT_EQ(ask("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1").status, 200);
  auto status = ask("PATCH", pods + "/p/status", R"({"status":{"phase":"Running"}})",
                    "application/strategic-merge-patch+json");
  EXPECT_EQ(status.status, 200) << base::to_text(status.body);
  be("system:node:n2", {"system:nodes"});
  EXPECT_EQ(ask("PATCH", pods + "/p/status", R"({"status":{"phase":"Failed"}})",
                "application/merge-patch+json")
                .status,
            403);
}

TEST_F(ServerTest, IssuesTokensThatItBelieves) {
  create(pods, pod("p"));
  auto issued = ask("POST", "/api/v1/namespaces/default/serviceaccounts/default/token",
                    R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{
                      "expirationSeconds":600,
                      "boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p"}}})");
  ASSERT_EQ(issued.status, 201) << base::to_text(issued.body);
  client_.common_name.reset();
  token_ = text_at(issued.body, {"status", "token"});
  auto who =
      create("/apis/authentication.k8s.io/v1/selfsubjectreviews",
             JsonObject{{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "SelfSubjectReview"}});
  EXPECT_EQ(text_at(who.body, {"status", "userInfo", "username"}),
            "system:serviceaccount:default:default");
  clock_.advance(base::Duration(601'000));
  EXPECT_EQ(ask("GET", "/api").status, 401);
}

TEST_F(ServerTest, ShowsPodsAsKubectlExpects) {
  create(pods, pod("p"));
  auto table =
      ask("GET", pods, "", "", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
  EXPECT_EQ(text_at(table.body, {"kind"}), "Table");
  const auto& cells = table.body.at("rows").at(0).at("cells").as_array();
  EXPECT_EQ(base::to_text(Json(base::JsonArray(cells.begin(), cells.begin() + 5))),
            R"(["p","0/1","Pending","0","0s"])");
}

TEST_F(ServerTest, GivesEachNamespaceItsAccountAndRootCertificate) {
  create("/api/v1/namespaces", JsonObject{{"apiVersion", "v1"},
                                          {"kind", "Namespace"},
                                          {"metadata", JsonObject{{"name", "team"}}}});
  EXPECT_EQ(ask("GET", "/api/v1/namespaces/team/serviceaccounts/default").status, 200);
  auto root = ask("GET", "/api/v1/namespaces/team/configmaps/kube-root-ca.crt");
  EXPECT_EQ(text_at(root.body, {"data", "ca.crt"}), "CA");
}

TEST_F(ServerTest, WritesAnAuditLineForEachRequest) {
  audit_.clear();
  ask("GET", maps + "/x");
  ASSERT_EQ(audit_.size(), 1u);
  EXPECT_EQ(text_at(audit_[0], {"verb"}), "get");
  EXPECT_EQ(text_at(audit_[0], {"user", "username"}), "admin");
  EXPECT_EQ(text_at(audit_[0], {"objectRef", "resource"}), "configmaps");
  EXPECT_EQ(base::find_int(audit_[0], {"responseStatus", "code"}), 404);
}

TEST_F(ServerTest, TellsWhatItServes) {
  auto aggregated = ask("GET", "/apis", "", "",
                        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  EXPECT_EQ(text_at(aggregated.body, {"kind"}), "APIGroupDiscoveryList");
  auto legacy = ask("GET", "/apis/sympozium.ai/v1alpha1");
  EXPECT_EQ(text_at(legacy.body, {"groupVersion"}), "sympozium.ai/v1alpha1");
  EXPECT_EQ(ask("GET", "/openapi/v3").status, 200);
  EXPECT_EQ(ask("GET", "/openapi/v3/apis/batch/v1").status, 200);
  EXPECT_EQ(text_at(ask("GET", "/openapi/v2").body, {"swagger"}), "2.0");
  auto binary = ask("GET", "/openapi/v2", "", "",
                    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf");
  EXPECT_EQ(binary.headers.get("Content-Type"),
            "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
  EXPECT_TRUE(
      binary.text.starts_with("\n\x03"
                              "2.0"));
  EXPECT_NE(binary.text.find("io.k8s.api.core.v1.ConfigMap"), std::string::npos);
  EXPECT_EQ(ask("GET", "/version").status, 200);
}

// ---- kinds that another program serves ----

class AggregatedTest : public ServerTest {
 protected:
  AggregatedTest() {
    finish();
    journal_dialer_ = [this] { return io::tcp_dialer("127.0.0.1", listener_->port()); };
    start();
    tasks_.spawn("journal", http_.serve(*listener_, nullptr));
  }
  io::Task<> serve(io::Exchange& exchange) {
    asked_ = exchange.method() + " " + exchange.target();
    asked_headers_ = exchange.headers();
    asked_body_ = co_await exchange.body(64 << 20);
    co_await exchange.begin(206, {{"Content-Type", "application/x-ndjson"}});
    co_await exchange.send("one");
    co_await exchange.send(" two");
    co_await exchange.end();
  }

  std::string asked_, asked_body_;
  io::Headers asked_headers_;
  io::HttpServer http_{loop_, clock_, log_, {}, [this](io::Exchange& e) { return serve(e); }};
  std::unique_ptr<io::Listener> listener_ = io::listen_tcp(loop_, "127.0.0.1", 0);
  io::TaskGroup tasks_{loop_};
};

const std::string records = "/apis/journal.sympozium.ai/v1alpha1/namespaces/default/runrecords";

TEST_F(AggregatedTest, PassesRequestsOnWithTheUsersName) {
  auto answer = ask("GET", records + "/a/events?after=3&watch=true");
  EXPECT_EQ(answer.status, 206);
  EXPECT_EQ(answer.text, "one two");
  EXPECT_EQ(answer.headers.get("Content-Type"), "application/x-ndjson");
  EXPECT_EQ(asked_, "GET " + records + "/a/events?after=3&watch=true");
  EXPECT_EQ(asked_headers_.get("X-Remote-User"), "admin");
  EXPECT_EQ(asked_headers_.get("X-Remote-Group"), "system:masters");
  const std::string large(4 << 20, 'x');  // larger than any object
  ask("POST", records, large, "application/x-ndjson");
  EXPECT_EQ(asked_body_.size(), large.size());
  EXPECT_EQ(asked_headers_.get("Content-Type"), "application/x-ndjson");
}

TEST_F(AggregatedTest, LetsNobodySayWhoTheyAre) {
  FakeExchange exchange("GET", records);
  exchange.client = client_;
  exchange.request_headers.set("X-Remote-User", "eve");
  auto handler = server_->handler();
  loop_.run(handler(exchange));
  for (const auto& [name, value] : asked_headers_.fields()) EXPECT_NE(value, "eve") << name;
}

TEST_F(AggregatedTest, AsksForRightsFirst) {
  create(
      "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
      base::parse_json(R"({"metadata":{"name":"r"},"rules":[{"apiGroups":["journal.sympozium.ai"],
           "resources":["runrecords","runrecords/blobs"],"verbs":["get"]}]})"));
  create("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
         base::parse_json(R"({"metadata":{"name":"r"},
           "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"},
           "subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"bob"}]})"));
  be("bob", {});
  EXPECT_EQ(ask("GET", records + "/a").status, 206);
  EXPECT_EQ(ask("GET", records + "/a/blobs/0123").status, 206);
  asked_ = "";
  for (const auto& [method, path] :
       {std::pair{"GET", records},
        {"GET", records + "/a/events"},
        {"GET", records + "/a/export"},
        {"POST", records},
        {"GET", "/apis/journal.sympozium.ai/v1alpha1/namespaces/other/runrecords/a"}})
    EXPECT_EQ(ask(method, path).status, 403) << method << " " << path;
  EXPECT_EQ(asked_, "");
}

TEST_F(AggregatedTest, ServesWhatIsInDiscoveryOnly) {
  auto list = ask("GET", "/apis/journal.sympozium.ai/v1alpha1").body;
  ASSERT_EQ(list.at("resources").as_array().size(), 8u);
  EXPECT_EQ(text_at(list.at("resources").at(1), {"name"}), "runrecords/events");
  EXPECT_EQ(ask("DELETE", records).status, 405) << "not all at once";
  EXPECT_EQ(ask("GET", records + "/a/pods").status, 405);
  EXPECT_EQ(ask("GET", "/apis/journal.sympozium.ai/v1alpha1/runrecords").status, 404);
  EXPECT_EQ(asked_, "");
}

TEST_F(AggregatedTest, SaysSoWhenNobodyServes) {
  tasks_.stop();
  loop_.run(tasks_.join());
  listener_->close();
  auto answer = ask("GET", records);
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(text_at(answer.body, {"reason"}), "ServiceUnavailable");
}

TEST_F(ServerTest, WithoutAJournalItsGroupIsAbsent) {
  EXPECT_EQ(ask("GET", "/apis/journal.sympozium.ai/v1alpha1").status, 404);
  EXPECT_EQ(ask("GET", records).status, 404);
}

}  // namespace
}  // namespace apiserver
