#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/ctl/view.h"
#include "unit/ctl/answers.h"

namespace viaduct::ctl {
namespace {

using testing::HasSubstr;

// On one long line, so that a test need not know where lines break.
std::string told(Json one) {
  return address_story_view({{"address", "10.128.0.2"}, {"stories", Json::array({std::move(one)})}}, 1000);
}

Json held(const char* owner) {
  Json out = story("held");
  out["class"] = owner;
  out["since"] = "2026-01-02T03:04:05Z";
  return out;
}

TEST(AddressStory, OfNobody_SaysSo) {
  EXPECT_EQ(address_story_view({{"address", "10.9.0.2"}, {"stories", Json::array()}}, 80),
            "10.9.0.2: no pool and no reservation has it; viaduct gives it to nobody.\n");
}

TEST(AddressStory, Held_SaysByWhomSinceWhenAndWhatKeepsIt) {
  Json one = held("endpoint");
  one["mac"] = "02:42:0a:80:00:02";
  one["name"] = "web";
  one["bound_to"] = "endpoint eeee of network aaaa";
  EXPECT_EQ(told(one),
            "10.128.0.2 in pool local/10.128.0.0/24\n"
            "  Held for an endpoint (MAC 02:42:0a:80:00:02, name web) since 2026-01-02T03:04:05Z.\n"
            "  In use by endpoint eeee of network aaaa, and held until that is gone.\n");
}

TEST(AddressStory, HeldWithoutAnEndpointOfViaduct_SaysWhose) {
  EXPECT_THAT(told(held("endpoint")), HasSubstr("another driver"));
  EXPECT_THAT(told(held("gateway")), HasSubstr("Held until its network is removed."));
  EXPECT_THAT(told(held("swarm")), HasSubstr("Held until Swarm releases it."));
}

TEST(AddressStory, Orphan_NamesTheCommandThatFreesIt) {
  Json one = held("endpoint");
  one["orphan"] = true;
  EXPECT_THAT(told(one), HasSubstr("\"viaductctl address release 10.128.0.2\""));
  one["space"] = "local.blue";
  EXPECT_THAT(told(one), HasSubstr("\"viaductctl address release 10.128.0.2 --space local.blue\""));
}

TEST(AddressStory, Resting_SaysForHowLongAndForWhom) {
  Json one = story("resting");
  one["class"] = "endpoint";
  one["name"] = "web";
  one["rests_for"] = 20;
  one["quarantine_left"] = 40;
  one["retention_left"] = 3600;
  EXPECT_THAT(told(one), HasSubstr("Released 20 s ago"));
  EXPECT_THAT(told(one), HasSubstr("an endpoint (name web)"));
  EXPECT_THAT(told(one), HasSubstr("In quarantine for another 40 s"));
  EXPECT_THAT(told(one), HasSubstr("for another 1 h 0 min"));
  one.erase("quarantine_left");
  one.erase("retention_left");
  EXPECT_THAT(told(one), HasSubstr("Anybody may get it now."));
}

TEST(AddressStory, Free_SaysWhatKeepsItFromBeingGiven) {
  EXPECT_THAT(told(story("free")), HasSubstr("  Free.\n"));
  Json one = story("free");
  one["outside_range"] = true;
  EXPECT_THAT(told(one), HasSubstr("outside of the range"));
  one["excluded"] = true;
  EXPECT_THAT(told(one), HasSubstr("excluded"));
  one["usable"] = false;
  EXPECT_THAT(told(one), HasSubstr("Never given"));
  one.erase("pool_id");
  EXPECT_THAT(told(one), HasSubstr("10.128.0.2 in space local\n  No pool of this space has it now.\n"));
}

// Scenario 31.
TEST(AddressStory, AnsweredByAForeignHost_SaysByWhomUntilWhenAndTheRemedy) {
  Json one = story("aside");
  one["answered_by"] = "52:54:00:00:00:01";
  one["answered_at"] = "2026-01-02T03:04:05Z";
  one["set_aside_until"] = "2026-01-02T03:14:05Z";
  EXPECT_THAT(told(one),
              HasSubstr("Answered by a foreign host with MAC 52:54:00:00:00:01 at 2026-01-02T03:04:05Z; set "
                        "aside until 2026-01-02T03:14:05Z.\n"));
  EXPECT_THAT(told(one), HasSubstr("\"viaductctl address release 10.128.0.2\""));
  EXPECT_THAT(told(one), testing::Not(HasSubstr("Free.")));
  Json given = held("endpoint");
  given.update(one);
  given["state"] = "held";
  EXPECT_THAT(told(given), HasSubstr("Two hosts have it"));
  given["class"] = "gateway";
  EXPECT_THAT(told(given), HasSubstr("router of the subnet"));
}

TEST(AddressStory, Reserved_SaysForWhomAndTheNote) {
  Json one = story("free");
  one["reserved_for"] = "name db";
  EXPECT_THAT(told(one), HasSubstr("Reserved for name db.\n"));
  one["note"] = "the\x1b[31m database";
  EXPECT_THAT(told(one), HasSubstr("Reserved for name db: the?[31m database.\n"));
}

TEST(AddressStory, SeveralSpaces_AreToldOneAfterTheOtherInEightyColumns) {
  Json second = held("endpoint");
  second["orphan"] = true;
  const std::string view =
      address_story_view({{"address", "10.128.0.2"}, {"stories", {story("free"), second}}}, 80);
  EXPECT_THAT(view, HasSubstr("  Free.\n\n10.128.0.2 in pool"));
  for (size_t start = 0; start < view.size(); start = view.find('\n', start) + 1)
    EXPECT_LE(view.find('\n', start) - start, 80U);
}

}  // namespace
}  // namespace viaduct::ctl
