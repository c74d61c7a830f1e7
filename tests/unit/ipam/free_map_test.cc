#include "ipam/free_map.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace viaduct::ipam {
namespace {

constexpr Uint128 kOne = 1;

Uint128 last_of(int host_bits) {
  return host_bits == 128 ? ~Uint128{0} : (kOne << host_bits) - 1;
}

std::optional<Uint128> naive_first_free(const std::set<Uint128>& taken, Uint128 from, Uint128 to) {
  for (Uint128 at = from;; ++at) {
    if (!taken.contains(at)) return at;
    if (at == to) return std::nullopt;
  }
}

class FreeMapModel : public ::testing::TestWithParam<int> {
 protected:
  std::mt19937_64 random_{20260131};

  // Offsets near each other, near both ends, and scattered, so that words fill up and lone ones occur.
  Uint128 any_offset() {
    const Uint128 last = last_of(GetParam());
    const Uint128 wide = (Uint128{random_()} << 64) | random_();
    switch (random_() % 4) {
      case 0: return std::min(last, Uint128{random_() % 300});
      case 1: return last - std::min(last, Uint128{random_() % 300});
      case 2: return std::min(last, last / 2 + random_() % 100);
      default: return last == ~Uint128{0} ? wide : wide % (last + 1);
    }
  }
};

TEST_P(FreeMapModel, RandomHistory_AgreesWithASet) {
  FreeMap map(GetParam());
  std::set<Uint128> model;
  for (int step = 0; step < 40000; ++step) {
    const Uint128 offset = any_offset();
    // Phases of filling and of emptying, so that whole words become full and free again.
    const bool filling = (step / 4000) % 2 == 0;
    const bool take = random_() % 10 < (filling ? 8 : 2);
    if (take)
      ASSERT_EQ(map.take(offset), model.insert(offset).second);
    else
      ASSERT_EQ(map.give_back(offset), model.erase(offset) == 1);
    ASSERT_EQ(map.count(), model.size());
    const Uint128 probe = any_offset();
    ASSERT_EQ(map.taken(probe), model.contains(probe));
    const Uint128 other = any_offset();
    const Uint128 from = std::min(probe, other);
    const Uint128 to = std::max(probe, other);
    ASSERT_EQ(map.first_free(from, to), naive_first_free(model, from, to)) << "step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(HostBits, FreeMapModel,
                         ::testing::Values(0, 1, 2, 5, 6, 7, 8, 12, 13, 24, 64, 127, 128));

TEST(FreeMap, EveryOffsetTaken_NothingIsFreeAndOneGivenBackIsFound) {
  for (const int host_bits : {0, 1, 5, 6, 7, 12, 13}) {
    FreeMap map(host_bits);
    const Uint128 last = last_of(host_bits);
    for (Uint128 at = 0; at <= last; ++at) {
      ASSERT_EQ(map.first_free(0, last), at) << host_bits;
      ASSERT_TRUE(map.take(at));
    }
    EXPECT_EQ(map.first_free(0, last), std::nullopt);
    ASSERT_TRUE(map.give_back(last / 2));
    EXPECT_EQ(map.first_free(0, last), last / 2);
    EXPECT_FALSE(map.give_back(last / 2));
    if (last > 1) {
      EXPECT_EQ(map.first_free(last / 2 + 1, last), std::nullopt);
      EXPECT_EQ(map.first_free(0, last / 2 - 1), std::nullopt);
    }
  }
}

TEST(FreeMap, WholeOfSlash8_IsFilledAndSearchedInPlace) {
  FreeMap map(24);
  const Uint128 last = last_of(24);
  for (Uint128 at = 0; at <= last; at += 2) map.take(at);
  EXPECT_EQ(map.first_free(0, last), Uint128{1});
  for (Uint128 at = 1; at < last; at += 2) map.take(at);
  EXPECT_EQ(map.first_free(0, last), last);
  EXPECT_EQ(map.count(), (uint64_t{1} << 24U) - 1);
}

TEST(FreeMap, NeighboursAtTheEndOfIpv6_AreToldApart) {
  FreeMap map(128);
  const Uint128 last = ~Uint128{0};
  EXPECT_TRUE(map.take(last));
  EXPECT_EQ(map.first_free(last, last), std::nullopt);
  EXPECT_EQ(map.first_free(last - 1, last), last - 1);
  EXPECT_TRUE(map.take(last - 1));
  EXPECT_EQ(map.first_free(last - 1, last), std::nullopt);
  EXPECT_TRUE(map.give_back(last));
  EXPECT_FALSE(map.taken(last));
  EXPECT_TRUE(map.taken(last - 1));
}

}  // namespace
}  // namespace viaduct::ipam
