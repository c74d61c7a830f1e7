#include "server/admin_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace viaduct::server {
namespace {

using testing::HasSubstr;

IpAddress ip(const char* text) {
  return IpAddress::parse(text).value();
}

ipam::PoolView pool() {
  ipam::PoolView view;
  view.id = "local/10.1.0.0/29";
  view.space = "local";
  view.pool = Prefix::parse("10.1.0.0/29").value();
  view.refs = 1;
  view.since = "2026-01-02T03:04:05Z";
  view.options = {{"exclude", "10.1.0.4"}};
  view.capacity = 6;
  view.excluded = 1;
  view.used = 2;
  view.resting = 1;
  view.reserved = 1;
  view.held = {1, 0, 1, 0};
  view.early_reuses = 3;
  view.watch = ipam::WatchState::kWatched;
  view.watch_detail = "eth0";
  view.set_aside = 2;
  view.proxies = {Mac({0x52, 0x54, 0, 0, 0, 1})};
  return view;
}

TEST(AdminJson, Pool_SaysWhatIsHeldByClassAndWhatIsNot) {
  EXPECT_EQ(to_admin_json(pool()), (Json{{"id", "local/10.1.0.0/29"},
                                         {"space", "local"},
                                         {"pool", "10.1.0.0/29"},
                                         {"automatic", false},
                                         {"refs", 1},
                                         {"since", "2026-01-02T03:04:05Z"},
                                         {"options", {{"exclude", "10.1.0.4"}}},
                                         {"capacity", 6},
                                         {"excluded", 1},
                                         {"used", 2},
                                         {"resting", 1},
                                         {"reserved", 1},
                                         {"held", {{"gateway", 1}, {"endpoint", 1}}},
                                         {"early_reuses", 3},
                                         {"probe", "auto"},
                                         {"watch", "watched"},
                                         {"watch_detail", "eth0"},
                                         {"set_aside", 2},
                                         {"disbelieved", {"52:54:00:00:00:01"}}}));
}

TEST(AdminJson, Map_HasTheFirstAddressOfEachCellAndLeavesOutWhatIsNone) {
  ipam::PoolMap map;
  map.pool = pool();
  map.first = ip("10.1.0.0");
  map.cells = {{.size = 4, .held = 2, .reserved = 1},
               {.size = 4, .excluded = 1, .quarantined = 1, .retained = 2}};
  const Json json = to_admin_json(map);
  EXPECT_EQ(json["pool"], to_admin_json(pool()));
  EXPECT_EQ(
      json["cells"],
      (Json{{{"first", "10.1.0.0"}, {"size", 4}, {"held", 2}, {"reserved", 1}, {"free", 1}},
            {{"first", "10.1.0.4"}, {"size", 4}, {"quarantined", 1}, {"retained", 2}, {"excluded", 1}}}));
}

TEST(AdminJson, CellsOfHugePools_AreClampedAndTheirAddressesAreNot) {
  ipam::PoolMap map;
  map.first = ip("fd00::");
  map.cells = {{.size = Uint128{1} << 100}, {.size = Uint128{1} << 100}};
  const Json json = to_admin_json(map);
  EXPECT_EQ(json["cells"][0]["size"], ~uint64_t{0});
  EXPECT_EQ(json["cells"][1]["first"], "fd00:10::");
}

TEST(AdminJson, RestingAddress_SaysForHowLong) {
  ipam::AddressView view;
  view.space = "local";
  view.pool = Prefix::parse("10.1.0.0/29").value();
  view.address = ip("10.1.0.2");
  view.state = ipam::AddressState::kResting;
  view.name = "web";
  view.rests_for = 7;
  const Json json = to_admin_json(view);
  EXPECT_EQ(json["state"], "resting");
  EXPECT_EQ(json["rests_for"], 7);
  view.state = ipam::AddressState::kHeld;
  EXPECT_FALSE(to_admin_json(view).contains("rests_for"));
}

TEST(AdminJson, StoryOfAFreeAddress_NamesNoHolder) {
  ipam::AddressStory story;
  story.address.space = "local";
  story.address.address = ip("10.9.0.2");
  story.address.state = ipam::AddressState::kFree;
  story.reserved_for = "name db";
  story.note = "the database";
  EXPECT_EQ(to_admin_json(story), (Json{{"space", "local"},
                                        {"address", "10.9.0.2"},
                                        {"state", "free"},
                                        {"usable", true},
                                        {"excluded", false},
                                        {"outside_range", false},
                                        {"orphan", false},
                                        {"reserved_for", "name db"},
                                        {"note", "the database"}}));
}

TEST(AdminJson, AddressOfAForeignHost_HasNoClassAndNoEpoch) {
  ipam::AddressView view;
  view.space = "local";
  view.pool = Prefix::parse("10.1.0.0/29").value();
  view.address = ip("10.1.0.2");
  view.state = ipam::AddressState::kAside;
  view.mac = Mac({0x52, 0x54, 0, 0, 0, 1});
  view.since = "2026-01-02T03:04:05Z";
  EXPECT_EQ(to_admin_json(view), (Json{{"space", "local"},
                                       {"pool", "10.1.0.0/29"},
                                       {"address", "10.1.0.2"},
                                       {"state", "aside"},
                                       {"mac", "52:54:00:00:00:01"},
                                       {"since", "2026-01-02T03:04:05Z"}}));
}

// Scenario 31.
TEST(AdminJson, StoryOfAnAddressThatAForeignHostHas_NamesIt) {
  ipam::AddressStory story;
  story.address.space = "local";
  story.address.address = ip("10.9.0.2");
  story.address.state = ipam::AddressState::kFree;
  story.answered_by = Mac({0x52, 0x54, 0, 0, 0, 1});
  story.answered_at = "2026-01-02T03:04:05Z";
  story.set_aside_until = "2026-01-02T03:14:05Z";
  const Json json = to_admin_json(story);
  EXPECT_EQ(json["answered_by"], "52:54:00:00:00:01");
  EXPECT_EQ(json["answered_at"], "2026-01-02T03:04:05Z");
  EXPECT_EQ(json["set_aside_until"], "2026-01-02T03:14:05Z");
}

TEST(AdminJson, Reservations_AreReadAsTheyAreWritten) {
  ipam::ReservationRecord record;
  record.space = "local.blue";
  record.address = ip("10.1.0.7");
  record.mac = Mac::parse("02:42:0a:01:00:07").value();
  record.name = "db";
  record.note = "the database";
  record.since = "2026-01-02T03:04:05Z";
  const auto read = read_reservations({{"reservations", {to_admin_json(record)}}});
  ASSERT_TRUE(read.ok()) << read.error().message;
  record.since = "";
  EXPECT_EQ(read.value(), std::vector{record});
}

TEST(AdminJson, ReservationWithoutASpace_IsOfTheLocalOne) {
  const auto read = read_reservations({{"reservations", {{{"address", "10.1.0.7"}, {"name", "db"}}}}});
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read.value()[0].space, "local");
}

