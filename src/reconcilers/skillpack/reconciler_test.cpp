#include "reconcilers/skillpack/reconciler.h"

#include "reconcilers/fixture_test.h"

namespace reconcilers {
namespace {

using namespace objects;

struct SkillPackReconcilerTest : ReconcilersTest {
  void create_pack() {
    create<SkillPack>(R"({"metadata":{"name":"tools"},"spec":{"skills":[
        {"name":"counting","content":"Count.\n"},{"name":"writing","content":"Write.\n"}]}})");
  }
};

TEST_F(SkillPackReconcilerTest, MakesAFileOfEachSkill) {
  create_pack();
  const ConfigMap map = get<ConfigMap>("tools");
  EXPECT_EQ(map.data, (TextMap{{"counting.md", "Count.\n"}, {"writing.md", "Write.\n"}}));
  const SkillPack pack = get<SkillPack>("tools");
  ASSERT_EQ(map.metadata.ownerReferences.size(), 1u);
  EXPECT_EQ(map.metadata.ownerReferences[0].uid, pack.metadata.uid);
  EXPECT_EQ(map.metadata.labels.at(std::string(label_skill_pack)), "tools");
  EXPECT_EQ(pack.status.phase, SkillPackPhase::ready);
  EXPECT_EQ(pack.status.configMapName, "tools");
  EXPECT_EQ(pack.status.skillCount, 2);
  EXPECT_EQ(ready<SkillPack>("tools"), "True Ready");
}

TEST_F(SkillPackReconcilerTest, ChangesAndDropsFilesWithTheirSkills) {
  create_pack();
  patch<SkillPack>("tools",
                   R"({"spec":{"skills":[{"name":"counting","content":"Count twice.\n"}]}})");
  EXPECT_EQ(get<ConfigMap>("tools").data, (TextMap{{"counting.md", "Count twice.\n"}}));
  EXPECT_EQ(get<SkillPack>("tools").status.observedGeneration, 2);
}

TEST_F(SkillPackReconcilerTest, PutsBackWhatSomebodyElseChangesOrDeletes) {
  create_pack();
  patch<ConfigMap>("tools", R"({"data":{"counting.md":"Do not.","more":"x"}})");
  const TextMap wanted{{"counting.md", "Count.\n"}, {"writing.md", "Write.\n"}};
  EXPECT_EQ(get<ConfigMap>("tools").data, wanted);
  remove<ConfigMap>("tools");
  EXPECT_EQ(get<ConfigMap>("tools").data, wanted);
}

TEST_F(SkillPackReconcilerTest, LeavesAConfigMapAloneThatIsNotItsOwn) {
  create<ConfigMap>(R"({"metadata":{"name":"tools"},"data":{"mine":"x"}})");
  create_pack();
  EXPECT_EQ(get<ConfigMap>("tools").data, (TextMap{{"mine", "x"}}));
  EXPECT_EQ(ready<SkillPack>("tools"),
            "False NameTaken: ConfigMap tools exists and is not this pack's; rename one of them");
  EXPECT_EQ(get<SkillPack>("tools").status.phase, SkillPackPhase::error);
  EXPECT_EQ(get<SkillPack>("tools").status.configMapName, "");
}

TEST_F(SkillPackReconcilerTest, MakesNothingOfAPackWithMistakes) {
  create<SkillPack>(R"({"metadata":{"name":"tools"},"spec":{
      "skills":[{"name":"counting","content":"Count.\n"}],
      "sidecar":{"image":"i","tools":[{"name":"read_file","description":"d","exec":["c"]}]}}})");
  EXPECT_TRUE(ready<SkillPack>("tools").starts_with("False Refused: spec.sidecar.tools[0]"))
      << ready<SkillPack>("tools");
  EXPECT_FALSE(find<ConfigMap>("tools"));
}

}  // namespace
}  // namespace reconcilers
