// CRUD, versions, patches, deletion.
#include "base/encoding.h"
#include "contract/contract.h"

namespace contract {
namespace {

struct Objects : Contract {};

TEST_F(Objects, HaveIdentityFromTheirCreation) {
  auto made = create(path("configmaps"), make_config_map("a", {{"k", "v"}}));
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(text_at(made.body, {"kind"}), "ConfigMap");
  EXPECT_EQ(text_at(made.body, {"metadata", "namespace"}), ns());
  EXPECT_EQ(text_at(made.body, {"metadata", "uid"}).size(), 36u);
  EXPECT_EQ(text_at(made.body, {"metadata", "creationTimestamp"}).size(), 20u);
  EXPECT_FALSE(made.version().empty());
  auto read = ask("GET", path("configmaps") + "/a");
  EXPECT_EQ(read.version(), made.version());
}

TEST_F(Objects, TakeTheirTypeFromThePath) {
  auto made = ask("POST", path("configmaps"), R"({"metadata":{"name":"a"},"data":{"k":"v"}})");
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(text_at(made.body, {"kind"}), "ConfigMap");
  EXPECT_EQ(text_at(made.body, {"apiVersion"}), "v1");
  auto changed = ask("PUT", path("configmaps") + "/a", R"({"metadata":{"name":"a"}})");
  EXPECT_EQ(changed.status, 200) << changed.text;
  EXPECT_EQ(text_at(changed.body, {"kind"}), "ConfigMap");
  auto other = ask("POST", path("configmaps"), R"({"apiVersion":"v2","metadata":{"name":"b"}})");
  EXPECT_EQ(other.status, 400) << other.text;
}

TEST_F(Objects, WithUnknownFieldsAreRefusedOrWarnedOf) {
  const std::string odd = R"({"metadata":{"name":"a","nmae":"b"},"data":{"k":"v"},"date":{}})";
  auto strict = ask("POST", path("configmaps") + "?fieldValidation=Strict", odd);
  EXPECT_EQ(strict.status, 400) << strict.text;
  EXPECT_TRUE(strict.message().starts_with(
      "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: "))
      << strict.message();
  EXPECT_NE(strict.message().find("unknown field \"date\""), std::string::npos);
  EXPECT_NE(strict.message().find("unknown field \"metadata.nmae\""), std::string::npos);
  EXPECT_FALSE(ask("POST", path("configmaps") + "?fieldValidation=Ignore&dryRun=All", odd)
                   .headers.has("Warning"));
  auto warned = ask("POST", path("configmaps"), odd);
  EXPECT_EQ(warned.status, 201) << warned.text;
  EXPECT_NE(warned.headers.get("Warning").find("unknown field"), std::string::npos);
  auto patched = merge(path("configmaps") + "/a?fieldValidation=Strict", R"({"date":{"k":"v"}})");
  EXPECT_EQ(patched.status, 422) << patched.text;
  auto pod = make_pod("p");
  base::ensure(pod, {"spec", "contaniers"}) = JsonArray{};
  auto typo = ask("POST", path("pods") + "?fieldValidation=Strict", base::to_text(pod));
  EXPECT_EQ(typo.status, 400) << typo.text;
  EXPECT_NE(typo.message().find("unknown field \"spec.contaniers\""), std::string::npos);
}

TEST_F(Objects, AreNamedByThePrefixWhenAsked) {
  auto made =
      create(path("configmaps"),
             base::parse_json(
                 R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"x-"}})"));
  ASSERT_EQ(made.status, 201);
  auto name = text_at(made.body, {"metadata", "name"});
  EXPECT_TRUE(name.starts_with("x-"));
  EXPECT_EQ(name.size(), 7u);
}

TEST_F(Objects, AreRefusedASecondTime) {
  create(path("configmaps"), make_config_map("a"));
  auto again = create(path("configmaps"), make_config_map("a"));
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.reason(), "AlreadyExists");
  EXPECT_EQ(again.message(), "configmaps \"a\" already exists");
  EXPECT_EQ(text_at(again.body, {"details", "kind"}), "configmaps");
  EXPECT_EQ(text_at(again.body, {"details", "name"}), "a");
}

TEST_F(Objects, NotThereAreSaidToBeNotFound) {
  auto core = ask("GET", path("pods") + "/x");
  EXPECT_EQ(core.status, 404);
  EXPECT_EQ(core.message(), "pods \"x\" not found");
  auto grouped = ask("GET", path("jobs") + "/x");
  EXPECT_EQ(grouped.message(), "jobs.batch \"x\" not found");
  EXPECT_EQ(text_at(grouped.body, {"details", "group"}), "batch");
  EXPECT_EQ(ask("GET", "/apis/nope.example/v1/namespaces/x/things").status, 404);
  EXPECT_EQ(ask("DELETE", path("pods") + "/x").status, 404);
  EXPECT_EQ(merge(path("pods") + "/x", "{}").status, 404);
}