TEST(AdminJson, MistakesInReservations_NameThePlace) {
  const Json good = {{"address", "10.1.0.7"}, {"name", "db"}};
  const std::pair<Json, const char*> bad[] = {
      {{{"name", "db"}}, "reservations[1].address"},
      {{{"address", "10.1.0"}}, "reservations[1]"},
      {{{"address", "10.1.0.8"}, {"mac", "x"}}, "reservations[1]"},
      {{{"address", "10.1.0.8"}, {"owner", "x"}}, "reservations[1] has no member \"owner\""},
      {{{"address", 7}}, "reservations[1].address"},
      {"text", "reservations[1]"}};
  for (const auto& [value, place] : bad) {
    const auto read = read_reservations({{"reservations", Json::array({good, value})}});
    ASSERT_FALSE(read.ok()) << value;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument) << value;
    EXPECT_THAT(read.error().message, HasSubstr(place));
  }
  EXPECT_FALSE(read_reservations(Json::object()).ok());
  EXPECT_FALSE(read_reservations({{"reservations", Json::array()}}).ok());
  EXPECT_FALSE(read_reservations({{"reservations", {good}}, {"more", 1}}).ok());
}

TEST(AdminJson, AddressInSpace_IsStrict) {
  EXPECT_EQ(read_address_in_space({{"address", "10.1.0.7"}}).value().space, "local");
  EXPECT_EQ(read_address_in_space({{"address", "fd00::7"}, {"space", "global"}}).value().address,
            ip("fd00::7"));
  EXPECT_FALSE(read_address_in_space({{"space", "local"}}).ok());
  EXPECT_FALSE(read_address_in_space({{"address", "10.1.0.7"}, {"pool", "x"}}).ok());
}

}  // namespace
}  // namespace viaduct::server
