#include "postgres/pool.h"

#include <gtest/gtest.h>

#include "support/postgres_server.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace postgres {
namespace {

using base::Code;

const Statement pid{"pid", "SELECT pg_backend_pid()"};
const Statement nap{"nap", "SELECT pg_backend_pid() FROM pg_sleep(0.01)"};

class InPool : public ::testing::Test {
 protected:
  ConnectOptions connecting() {
    return {.conninfo = base::Secret<std::string>(server_.conninfo())};
  }
  std::int64_t ask(Pool& pool) {
    Transaction transaction;
    transaction.add(pid);
    return loop_.run(pool.run(std::move(transaction))).front().integer(0, 0);
  }
  template <class Call>
  Code refusal(Call call) {
    try {
      call();
    } catch (const base::Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "nothing thrown";
    return Code::internal;
  }

  test::PostgresServer& server_ = test::shared_postgres();
  io::Loop loop_;
  test::VirtualClock clock_;
  test::SeededRandom random_{1};
};

TEST_F(InPool, ManyTasksShareABoundedNumberOfConnections) {
  Pool pool(loop_, clock_, random_, connecting(), {.connections_max = 3});
  io::TaskGroup group(loop_);
  const auto one = [&]() -> io::Task<> {
    Transaction transaction;
    transaction.add(nap);
    co_await pool.run(std::move(transaction));
  };
  for (int i = 0; i < 100; ++i) group.spawn("ask", one());
  loop_.run(group.join());
  for (int i = 0; i < 10; ++i) group.spawn("ask", one());  // by now there may be more than one
  loop_.run(group.join());
  EXPECT_EQ(pool.counters().transactions, 110u);
  EXPECT_GT(pool.counters().connected, 1u);
  EXPECT_LE(pool.counters().connected, 3u);
}

TEST_F(InPool, TransactionsOfOneKeyGoOneAfterTheOther) {
  Pool pool(loop_, clock_, random_, connecting(), {.connections_max = 4});
  std::vector<int> order;
  io::TaskGroup group(loop_);
  const auto one = [&](int number, std::string key) -> io::Task<> {
    Transaction transaction;
    transaction.add(nap);
    transaction.key = std::move(key);
    co_await pool.run(std::move(transaction));
    if (number >= 0) order.push_back(number);
  };
  for (int i = 0; i < 20; ++i) {
    group.spawn("keyed", one(i, "run"));
    group.spawn("other", one(-1, ""));
  }
  loop_.run(group.join());
  EXPECT_EQ(order.size(), 20u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_F(InPool, BeyondItsBoundItRefuses) {
  Pool pool(loop_, clock_, random_, connecting(), {.under_way_max = 2});
  int refused = 0;
  io::TaskGroup group(loop_);
  const auto one = [&]() -> io::Task<> {
    try {
      Transaction transaction;
      transaction.add(pid);
      co_await pool.run(std::move(transaction));
    } catch (const base::Error& error) {
      if (error.code() == Code::unavailable) ++refused;
    }
  };
  for (int i = 0; i < 5; ++i) group.spawn("ask", one());
  loop_.run(group.join());
  EXPECT_EQ(refused, 3);
}

TEST_F(InPool, WhateverStandsAgainstAConnectionIsUnavailableInItsWords) {
  Pool pool(loop_, clock_, random_,
            {.conninfo = base::Secret<std::string>(server_.conninfo("nowhere"))});
  try {
    ask(pool);
    ADD_FAILURE();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), Code::unavailable);
    EXPECT_NE(std::string(error.what()).find("\"nowhere\" does not exist"), std::string::npos)
        << error.what();
  }
}

TEST_F(InPool, ConnectsAgainWithBackOffWhenTheServerIsBack) {
  Pool pool(loop_, clock_, random_, connecting(),
            {.first_pause = base::Duration(1000), .longest_pause = base::Duration(4000)});
  const auto before = ask(pool);
  server_.stop();
  EXPECT_EQ(refusal([&] { ask(pool); }), Code::unavailable);
  EXPECT_EQ(refusal([&] { ask(pool); }), Code::unavailable);
  server_.start();
  EXPECT_EQ(refusal([&] { ask(pool); }), Code::unavailable) << "it is not tried again yet";
  clock_.advance(base::Duration(1500));
  EXPECT_NE(ask(pool), before);
}

}  // namespace
}  // namespace postgres
