#include "ipam/records.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam {
namespace {

using testing::ip;
using testing::mac;
using testing::prefix;

TEST(PoolId, Key_IsReadable) {
  EXPECT_EQ(pool_id("local", prefix("10.1.0.0/24"), {}), "local/10.1.0.0/24");
  EXPECT_EQ(pool_id("local", prefix("10.1.0.0/24"), prefix("10.1.0.128/25")),
            "local/10.1.0.0/24/10.1.0.128/25");
  EXPECT_EQ(address_key("global", prefix("fd00::/64"), ip("fd00::7")), "global/fd00::/64/fd00::7");
}

TEST(PoolRecord, StoredForm_ReadsBackTheSame) {
  PoolRecord record{.id = "local.x/10.1.0.0/24/10.1.0.128/25",
                    .space = "local.x",
                    .pool = prefix("10.1.0.0/24"),
                    .sub_pool = prefix("10.1.0.128/25"),
                    .options = {{"space", "x"}},
                    .automatic = true,
                    .refs = 3,
                    .epoch = 8,
                    .since = parse_since("2026-01-31T00:00:00Z").value()};
  const auto read = pool_from_json(record.id, dump_json(to_json(record)));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read.value().id, record.id);
  EXPECT_EQ(read.value().sub_pool, record.sub_pool);
  EXPECT_EQ(read.value().options, record.options);
  EXPECT_TRUE(read.value().automatic);
  EXPECT_EQ(read.value().refs, 3);
  EXPECT_EQ(read.value().epoch, 8U);
  EXPECT_EQ(read.value().since, record.since);
}

AddressRecord sample() {
  return {.space = "local",
          .pool = prefix("10.1.0.0/24"),
          .address = ip("10.1.0.7"),
          .owner = OwnerClass::kSwarm,
          .mac = mac(5),
          .name = "web",
          .claims = 2,
          .epoch = 4,
          .since = parse_since("2026-01-31T12:34:56Z").value(),
          .released = true,
          .rest = {}};
}

TEST(AddressRecord, StoredForm_ReadsBackTheSame) {
  const auto read = address_from_json("local/10.1.0.0/24/10.1.0.7", to_text(sample()).take());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(to_text(read.value()).take(), to_text(sample()).take());
  EXPECT_EQ(to_text(sample()).take(), dump_json(Json::parse(to_text(sample()).take())))
      << "the canonical form";
  EXPECT_TRUE(read.value().released);
  EXPECT_EQ(read.value().owner, OwnerClass::kSwarm);
  EXPECT_EQ(read.value().mac, mac(5));
}

TEST(AddressRecord, DamagedMember_IsCorruptAndNamed) {
  const std::string key = "local/10.1.0.0/24/10.1.0.7";
  const std::map<std::string, Json> damages = {
      {"address", "10.2.0.7"}, {"owner", "nobody"}, {"mac", 5},          {"claims", 0}, {"since", "today"},
      {"pool", "10.1.0.0"},    {"epoch", -1},       {"released", "yes"}, {"space", ""}};
  for (const auto& [member, damage] : damages) {
    Json json = Json::parse(to_text(sample()).take());
    json[member] = damage;
    const auto read = address_from_json(key, dump_json(json));
    ASSERT_FALSE(read.ok()) << member;
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt) << member;
    EXPECT_NE(read.error().message.find(key), std::string::npos);
  }
  EXPECT_FALSE(address_from_json("local/10.1.0.0/24/10.1.0.8", to_text(sample()).take()).ok()) << "other key";
  EXPECT_FALSE(address_from_json(key, "{").ok());
}

TEST(PoolRecord, ContentOfAnotherKey_IsCorrupt) {
  const std::string value = R"({"space":"local","pool":"10.1.0.0/24"})";
  EXPECT_TRUE(pool_from_json("local/10.1.0.0/24", value).ok());
  EXPECT_EQ(pool_from_json("local/10.2.0.0/24", value).error().code, ErrorCode::kCorrupt);
}

TEST(Since, TimeText_ReadsBackAndNonsenseIsRefused) {
  EXPECT_EQ(format_time(parse_since("2028-02-29T23:59:59Z").value()), "2028-02-29T23:59:59Z");
  for (const std::string bad : {"", "2027-02-29T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T00:00:00",
                                "2026-01-31 00:00:00Z", "2026-01-31T00:00:00Zx"})
    EXPECT_FALSE(parse_since(bad).ok()) << bad;
}

}  // namespace
}  // namespace viaduct::ipam
