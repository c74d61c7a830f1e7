#include "tools/ctl/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/ctl/fields.h"

namespace viaduct::ctl {
namespace {

using testing::HasSubstr;

constexpr Wanted kPool = {"pool", "pool ls"};

Json objects(std::initializer_list<const char*> ids) {
  Json out = Json::array();
  for (const char* id : ids) out.push_back({{"id", id}});
  return out;
}

std::string found(const Json& list, const std::string& id) {
  const auto object = resolve(list, id, kPool);
  return object.ok() ? text_field(*object.value(), "id") : "error: " + object.error().message;
}

TEST(Resolve, UniqueBeginning_IsFound) {
  EXPECT_EQ(found(objects({"abc1", "abd2"}), "abd"), "abd2");
}

TEST(Resolve, WholeId_WinsOverALongerOneThatBeginsWithIt) {
  const Json pools = objects({"local/10.0.0.0/24", "local/10.0.0.0/24/10.0.0.128/25"});
  EXPECT_EQ(found(pools, "local/10.0.0.0/24"), "local/10.0.0.0/24");
  EXPECT_EQ(found(pools, "10.0.0.0/24"), "local/10.0.0.0/24");
  EXPECT_EQ(found(pools, "10.0.0.0/24/"), "local/10.0.0.0/24/10.0.0.128/25");
}

TEST(Resolve, SeveralMatches_AreNamed) {
  const Json list = objects({"a1", "a2", "a3", "a4", "a5", "b1"});
  const auto object = resolve(list, "a", kPool);
  ASSERT_FALSE(object.ok());
  EXPECT_EQ(object.error().code, ErrorCode::kConflict);
  EXPECT_EQ(object.error().message,
            "5 pool ids begin with \"a\" (a1, a2, a3, a4, ...); give more of the one you mean");
}

TEST(Resolve, SamePoolInTwoSpaces_NeedsTheSpace) {
  const Json pools = objects({"local/10.0.0.0/24", "global/10.0.0.0/24"});
  EXPECT_THAT(found(pools, "10.0.0.0/24"), HasSubstr("error: 2 pool"));
  EXPECT_EQ(found(pools, "g"), "global/10.0.0.0/24");
}

TEST(Resolve, NoMatch_SaysWhatListsThem) {
  const Json list = objects({"a1"});
  const auto object = resolve(list, "x\x1b", kPool);
  ASSERT_FALSE(object.ok());
  EXPECT_EQ(object.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(object.error().message,
            "no pool has an id that begins with \"x?\"; viaductctl pool ls lists them");
}

}  // namespace
}  // namespace viaduct::ctl