TEST_F(Objects, WithBadNamesAreInvalid) {
  auto bad = create(path("configmaps"), make_config_map("A_b"));
  EXPECT_EQ(bad.status, 422);
  EXPECT_EQ(bad.reason(), "Invalid");
  EXPECT_TRUE(bad.message().starts_with(
      "ConfigMap \"A_b\" is invalid: metadata.name: Invalid value: \"A_b\": "
      "a lowercase RFC 1123 subdomain must consist of"))
      << bad.message();
  EXPECT_EQ(text_at(bad.body.at("details").at("causes").at(0), {"reason"}), "FieldValueInvalid");
  auto nameless =
      create(path("configmaps"), base::parse_json(R"({"apiVersion":"v1","kind":"ConfigMap"})"));
  EXPECT_EQ(nameless.status, 422);
  EXPECT_EQ(
      nameless.message(),
      "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required");
}

TEST_F(Objects, OfAnotherNamespaceOrKindAreBadRequests) {
  auto other = make_config_map("a");
  base::ensure(other, {"metadata", "namespace"}) = "default";
  auto wrong = create(path("configmaps"), other);
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(
      wrong.message(),
      "the namespace of the provided object does not match the namespace sent on the request");
  EXPECT_EQ(create(path("configmaps"), make_pod("a")).status, 400);
  EXPECT_EQ(ask("POST", path("configmaps"), "{nonsense").status, 400);
  auto nowhere = create("/api/v1/namespaces/no-such-namespace/configmaps", make_config_map("a"));
  EXPECT_EQ(nowhere.status, 404);
  EXPECT_EQ(nowhere.message(), "namespaces \"no-such-namespace\" not found");
}

TEST_F(Objects, ChangeByMergePatchWithANewVersion) {
  auto made = create(path("configmaps"), make_config_map("a", {{"k", "v"}, {"gone", "x"}}));
  auto changed = merge(path("configmaps") + "/a", R"({"data":{"k":"w","gone":null}})");
  ASSERT_EQ(changed.status, 200) << changed.text;
  EXPECT_EQ(text_at(changed.body, {"data", "k"}), "w");
  EXPECT_FALSE(base::find(changed.body, {"data", "gone"}));
  EXPECT_NE(changed.version(), made.version());
  auto same = merge(path("configmaps") + "/a", R"({"data":{"k":"w"}})");
  EXPECT_EQ(same.version(), changed.version());
}

TEST_F(Objects, RefuseAWriteThatLostTheRace) {
  auto made = create(path("configmaps"), make_config_map("a"));
  merge(path("configmaps") + "/a", R"({"data":{"k":"1"}})");
  auto late = merge(path("configmaps") + "/a", R"({"metadata":{"resourceVersion":")" +
                                                   made.version() + R"("},"data":{"k":"2"}})");
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(late.reason(), "Conflict");
  EXPECT_EQ(
      late.message(),
      "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please "
      "apply your changes to the latest version and try again");
  auto put = ask("PUT", path("configmaps") + "/a", base::to_text(made.body));
  EXPECT_EQ(put.status, 409);
}

TEST_F(Objects, RefuseAnotherUidInAPatch) {
  create(path("configmaps"), make_config_map("a"));
  auto other = merge(path("configmaps") + "/a",
                     R"({"metadata":{"uid":"00000000-0000-4000-8000-000000000000"}})");
  EXPECT_EQ(other.status, 422);
  EXPECT_NE(other.message().find("field is immutable"), std::string::npos) << other.message();
}

TEST_F(Objects, TakeJsonPatches) {
  create(path("configmaps"), make_config_map("a", {{"k", "v"}}));
  auto changed =
      ask("PATCH", path("configmaps") + "/a",
          R"([{"op":"test","path":"/data/k","value":"v"},{"op":"add","path":"/data/n","value":"1"},
                         {"op":"remove","path":"/data/k"}])",
          {"application/json-patch+json"});
  ASSERT_EQ(changed.status, 200) << changed.text;
  EXPECT_EQ(base::to_text(changed.body.at("data")), R"({"n":"1"})");
  auto failed =
      ask("PATCH", path("configmaps") + "/a", R"([{"op":"test","path":"/data/n","value":"2"}])",
          {"application/json-patch+json"});
  EXPECT_EQ(failed.status, 422) << failed.text;
}

TEST_F(Objects, TakeStrategicMergePatches) {
  create(path("pods"), make_pod("p"));
  auto changed = ask(
      "PATCH", path("pods") + "/p",
      R"({"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"main","image":"busybox:2"}]}})",
      {"application/strategic-merge-patch+json"});
  ASSERT_EQ(changed.status, 200) << changed.text;
  const auto& container = changed.body.at("spec").at("containers").at(0);
  EXPECT_EQ(text_at(container, {"image"}), "busybox:2");
  EXPECT_EQ(text_at(container, {"terminationMessagePath"}), "/dev/termination-log");
}

