#include "policy/admission.h"

#include <gtest/gtest.h>

namespace policy {
namespace {

base::Json run(std::string_view spec) {
  base::Json object = base::parse_json(R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"AgentRun",
    "metadata":{"name":"r","namespace":"demo"},
    "spec":{"agentRef":"a","agentId":"a","sessionKey":"s","task":"t",
            "model":{"provider":"openai","model":"m","authSecretRef":"key"}}})");
  base::Json more{{"spec", base::parse_json(spec)}};
  base::merge_patch(object, more);
  return object;
}
std::string of_run(std::string_view spec) { return base::format(check_agent_run(run(spec))); }

TEST(Admission, AcceptsAPlainRun) { EXPECT_EQ(of_run("{}"), ""); }

TEST(Admission, NamesEveryProblemOfARunAtOnce) {
  EXPECT_EQ(of_run(R"({"timeout":"0s","env":{"PATH":"/x","1A":"x","OK":"x"},
                       "model":{"baseURL":"https://me:pw@host/v1"}})"),
            "spec.timeout: \"0s\" must be longer than 0s; "
            "spec.env.1A: \"1A\" must be letters, digits and _, not beginning with a digit; "
            "spec.env.PATH: \"PATH\" is reserved; choose another name; "
            "spec.model.baseURL: must not hold a user or password; keys are in the Secret");
}

TEST(Admission, RefusesWhatThisVersionDoesNotDo) {
  EXPECT_NE(of_run(R"({"dryRun":true})").find("spec.dryRun"), std::string::npos);
  EXPECT_NE(of_run(R"({"lifecycle":{"preRun":[{"name":"x","image":"y"}]}})").find("spec.lifecycle"),
            std::string::npos);
  EXPECT_NE(of_run(R"({"agentSandbox":{"enabled":true}})").find("spec.agentSandbox"),
            std::string::npos);
}

TEST(Admission, WantsEachSkillToNameOneThingOnce) {
  EXPECT_EQ(of_run(R"({"skills":[{"skillPackRef":"a"},{"skillPackRef":"a"},{}]})"),
            "spec.skills[1]: \"a\" is named twice; "
            "spec.skills[2]: must name either a skillPackRef or a configMapRef");
}

base::Json pack(std::string_view spec) {
  return {{"apiVersion", "sympozium.ai/v1alpha1"},
          {"kind", "SkillPack"},
          {"metadata", {{"name", "tools"}, {"namespace", "demo"}}},
          {"spec", base::parse_json(spec)}};
}

TEST(Admission, ChecksTheToolsOfAPack) {
  const base::Json object = pack(R"({"skills":[],"sidecar":{"image":"i","tools":[
    {"name":"read_file","description":"d","exec":["x"]},
    {"name":"look","description":"d","exec":["x"],"positionalArgs":["a","b"],
     "parameters":{"properties":{"a":{},"b":{}},"required":["a"]}},
    {"name":"look","description":"d","exec":["x"]}]}})");
  EXPECT_EQ(
      base::format(check_skill_pack(object)),
      "spec.sidecar.tools[2]: is a duplicate of [1]: name \"look\"; "
      "spec.sidecar.tools[0].name: \"read_file\" is a built-in tool; choose another name; "
      "spec.sidecar.tools[1].positionalArgs[1]: \"b\" must be in parameters.properties and in "
      "parameters.required");
}

TEST(Admission, WantsAPlaceOnTheCommandLineForEachParameterOfATool) {
  const std::string tool = R"({"name":"look","description":"d","exec":["x"],"positionalArgs":["a"],
     "parameters":{"properties":{"a":{},"b":{}},"required":["a"]})";
  auto issues = [&](const std::string& more) {
    return base::format(check_skill_pack(
        pack(R"({"skills":[],"sidecar":{"image":"i","tools":[)" + tool + more + "}]}}")));
  };
  EXPECT_EQ(issues(""),
            "spec.sidecar.tools[0].positionalArgs: must name \"b\", too: with inputMode args a "
            "parameter is passed by its position; or use inputMode stdin");
  EXPECT_EQ(issues(R"(,"inputMode":"stdin")"), "");
}

TEST(Admission, WantsTheSecretToSayWhatItIsForAndWhereItMayGo) {
  EXPECT_EQ(
      base::format(check_secret("spec.model.authSecretRef", "key", "provider", std::nullopt)),
      "spec.model.authSecretRef: there is no Secret \"key\" in this namespace; create it with "
      "the annotations sympozium.ai/use=provider and sympozium.ai/hosts");
  EXPECT_EQ(base::format(check_secret("s", "key", "provider",
                                      objects::TextMap{{"sympozium.ai/use", "skill"}})),
            "s: Secret \"key\" may not be used as provider: its annotation sympozium.ai/use is "
            "\"skill\"; annotate it with sympozium.ai/use=provider; "
            "s: Secret \"key\" names no hosts that its key may be sent to; annotate it with "
            "sympozium.ai/hosts=api.example.com");
  EXPECT_EQ(check_secret("s", "key", "provider",
                         objects::TextMap{{"sympozium.ai/use", "provider"},
                                          {"sympozium.ai/hosts", "api.openai.com"}}),
            base::Issues{});
}

TEST(Admission, KeepsPacksOfOneRunApart) {
  objects::SkillPack a, b;
  a.metadata.name = "a";
  b.metadata.name = "b";
  a.spec.skills = {{.name = "git"}};
  b.spec.skills = {{.name = "git"}};
  EXPECT_EQ(base::format(check_packs_together({a, b})),
            "spec.skills[1]: skill \"git\" of SkillPack b is in a too; use only one of them");
}

}  // namespace
}  // namespace policy
