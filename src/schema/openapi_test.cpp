#include "schema/openapi.h"

#include <gtest/gtest.h>

#include "schema/reference.h"
#include "schema/sample_test.h"

namespace schema {
namespace {

using base::parse_json;

const base::Json& at(const base::Json& json, std::initializer_list<std::string_view> path) {
  static const base::Json nothing = "nothing there";
  auto found = base::find(json, path);
  return found ? *found : nothing;
}

TEST(Openapi, DescribesAStruct) {
  EXPECT_EQ(openapi(sample::Part::table),
            parse_json(R"({"type":"object","required":["name"],"properties":{
      "name":{"type":"string","description":"Name."},
      "zone":{"type":"string","description":"Zone."},
      "count":{"type":"integer","format":"int64","minimum":1,"maximum":9,"default":1,
               "description":"Pieces. Default 1."}}})"));
}

TEST(Openapi, KnowsEveryForm) {
  base::Json all = openapi(sample::Spec::table);
  const base::Json& p = at(all, {"properties"});
  EXPECT_EQ(at(p, {"since"}),
            parse_json(R"({"type":"string","format":"date-time","description":"Since when."})"));
  EXPECT_EQ(at(p, {"port"}), parse_json(R"({"anyOf":[{"type":"integer"},{"type":"string"}],
      "x-kubernetes-int-or-string":true,"description":"Port."})"));
  EXPECT_EQ(at(p, {"weight", "x-kubernetes-int-or-string"}), true);
  EXPECT_EQ(
      at(p, {"anything"}),
      parse_json(R"({"x-kubernetes-preserve-unknown-fields":true,"description":"Anything."})"));
  EXPECT_EQ(at(p, {"shape", "type"}), "object");
  EXPECT_EQ(at(p, {"colour", "enum"}), parse_json(R"(["red","green"])"));
  EXPECT_EQ(at(p, {"mode"}),
            parse_json(R"({"type":"string","enum":["once","always"],"default":"once",
      "description":"Mode. Default once."})"));
  EXPECT_EQ(at(p, {"labels", "additionalProperties"}), parse_json(R"({"type":"string"})"));
  EXPECT_EQ(at(p, {"parts", "x-kubernetes-list-map-keys"}), parse_json(R"(["name","zone"])"));
  EXPECT_EQ(at(p, {"parts", "maxItems"}), 4);
  EXPECT_EQ(at(p, {"tags", "x-kubernetes-list-type"}), "set");
  EXPECT_EQ(at(p, {"tags", "items", "maxLength"}), 63);
  EXPECT_EQ(at(p, {"title", "minLength"}), 2);
  EXPECT_EQ(
      at(all, {"x-kubernetes-validations"}).as_array()[0].at("rule"),
      "!has(oldSelf.old) || !has(oldSelf.old.hint) || !has(self.main) || !has(oldSelf.main) || "
      "self.main == oldSelf.main");
  EXPECT_EQ(at(p, {"gone", "description"}),
            "Not supported by this version: refused when set. Gone.");
}

TEST(Crd, IsWhatApiextensionsAsksFor) {
  base::Json made = crd(sample::Thing::info);
  EXPECT_EQ(at(made, {"metadata", "name"}), "things.example.org");
  EXPECT_EQ(at(made, {"spec", "names"}),
            parse_json(R"({"kind":"Thing","listKind":"ThingList","plural":"things",
      "singular":"thing","shortNames":["th"]})"));
  const auto& version = at(made, {"spec", "versions"}).as_array()[0];
  EXPECT_EQ(at(version, {"subresources"}), parse_json(R"({"status":{}})"));
  EXPECT_EQ(
      at(version, {"additionalPrinterColumns"}),
      parse_json(
          R"([{"name":"Size","type":"integer","description":"Metres","jsonPath":".spec.size","priority":1}])"));
  const auto& properties = at(version, {"schema", "openAPIV3Schema", "properties"});
  EXPECT_EQ(at(properties, {"metadata"}), parse_json(R"({"type":"object"})"));
  EXPECT_EQ(at(properties, {"kind", "type"}), "string");
}

TEST(PathOf, FollowsTheKubernetesApi) {
  KindInfo pods{.group = "", .version = "v1", .kind = "Pod", .plural = "pods", .singular = "pod"};
  KindInfo nodes{.group = "",
                 .version = "v1",
                 .kind = "Node",
                 .plural = "nodes",
                 .singular = "node",
                 .scope = Scope::cluster};
  EXPECT_EQ(path_of(pods, ""), "/api/v1/pods");
  EXPECT_EQ(path_of(pods, "a"), "/api/v1/namespaces/a/pods");
  EXPECT_EQ(path_of(pods, "a", "b", "log"), "/api/v1/namespaces/a/pods/b/log");
  EXPECT_EQ(path_of(nodes, "", "n"), "/api/v1/nodes/n");
  EXPECT_EQ(path_of(sample::Thing::info, "a", "b"), "/apis/example.org/v1/namespaces/a/things/b");
}

TEST(ListFields, WalksEveryField) {
  std::vector<std::string> paths;
  for (const auto& entry : list_fields(sample::Thing::table)) paths.push_back(entry.path);
  EXPECT_EQ(paths.size(), 34u);
  for (auto wanted : {"spec", "spec.parts", "spec.parts[].name", "spec.places{}.count",
                      "spec.main.zone", "spec.old.hint"})
    EXPECT_NE(std::ranges::find(paths, wanted), paths.end()) << wanted;
}

TEST(Reference, HasALinePerField) {
  std::string page = reference(sample::Thing::info);
  EXPECT_NE(page.find("| `spec.parts[].count` | integer | default `1`; ≥ 1; ≤ 9 | honoured | "
                      "Pieces. Default 1. |\n"),
            std::string::npos)
      << page;
  EXPECT_NE(page.find("| `spec.mode` | once \\| always | default `\"once\"` | honoured |"),
            std::string::npos);
  EXPECT_NE(page.find("| `spec.gone` | string |  | refused | Gone. |"), std::string::npos);
}

}  // namespace
}  // namespace schema
