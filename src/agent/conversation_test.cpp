#include "agent/conversation.h"

#include <gtest/gtest.h>

namespace agent {
namespace {

using protocol::Message;
using protocol::Role;

Message user(std::string text) { return {Role::user, std::move(text), {}, {}}; }
Message assistant(std::string text) { return {Role::assistant, std::move(text), {}, {}}; }
Message result(std::string text) { return {Role::tool, std::move(text), {}, "id"}; }

TEST(Conversation, SendsOnlyWhatTheGatewayHasNotSeen) {
  Conversation conversation;
  conversation.add(user("task"));
  auto first = conversation.next_turn({{"read_file", "", {}}});
  EXPECT_EQ(first.turn, 1);
  EXPECT_EQ(first.parent, 0);
  EXPECT_EQ(first.append.size(), 1u);
  EXPECT_EQ(first.tools.size(), 1u);

  conversation.take_answer(1, assistant("call"));
  conversation.add(result("r"));
  auto second = conversation.next_turn({{"read_file", "", {}}});
  EXPECT_EQ(second.turn, 2);
  EXPECT_EQ(second.parent, 1);
  ASSERT_EQ(second.append.size(), 1u);
  EXPECT_EQ(second.append[0].content, "r");
  EXPECT_TRUE(second.tools.empty());
}

TEST(Conversation, BeginsWithAnotherSystemPromptFromTheWhole) {
  Conversation conversation;
  conversation.restore({{1, 0, {user("task")}, assistant("a")}});
  conversation.replace_system("first");
  conversation.replace_system("second");
  const auto next = conversation.next_turn({});
  EXPECT_EQ(next.turn, 2);
  EXPECT_EQ(next.parent, 0);
  ASSERT_EQ(next.append.size(), 3u);
  EXPECT_EQ(next.append[0].content, "second");
  EXPECT_EQ(conversation.bytes(), std::string("secondtaska").size());
  conversation.replace_system("");
  EXPECT_EQ(conversation.next_turn({}).append.size(), 2u);
}

TEST(Conversation, GoesOnFromTheTurnsOfAnEarlierExecution) {
  Conversation conversation;
  conversation.restore(
      {{1, 0, {user("task")}, assistant("a")}, {2, 1, {result("r")}, assistant("b")}});
  EXPECT_EQ(conversation.answer().content, "b");
  conversation.add(result("s"));
  auto next = conversation.next_turn({});
  EXPECT_EQ(next.turn, 3);
  EXPECT_EQ(next.parent, 2);
  EXPECT_EQ(next.append.size(), 1u);
}

TEST(Conversation, RestoresACompactionAsANewBeginning) {
  Conversation conversation;
  conversation.restore({{1, 0, {user("task")}, assistant("a")},
                        {2, 0, {user("task"), assistant("a"), result("short")}, assistant("b")}});
  EXPECT_EQ(conversation.bytes(), std::string("task"
                                              "a"
                                              "short"
                                              "b")
                                      .size());
}

TEST(Conversation, CompactsOlderResultsAndStartsAnewFromTheWhole) {
  Conversation conversation;
  conversation.add(user("task"));
  conversation.take_answer(1, assistant("a"));
  conversation.add(result(std::string(5000, 'x')));
  conversation.add(result(std::string(5000, 'y')));
  const auto before = conversation.bytes();
  ASSERT_TRUE(conversation.compact(1));
  EXPECT_LT(conversation.bytes(), before - 4000);
  auto next = conversation.next_turn({{"read_file", "", {}}});
  EXPECT_EQ(next.parent, 0);
  ASSERT_EQ(next.append.size(), 4u);
  EXPECT_NE(next.append[2].content.find("5000 bytes was removed"), std::string::npos);
  EXPECT_EQ(next.append[3].content, std::string(5000, 'y'));
  EXPECT_EQ(next.tools.size(), 1u);
  EXPECT_FALSE(conversation.compact(1)) << "nothing is left to gain";
}

}  // namespace
}  // namespace agent
