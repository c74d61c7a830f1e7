#include "ipam/neighbours.h"

#include <gtest/gtest.h>

// What is remembered of the wire, and when it is not believed.
namespace viaduct::ipam {
namespace {

using std::chrono::seconds;
using Verdict = Neighbours::Verdict;

Mac host(int number) {
  return Mac({0x52, 0x54, 0, 0, 0, static_cast<uint8_t>(number)});
}

Neighbours::Moment moment(int up) {
  return {.up = seconds(up), .wall = {}};
}

TEST(Neighbours, SilenceLastsAMinute) {
  Neighbours neighbours;
  EXPECT_EQ(neighbours.verdict(5, seconds(100)), Verdict::kUnknown);
  (void)neighbours.learn({5}, {}, moment(100));
  EXPECT_EQ(neighbours.verdict(5, seconds(159)), Verdict::kSilent);
  EXPECT_EQ(neighbours.verdict(5, seconds(160)), Verdict::kUnknown);
  EXPECT_FALSE(neighbours.silent(5, seconds(140), kSilenceAges));
}

// Scenario 31: set aside for ten minutes, then looked for again.
TEST(Neighbours, AnswerSetsAsideForTenMinutes) {
  Neighbours neighbours;
  const auto lesson = neighbours.learn({5, 6}, {{5, host(1)}}, moment(100));
  ASSERT_EQ(lesson.set_aside.size(), 1U);
  EXPECT_EQ(lesson.set_aside[0].second, host(1));
  EXPECT_EQ(neighbours.verdict(5, seconds(100)), Verdict::kForeign);
  EXPECT_EQ(neighbours.verdict(6, seconds(100)), Verdict::kSilent);
  EXPECT_TRUE(neighbours.expire(seconds(699)).empty());
  EXPECT_EQ(neighbours.expire(seconds(700)), std::vector<Uint128>{5});
  EXPECT_EQ(neighbours.verdict(5, seconds(700)), Verdict::kUnknown);
}

TEST(Neighbours, EachSightingExpiresInItsOwnTime) {
  Neighbours neighbours;
  (void)neighbours.learn({5}, {{5, host(1)}}, moment(100));
  (void)neighbours.learn({6}, {{6, host(2)}}, moment(300));
  EXPECT_EQ(neighbours.expire(seconds(750)), std::vector<Uint128>{5});
  EXPECT_EQ(neighbours.expire(seconds(900)), std::vector<Uint128>{6});
  EXPECT_TRUE(neighbours.expire(seconds(5000)).empty());
}

TEST(Neighbours, ForgottenByHand_IsUnknownAgain) {
  Neighbours neighbours;
  (void)neighbours.learn({5}, {{5, host(1)}}, moment(100));
  EXPECT_TRUE(neighbours.forget(5));
  EXPECT_FALSE(neighbours.forget(5));
  EXPECT_EQ(neighbours.verdict(5, seconds(100)), Verdict::kUnknown);
  EXPECT_TRUE(neighbours.expire(seconds(5000)).empty());
}

// Scenario 31: a router that answers for everybody (proxy ARP) must not empty the pool.
TEST(Neighbours, OneMacAtEightAddresses_IsNotBelievedAnyMore) {
  Neighbours neighbours;
  std::vector<Uint128> asked;
  std::multimap<Uint128, Mac> answers;
  for (Uint128 offset = 1; offset <= 7; ++offset) {
    asked.push_back(offset);
    answers.emplace(offset, host(1));
  }
  EXPECT_EQ(neighbours.learn(asked, answers, moment(100)).set_aside.size(), 7U);
  EXPECT_TRUE(neighbours.proxies().empty());
  const auto lesson = neighbours.learn({8, 9}, {{8, host(1)}, {9, host(1)}, {9, host(2)}}, moment(101));
  EXPECT_EQ(lesson.proxies, std::vector<Mac>{host(1)});
  EXPECT_EQ(lesson.given_back.size(), 9U);
  EXPECT_TRUE(lesson.set_aside.empty());
  EXPECT_EQ(neighbours.verdict(3, seconds(101)), Verdict::kSilent);
  // Another host behind the same question is believed.
  const auto after = neighbours.learn({20, 21}, {{20, host(1)}, {20, host(2)}, {21, host(1)}}, moment(102));
  ASSERT_EQ(after.set_aside.size(), 1U);
  EXPECT_EQ(after.set_aside[0].second, host(2));
  EXPECT_EQ(neighbours.verdict(21, seconds(102)), Verdict::kSilent);
}

TEST(Neighbours, WhatWasAsked_IsNotWantedAnyMore) {
  Neighbours neighbours;
  neighbours.want(5);
  neighbours.want(6);
  (void)neighbours.learn({5}, {}, moment(100));
  EXPECT_EQ(neighbours.wanted(), std::set<Uint128>{6});
  neighbours.unwant(6);
  EXPECT_TRUE(neighbours.wanted().empty());
}

}  // namespace
}  // namespace viaduct::ipam
