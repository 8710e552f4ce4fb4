// What must hold of every table, of ours and of Kubernetes' own kinds.
#include <gtest/gtest.h>

#include <set>

#include "base/text.h"
#include "objects/access_review.h"
#include "objects/agent.h"
#include "objects/agent_run.h"
#include "objects/config_map.h"
#include "objects/event.h"
#include "objects/job.h"
#include "objects/kinds.h"
#include "objects/lease.h"
#include "objects/namespace.h"
#include "objects/node.h"
#include "objects/rbac.h"
#include "objects/secret.h"
#include "objects/service_account.h"
#include "objects/skill_pack.h"
#include "schema/reference.h"
#include "schema/validate.h"

namespace objects {
namespace {

using base::Json;
using schema::Field;
using schema::Form;
using schema::ListType;
using schema::Type;
using schema::Use;

std::vector<const KindInfo*> all_kinds() {
  std::vector<const KindInfo*> out(own_kinds().begin(), own_kinds().end());
  out.insert(out.end(), core_kinds().begin(), core_kinds().end());
  return out;
}

void collect(const Struct& s, std::set<const Struct*>& out);

void collect(const Type& type, std::set<const Struct*>& out) {
  if (type.object) collect(*type.object, out);
  if (type.element) collect(*type.element, out);
}
void collect(const Struct& s, std::set<const Struct*>& out) {
  if (!out.insert(&s).second) return;
  for (const Field& field : s.fields) collect(*field.type, out);
}

std::set<const Struct*> all_structs() {
  std::set<const Struct*> out;
  for (auto kind : all_kinds()) collect(*kind->table, out);
  return out;
}

const Struct* struct_in(const Type& type) {
  return type.object ? type.object : type.element ? struct_in(*type.element) : nullptr;
}

TEST(Tables, NameFieldsOfTheirOwnStructOnceWithADoc) {
  for (auto s : all_structs()) {
    std::set<std::string_view> names;
    EXPECT_LE(s->fields.size(), 64u) << s->name;
    for (const Field& field : s->fields) {
      std::string where = base::cat(s->name, ".", field.name);
      EXPECT_EQ(field.room, s->room) << where << " is a member of another struct";
      EXPECT_TRUE(names.insert(field.name).second) << where << " twice";
      EXPECT_TRUE(field.doc.ends_with('.') || field.doc.ends_with("…") || field.doc.ends_with(')'))
          << where << ": " << field.doc;
    }
  }
}

TEST(Tables, KeyListsByFieldsThatAreAlwaysThere) {
  for (auto s : all_structs())
    for (const Field& field : s->fields) {
      if (field.rule.list != ListType::map) continue;
      const Struct* element = struct_in(*field.type);
      ASSERT_NE(element, nullptr) << s->name << "." << field.name;
      for (auto key : field.rule.keys) {
        if (key.empty()) continue;
        auto at = std::ranges::find(element->fields, key, &Field::name);
        ASSERT_NE(at, element->fields.end()) << s->name << "." << field.name << " by " << key;
        EXPECT_TRUE(at->rule.required || at->rule.value.kind != schema::Default::none)
            << s->name << "." << field.name << " by " << key;
      }
    }
}

TEST(Tables, RefuseNothingThatIsRequiredOfWhatIsHonoured) {
  // Otherwise nobody could write such an object.
  for (auto s : all_structs()) {
    bool all_refused = std::ranges::all_of(
        s->fields, [](const Field& field) { return field.rule.use == Use::refused; });
    for (const Field& field : s->fields)
      if (!all_refused && field.rule.use == Use::refused)
        EXPECT_FALSE(field.rule.required) << s->name << "." << field.name;
  }
}

TEST(Tables, SayOfOurKindsThatWhatLiesBelowARefusedFieldIsRefused) {
  for (auto kind : own_kinds()) {
    std::string refused = " ";
    for (const auto& entry : schema::list_fields(*kind->table)) {
      bool below = entry.path.starts_with(refused + ".") || entry.path.starts_with(refused + "[]");
      // Types that honoured fields use, too.
      if (below && !entry.path.ends_with(".name") && !entry.path.ends_with(".value") &&
          !entry.path.ends_with(".key") && !entry.path.ends_with(".optional"))
        EXPECT_EQ(entry.field->rule.use, Use::refused) << entry.path;
      if (!below && entry.field->rule.use == Use::refused) refused = entry.path;
    }
  }
}

// A default-made struct and one read from {} with its defaults say the same.
template <class... Kinds>
void expect_defaults_equal_initialisers() {
  (
      [] {
        Kinds made;
        Json from_made = schema::encode(made);
        Json defaulted = from_made;
        schema::apply_defaults(Kinds::table, defaulted);
        EXPECT_EQ(defaulted, from_made) << Kinds::table.name;
      }(),
      ...);
}

TEST(Tables, GiveTheDefaultsThatTheInitialisersGive) {
  expect_defaults_equal_initialisers<
      ModelRef, ToolPolicy, Resume, Harness, Divergence, AgentRunSpec, AgentRunStatus,
      RunAgentSandbox, RunSandbox, LifecycleHooks, Hook, RunDefaults, WarmPool,
      AgentSandboxDefaults, SandboxDefaults, Subagents, MemorySettings, ChannelBinding,
      McpServerRef, Observability, RateLimit, WebEndpoint, AgentSpec, AgentStatus, Skill,
      SidecarTool, SidecarResources, HostMount, HostAccess, SkillSidecar, SkillPackSpec,
      SkillPackStatus, TokenRequestSpec>();
  // apply_defaults changes nothing that encode wrote, so compare what it adds to an empty object.
  auto check = [](const Struct& table, const Json& made) {
    Json empty = base::JsonObject{};
    schema::apply_defaults(table, empty);
    for (const auto& member : empty.get_object())
      EXPECT_EQ(made.at(member.key()), member.value()) << table.name << "." << member.key();
  };
  check(AgentRunSpec::table, schema::encode(AgentRunSpec{}));
  check(LifecycleHooks::table, schema::encode(LifecycleHooks{}));
  check(Resume::table, schema::encode(Resume{}));
  check(WarmPool::table, schema::encode(WarmPool{}));
  check(Subagents::table, schema::encode(Subagents{}));
  check(MemorySettings::table, schema::encode(MemorySettings{}));
  check(McpServerRef::table, schema::encode(McpServerRef{}));
  check(Observability::table, schema::encode(Observability{}));
  check(RateLimit::table, schema::encode(RateLimit{}));
  check(WebEndpoint::table, schema::encode(WebEndpoint{}));
  check(SidecarTool::table, schema::encode(SidecarTool{}));
  check(SidecarResources::table, schema::encode(SidecarResources{}));
  check(HostMount::table, schema::encode(HostMount{}));
  check(SkillSidecar::table, schema::encode(SkillSidecar{}));
  check(TokenRequestSpec::table, schema::encode(TokenRequestSpec{}));
}

TEST(Kinds, AreFoundByEveryName) {
  EXPECT_EQ(find_kind("sympozium.ai", "agentruns"), &AgentRun::info);
  EXPECT_EQ(find_kind("", "pods"), &Pod::info);
  EXPECT_EQ(find_kind("apps", "pods"), nullptr);
  EXPECT_EQ(find_kind_of("batch/v1", "Job"), &Job::info);
  EXPECT_EQ(find_kind_of("batch/v2", "Job"), nullptr);
  EXPECT_EQ(find_kind_named("AR"), &AgentRun::info);
  EXPECT_EQ(find_kind_named("agentrun"), &AgentRun::info);
  EXPECT_EQ(find_kind_named("cm"), &ConfigMap::info);
  EXPECT_EQ(find_kind_named("unknown"), nullptr);
  EXPECT_EQ(&kind_of<Agent>(), &Agent::info);
  EXPECT_EQ(path_of(kind_of<AgentRun>(), "ns", "run", "status"),
            "/apis/sympozium.ai/v1alpha1/namespaces/ns/agentruns/run/status");
  EXPECT_EQ(path_of(kind_of<ClusterRole>(), "ignored", "x"),
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/x");
}

TEST(Kinds, ShareNoName) {
  std::set<std::string_view> names;
  for (auto kind : all_kinds()) {
    EXPECT_TRUE(names.insert(kind->plural).second) << kind->plural;
    EXPECT_TRUE(names.insert(kind->singular).second) << kind->singular;
    for (auto name : kind->short_names) EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(kind->table->kind, kind) << kind->kind;
  }
}

}  // namespace
}  // namespace objects