TEST_F(Objects, AreLeftAloneByADryRun) {
  auto dry = ask("POST", path("configmaps") + "?dryRun=All", base::to_text(make_config_map("a")));
  EXPECT_EQ(dry.status, 201);
  EXPECT_EQ(ask("GET", path("configmaps") + "/a").status, 404);
  create(path("configmaps"), make_config_map("a", {{"k", "v"}}));
  auto changed = merge(path("configmaps") + "/a?dryRun=All", R"({"data":{"k":"w"}})");
  EXPECT_EQ(text_at(changed.body, {"data", "k"}), "w");
  EXPECT_EQ(ask("DELETE", path("configmaps") + "/a?dryRun=All").status, 200);
  auto read = ask("GET", path("configmaps") + "/a");
  EXPECT_EQ(text_at(read.body, {"data", "k"}), "v");
}

TEST_F(Objects, GoWithAStatusThatNamesThem) {
  auto made = create(path("configmaps"), make_config_map("a"));
  auto uid = text_at(made.body, {"metadata", "uid"});
  auto wrong = ask("DELETE", path("configmaps") + "/a",
                   R"({"preconditions":{"uid":"00000000-0000-4000-8000-000000000000"}})");
  EXPECT_EQ(wrong.status, 409) << wrong.text;
  auto gone =
      ask("DELETE", path("configmaps") + "/a", R"({"preconditions":{"uid":")" + uid + R"("}})");
  EXPECT_EQ(gone.status, 200);
  EXPECT_EQ(text_at(gone.body, {"status"}), "Success");
  EXPECT_EQ(text_at(gone.body, {"details", "uid"}), uid);
  EXPECT_EQ(text_at(gone.body, {"details", "kind"}), "configmaps");
}

TEST_F(Objects, WaitForTheirFinalizers) {
  auto object = make_config_map("a");
  base::ensure(object, {"metadata", "finalizers"}) = JsonArray{"example.com/hold"};
  create(path("configmaps"), object);
  auto marked = ask("DELETE", path("configmaps") + "/a");
  EXPECT_EQ(marked.status, 200);
  EXPECT_FALSE(text_at(marked.body, {"metadata", "deletionTimestamp"}).empty()) << marked.text;
  auto more = merge(path("configmaps") + "/a",
                    R"({"metadata":{"finalizers":["example.com/hold","example.com/more"]}})");
  EXPECT_EQ(more.status, 422);
  EXPECT_EQ(
      more.message(),
      "ConfigMap \"a\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added "
      "if the object is being deleted, found new finalizers []string{\"example.com/more\"}");
  EXPECT_EQ(merge(path("configmaps") + "/a", R"({"metadata":{"finalizers":null}})").status, 200);
  EXPECT_EQ(ask("GET", path("configmaps") + "/a").status, 404);
}

TEST_F(Objects, GoTogetherBySelector) {
  for (std::string name : {"a", "b", "c"}) {
    auto object = make_config_map(name);
    base::ensure(object, {"metadata", "labels", "keep"}) = name == "c" ? "yes" : "no";
    create(path("configmaps"), object);
  }
  EXPECT_EQ(ask("DELETE", path("configmaps") + "?labelSelector=keep%3Dno").status, 200);
  EXPECT_EQ(ask("GET", path("configmaps") + "/a").status, 404);
  EXPECT_EQ(ask("GET", path("configmaps") + "/c").status, 200);
}

TEST_F(Objects, AreRefusedInFormsNobodySpeaks) {
  EXPECT_EQ(ask("POST", path("configmaps"), "x", {"text/plain"}).status, 415);
  EXPECT_EQ(ask("GET", path("configmaps"), "", {"", "text/csv"}).status, 406);
  EXPECT_EQ(ask("PATCH", path("configmaps") + "/a", "{}", {"application/json"}).status, 415);
  auto method = ask("POST", path("configmaps") + "/a", "{}");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.reason(), "MethodNotAllowed");
  auto large = make_config_map("a", {{"k", std::string(3'200'000, 'x')}});
  EXPECT_EQ(create(path("configmaps"), large).status, 413);
}

TEST_F(Objects, KeepSecretsEncodedAndTyped) {
  auto made =
      create(path("secrets"), base::parse_json(R"({"apiVersion":"v1","kind":"Secret","metadata":
      {"name":"s"},"stringData":{"k":"v"}})"));
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(text_at(made.body, {"type"}), "Opaque");
  EXPECT_EQ(text_at(made.body, {"data", "k"}), "dg==");
  EXPECT_FALSE(base::find(made.body, {"stringData"}));
  auto retyped = merge(path("secrets") + "/s", R"({"type":"other"})");
  EXPECT_EQ(retyped.status, 422);
  merge(path("secrets") + "/s", R"({"immutable":true})");
  auto frozen = merge(path("secrets") + "/s", R"({"data":{"k":"dw=="}})");
  EXPECT_EQ(frozen.status, 422);
  EXPECT_EQ(frozen.message(),
            "Secret \"s\" is invalid: data: Forbidden: field is immutable when `immutable` is set");
}

}  // namespace
}  // namespace contract
