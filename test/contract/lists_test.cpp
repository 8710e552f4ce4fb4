// Lists, selectors, pages, Tables, watches.
#include "base/text.h"
#include "contract/contract.h"

namespace contract {
namespace {

constexpr const char* table_type =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/"
    "json;as=Table;v=v1beta1;g=meta.k8s.io,"
    "application/json";

struct Lists : Contract {
  // ConfigMaps a, b, c, d with label half=one|two; `mine` is what selects them.
  void make_four() {
    for (std::string name : {"a", "b", "c", "d"}) {
      auto object = make_config_map(name, {{"k", name}});
      base::ensure(object, {"metadata", "labels", "half"}) = name < "c" ? "one" : "two";
      ASSERT_EQ(create(path("configmaps"), object).status, 201);
    }
  }
  std::string names_of(const Answer& answer) {
    std::string names;
    for (const auto& item : answer.body.at("items").as_array())
      names += text_at(item, {"metadata", "name"}) + " ";
    return names;
  }
};

TEST_F(Lists, AreOfTheirKindWithAVersion) {
  make_four();
  auto list = ask("GET", path("configmaps") + "?labelSelector=half");
  EXPECT_EQ(text_at(list.body, {"kind"}), "ConfigMapList");
  EXPECT_EQ(text_at(list.body, {"apiVersion"}), "v1");
  EXPECT_FALSE(list.version().empty());
  EXPECT_EQ(names_of(list), "a b c d ");
}

TEST_F(Lists, DoNotRepeatTheTypeOfTheirItems) {
  make_four();
  auto item = ask("GET", path("configmaps") + "?limit=1").body.at("items").at(0);
  EXPECT_FALSE(base::find(item, {"kind"})) << base::to_text(item);
  EXPECT_FALSE(base::find(item, {"apiVersion"}));
  EXPECT_EQ(text_at(item, {"metadata", "name"}), "a");
  auto partial = ask("GET", path("configmaps") + "?limit=1", "",
                     {"", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"});
  EXPECT_EQ(text_at(partial.body.at("items").at(0), {"kind"}), "PartialObjectMetadata");
}

TEST_F(Lists, KnowWhatAnAbsentFieldMeans) {
  create(path("pods"), make_pod("p"));
  auto of = [&](const std::string& collection, const std::string& selector) {
    return names_of(ask("GET", path(collection) + "?fieldSelector=" + selector));
  };
  EXPECT_EQ(of("pods", "spec.hostNetwork%3Dfalse"), "p ");
  EXPECT_EQ(of("pods", "spec.nodeName%3D"), "p ");
  create(path("jobs"), make_job("j"));
  EXPECT_EQ(of("jobs", "status.successful%3D0"), "j ");
  EXPECT_EQ(of("jobs", "status.successful!%3D0"), "");
}

TEST_F(Lists, SelectByTheNamesOfTheirVersion) {
  auto event = base::parse_json(
      R"({"metadata":{"name":"e"},"reason":"Why","reportingComponent":"us",
          "involvedObject":{"kind":"Pod","name":"p"}})");
  base::ensure(event, {"involvedObject", "namespace"}) = ns();
  ASSERT_EQ(create(path("events"), event).status, 201);
  auto modern = "/apis/events.k8s.io/v1/namespaces/" + ns() + "/events?fieldSelector=";
  EXPECT_EQ(names_of(ask("GET", modern + "regarding.name%3Dp,reason%3DWhy")), "e ");
  EXPECT_EQ(names_of(ask("GET", modern + "reportingController%3Dus")), "e ");
  EXPECT_EQ(names_of(ask("GET", modern + "regarding.name%3Dq")), "");
  EXPECT_EQ(ask("GET", modern + "involvedObject.name%3Dp").status, 400);
  auto core = path("events") + "?fieldSelector=";
  EXPECT_EQ(names_of(ask("GET", core + "involvedObject.name%3Dp,source%3Dus")), "e ");
  EXPECT_EQ(ask("GET", core + "regarding.name%3Dp").status, 400);
}

TEST_F(Lists, AreCutBySelectors) {
  make_four();
  auto of = [&](const std::string& query) {
    return names_of(ask("GET", path("configmaps") + "?" + query));
  };
  EXPECT_EQ(of("labelSelector=half%3Done"), "a b ");
  EXPECT_EQ(of("labelSelector=half%20in%20(two,three)"), "c d ");
  EXPECT_EQ(of("labelSelector=half,half!%3Done"), "c d ");
  EXPECT_EQ(of("labelSelector=half%20notin%20(one),half"), "c d ");
  EXPECT_EQ(of("labelSelector=nothing"), "");
  EXPECT_EQ(of("fieldSelector=metadata.name%3Db"), "b ");
  EXPECT_EQ(of("labelSelector=half&fieldSelector=metadata.name!%3Db"), "a c d ");
  EXPECT_EQ(ask("GET", path("configmaps") + "?labelSelector=%3D%3D").status, 400);
  EXPECT_EQ(ask("GET", path("configmaps") + "?fieldSelector=data.k%3Db").status, 400);
}

TEST_F(Lists, ComeInPages) {
  make_four();
  auto first = ask("GET", path("configmaps") + "?limit=3&labelSelector=half");
  EXPECT_EQ(names_of(first), "a b c ");
  auto token = text_at(first.body, {"metadata", "continue"});
  ASSERT_FALSE(token.empty());
  auto rest = ask("GET", path("configmaps") + "?limit=3&labelSelector=half&continue=" + token);
  EXPECT_EQ(names_of(rest), "d ");
  EXPECT_EQ(text_at(rest.body, {"metadata", "continue"}), "");
  EXPECT_EQ(rest.version(), first.version());
  auto counted = ask("GET", path("configmaps") + "?limit=1");
  EXPECT_EQ(base::find_int(counted.body, {"metadata", "remainingItemCount"}), 4);
  EXPECT_EQ(ask("GET", path("configmaps") + "?limit=1&continue=nonsense").status, 400);
}

TEST_F(Lists, GoOnAsTheyWereWhenTheyBegan) {
  make_four();
  auto first = ask("GET", path("configmaps") + "?limit=2&labelSelector=half");
  auto token = text_at(first.body, {"metadata", "continue"});
  auto late = make_config_map("bb");
  base::ensure(late, {"metadata", "labels", "half"}) = "two";
  ASSERT_EQ(create(path("configmaps"), late).status, 201);
  merge(path("configmaps") + "/c", R"({"data":{"k":"changed"}})");
  ask("DELETE", path("configmaps") + "/d");
  auto rest = ask("GET", path("configmaps") + "?limit=2&labelSelector=half&continue=" + token);
  EXPECT_EQ(names_of(rest), "c d ");
  EXPECT_EQ(text_at(rest.body.at("items").at(0), {"data", "k"}), "c");
  EXPECT_EQ(rest.version(), first.version());
  EXPECT_EQ(names_of(ask("GET", path("configmaps") + "?labelSelector=half")), "a b bb c ");
}

TEST_F(Lists, ShowThePastWhenAskedForExactlyThat) {
  make_four();
  auto then = ask("GET", path("configmaps") + "?labelSelector=half").version();
  ask("DELETE", path("configmaps") + "/a");
  auto of = [&](const std::string& query) {
    return names_of(ask(
        "GET", path("configmaps") + "?labelSelector=half&resourceVersion=" + then + "&" + query));
  };
  EXPECT_EQ(of("resourceVersionMatch=Exact"), "a b c d ");
  EXPECT_EQ(of("limit=1"), "a ") << "a page of a version is exact without being told";
}

TEST_F(Lists, RefuseOptionsThatContradictEachOther) {
  make_four();
  auto first = ask("GET", path("configmaps") + "?limit=1");
  auto next = "&continue=" + text_at(first.body, {"metadata", "continue"});
  auto status_of = [&](const std::string& query) {
    return ask("GET", path("configmaps") + "?" + query).status;
  };
  EXPECT_EQ(status_of("limit=1&resourceVersion=" + first.version() + next), 400);
  EXPECT_EQ(status_of("resourceVersion=0&resourceVersionMatch=NotOlderThan" + next), 422);
  EXPECT_EQ(status_of("resourceVersion=0&resourceVersionMatch=Exact"), 422);
  EXPECT_EQ(status_of("resourceVersion=0&resourceVersionMatch=Roughly"), 422);
  EXPECT_EQ(status_of("resourceVersionMatch=Exact"), 422);
  EXPECT_EQ(status_of("sendInitialEvents=true"), 422);
  EXPECT_EQ(status_of("timeout=soon"), 400);
  EXPECT_EQ(status_of("timeout=0s"), 200);
}

TEST_F(Lists, AreTablesForKubectl) {
  create(path("pods"), make_pod("p"));
  auto table = ask("GET", path("pods"), "", {"", table_type});
  ASSERT_EQ(text_at(table.body, {"kind"}), "Table") << table.text;
  EXPECT_EQ(text_at(table.body, {"apiVersion"}), "meta.k8s.io/v1");
  std::string columns;
  for (const auto& column : table.body.at("columnDefinitions").as_array())
    columns +=
        text_at(column, {"name"}) + "/" + std::to_string(column.at("priority").as_int64()) + " ";
  EXPECT_EQ(
      columns,
      "Name/0 Ready/0 Status/0 Restarts/0 Age/0 IP/1 Node/1 Nominated Node/1 Readiness Gates/1 ");
  const auto& row = table.body.at("rows").at(0);
  EXPECT_EQ(base::to_text(row.at("cells").at(1)), "\"0/1\"");
  EXPECT_EQ(base::to_text(row.at("cells").at(2)), "\"Pending\"");
  EXPECT_EQ(text_at(row, {"object", "kind"}), "PartialObjectMetadata");
}

TEST_F(Lists, AreMetadataOnlyWhenAsked) {
  make_four();
  auto list = ask("GET", path("configmaps") + "?labelSelector=half", "",
                  {"", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"});
  EXPECT_EQ(text_at(list.body, {"kind"}), "PartialObjectMetadataList");
  EXPECT_FALSE(base::find(list.body.at("items").at(0), {"data"}));
}

struct Watches : Lists {};

TEST_F(Watches, TellChangesAfterAVersion) {
  auto made = create(path("configmaps"), make_config_map("a"));
  auto open = watch(path("configmaps") + "?watch=true&resourceVersion=" + made.version());
  ASSERT_EQ(open->status(), 200);
  merge(path("configmaps") + "/a", R"({"data":{"k":"1"}})");
  create(path("configmaps"), make_config_map("b"));
  ask("DELETE", path("configmaps") + "/a");
  EXPECT_EQ(open->next_names(3), (std::vector<std::string>{"MODIFIED a", "ADDED b", "DELETED a"}));
}

TEST_F(Watches, SeeObjectsEnterAndLeaveTheirSelection) {
  auto made = create(path("configmaps"), make_config_map("a"));
  auto open = watch(path("configmaps") +
                    "?watch=true&labelSelector=x%3D1&resourceVersion=" + made.version());
  merge(path("configmaps") + "/a", R"({"metadata":{"labels":{"x":"1"}}})");
  merge(path("configmaps") + "/a", R"({"data":{"k":"1"}})");
  auto left = merge(path("configmaps") + "/a", R"({"metadata":{"labels":{"x":"2"}}})");
  EXPECT_EQ(open->next_names(2), (std::vector<std::string>{"ADDED a", "MODIFIED a"}));
  auto last = open->next();
  EXPECT_EQ(text_at(last, {"type"}), "DELETED");
  EXPECT_EQ(text_at(last, {"object", "metadata", "resourceVersion"}), left.version());
}

TEST_F(Watches, BeginWithWhatIsThereWhenNoVersionIsGiven) {
  make_four();
  auto open = watch(path("configmaps") + "?watch=true&labelSelector=half%3Done");
  EXPECT_EQ(open->next_names(2), (std::vector<std::string>{"ADDED a", "ADDED b"}));
  auto zero =
      watch(path("configmaps") + "?watch=true&resourceVersion=0&fieldSelector=metadata.name%3Dc");
  EXPECT_EQ(zero->next_names(1), (std::vector<std::string>{"ADDED c"}));
}

TEST_F(Watches, StreamAListAndMarkItsEnd) {
  make_four();
  auto open = watch(path("configmaps") +
                    "?watch=true&labelSelector=half%3Dtwo&sendInitialEvents=true&"
                    "resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
  EXPECT_EQ(open->next_names(2), (std::vector<std::string>{"ADDED c", "ADDED d"}));
  auto mark = open->next();
  EXPECT_EQ(text_at(mark, {"type"}), "BOOKMARK");
  EXPECT_EQ(text_at(mark, {"object", "metadata", "annotations", "k8s.io/initial-events-end"}),
            "true");
  EXPECT_FALSE(text_at(mark, {"object", "metadata", "resourceVersion"}).empty());
  auto refused = ask("GET", path("configmaps") + "?watch=true&sendInitialEvents=true");
  EXPECT_EQ(refused.status, 422);
}

TEST_F(Watches, EndAfterTheTimeTheyWereGiven) {
  auto made = create(path("configmaps"), make_config_map("a"));
  auto open =
      watch(path("configmaps") + "?watch=true&timeoutSeconds=1&resourceVersion=" + made.version());
  EXPECT_TRUE(open->next().is_null());
}

TEST_F(Watches, AreTablesForKubectl) {
  auto made = create(path("configmaps"), make_config_map("a"));
  auto open =
      watch(path("configmaps") + "?watch=true&resourceVersion=" + made.version(), {"", table_type});
  merge(path("configmaps") + "/a", R"({"data":{"k":"1"}})");
  merge(path("configmaps") + "/a", R"({"data":{"k":"2"}})");
  auto first = open->next();
  EXPECT_EQ(text_at(first, {"object", "kind"}), "Table");
  EXPECT_GE(first.at("object").at("columnDefinitions").as_array().size(), 3u);
  auto second = open->next();
  EXPECT_TRUE(second.at("object").at("columnDefinitions").is_null());
}

}  // namespace
}  // namespace contract
