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
  EXPECT_EQ(
      of_run(R"({"timeout":"0s","env":{"PATH":"/x","1A":"x","OK":"x"},
                       "model":{"baseURL":"https://me:pw@host/v1"}})"),
      "spec.timeout: \"0s\" must be longer than 0s; "
      "spec.env.1A: \"1A\" is not valid; write a letter or '_', then letters, digits and '_'; "
      "spec.env.PATH: \"PATH\" is reserved; choose another name; "
      "spec.model.baseURL: must not hold a user or password; keys are in the Secret");
}

TEST(Admission, WantsTimeoutsThatPass) {
  auto of = [](std::string_view text) {
    return of_run(base::to_text(base::Json{{"timeout", text}}));
  };
  EXPECT_EQ(of("1h30m"), "");
  EXPECT_EQ(of("0h0m"), "spec.timeout: \"0h0m\" must be longer than 0s");
  for (const char* text : {"-5s", "10", "soon"})
    EXPECT_EQ(of(text), "spec.timeout: \"" + std::string(text) +
                            "\" is not valid; write a duration such as 90s, 10m or 1h30m");
}

TEST(Admission, KeepsNamesThatTheLoaderAndTheShellReadFromTheEnvironment) {
  for (const char* name : {"PATH", "LD_PRELOAD", "GLIBC_TUNABLES", "BASH_ENV", "ENV", "IFS", "PS4",
                           "SHELLOPTS", "HOME", "SYMPOZIUM_GATEWAY"})
    EXPECT_EQ(
        of_run(base::to_text(base::Json{{"env", {{name, "x"}}}})),
        "spec.env." + std::string(name) + ": \"" + name + "\" is reserved; choose another name");
  for (const char* name : {"Path", "_", "MY_LD_PATH", "a1"})
    EXPECT_EQ(of_run(base::to_text(base::Json{{"env", {{name, "x"}}}})), "");
  for (const char* name : {"", "1A", "A-B", "A B", "Ü"})
    EXPECT_NE(of_run(base::to_text(base::Json{{"env", {{name, "x"}}}})), "") << name;
}

TEST(Admission, HoldsAForeignAgentToItsOwnRules) {
  EXPECT_EQ(of_run(R"({"harness":{"image":"i","command":["a"],"env":{"MODE":"x"}},
                       "resume":{"onDivergence":"fail"}})"),
            "");
  EXPECT_EQ(of_run(R"({"harness":{"image":"i"}})"), "spec.harness.command: is required");
  EXPECT_EQ(of_run(R"({"harness":{"image":"i","command":["a"],"env":{"LD_PRELOAD":"x"}},
                       "resume":{"onDivergence":"ask"},"toolPolicy":{"deny":["x"]}})"),
            "spec.harness.env.LD_PRELOAD: \"LD_PRELOAD\" is reserved; choose another name; "
            "spec.resume.onDivergence: \"ask\" needs approvals, which are not supported by this "
            "version; write continue or fail; "
            "spec.toolPolicy: does not bind a foreign agent (spec.harness), which runs its own "
            "tools in its sandbox; remove it");
}

TEST(Admission, WantsBaseUrlsThatNameAHost) {
  auto of = [](std::string_view url) {
    return of_run(base::to_text(base::Json{{"model", {{"baseURL", url}}}}));
  };
  for (const char* url : {"https://api.example.com/v1", "http://127.0.0.1:8080", "https://[::1]/x"})
    EXPECT_EQ(of(url), "");
  for (const char* url : {"ftp://host", "host", "https://", "https:///v1"})
    EXPECT_EQ(of(url), "spec.model.baseURL: \"" + std::string(url) +
                           "\" is not valid; write a URL that begins with http:// or https:// and "
                           "a host");
  for (const char* url : {"http://?a", "http://:8080", "https://#"})
    EXPECT_EQ(of(url), "spec.model.baseURL: \"" + std::string(url) + "\" has no host");
  EXPECT_EQ(of("https://key@host/v1"),
            "spec.model.baseURL: must not hold a user or password; keys are in the Secret");
}

TEST(Admission, HoldsAnAgentToTheSameRules) {
  const base::Json agent = base::parse_json(R"({"apiVersion":"sympozium.ai/v1alpha1","kind":"Agent",
    "metadata":{"name":"a","namespace":"demo"},
    "spec":{"agents":{"default":{"model":"m","runTimeout":"0s","env":{"PATH":"x"},
                                 "baseURL":"https://me@host"}},
            "skills":[{"skillPackRef":"a"},{"skillPackRef":"a"}]}})");
  EXPECT_EQ(base::format(check_agent(agent)),
            "spec.agents.default.runTimeout: \"0s\" must be longer than 0s; "
            "spec.agents.default.env.PATH: \"PATH\" is reserved; choose another name; "
            "spec.agents.default.baseURL: must not hold a user or password; keys are in the "
            "Secret; "
            "spec.skills[1]: \"a\" is named twice");
}

TEST(Admission, ChecksEachKindByItsOwnRules) {
  const base::Json bad = run(R"({"timeout":"0s"})");
  EXPECT_EQ(check("agentruns", bad), check_agent_run(bad));
  EXPECT_NE(check("agents", bad), base::Issues{});
  EXPECT_NE(check("skillpacks", bad), base::Issues{});
  EXPECT_EQ(check("pods", bad), base::Issues{});
}

TEST(Admission, SaysWhatIsWrongWithFieldsBeforeItAppliesRules) {
  EXPECT_EQ(of_run(R"({"timeout":5,"env":{"PATH":"x"}})"),
            "spec.timeout: must be of type string, not integer");
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

TEST(Admission, HoldsTheNameAndTheEnvironmentOfAPackWithASidecar) {
  base::Json object = pack(R"({"skills":[],"sidecar":{"image":"i",
                              "env":[{"name":"OK"},{"name":"LD_PRELOAD"},{"name":"a-b"}]}})");
  object.at("metadata").as_object()["name"] = "tools.v1";
  EXPECT_EQ(
      base::format(check_skill_pack(object)),
      "spec.sidecar.env[2].name: \"a-b\" is not valid; write a letter or '_', then letters, "
      "digits and '_'; "
      "spec.sidecar.env[1].name: \"LD_PRELOAD\" is reserved; choose another name; "
      "metadata.name: \"tools.v1\" names a container, too: use at most 50 lower-case letters, "
      "digits and -");
  object.at("spec").as_object()["sidecar"].as_object().erase("env");
  object.at("metadata").as_object()["name"] = std::string(50, 'x');
  EXPECT_EQ(base::format(check_skill_pack(object)), "");
  object.at("metadata").as_object()["name"] = std::string(51, 'x');
  EXPECT_NE(base::format(check_skill_pack(object)), "");
  object.at("spec").as_object().erase("sidecar");
  EXPECT_EQ(base::format(check_skill_pack(object)), "") << "without sidecar it names nothing else";
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
  b.spec.skills = {{.name = "svn"}};
  EXPECT_EQ(check_packs_together({a, b}), base::Issues{});
  a.spec.sidecar.emplace().tools = {{.name = "look"}};
  b.spec.sidecar.emplace().tools = {{.name = "look"}};
  EXPECT_EQ(base::format(check_packs_together({b, a})),
            "spec.skills[1]: tool \"look\" of SkillPack a is in b too; use only one of them");
}

}  // namespace
}  // namespace policy
