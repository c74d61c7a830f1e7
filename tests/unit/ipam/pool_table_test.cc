#include "ipam/pool_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam {
namespace {

using testing::prefix;

PoolRecord record(const Prefix& pool) {
  PoolRecord out;
  out.space = "local";
  out.pool = pool;
  out.id = pool_id(out.space, pool, std::nullopt);
  return out;
}

// The answer by trying one piece after the other.
std::optional<Prefix> naive_plan(const Prefix& source, int length, const std::vector<Prefix>& taken) {
  for (Prefix piece(source.first(), length);; piece = Prefix(piece.last().plus(1), length)) {
    if (std::none_of(taken.begin(), taken.end(), [&](const Prefix& one) { return one.overlaps(piece); }))
      return piece;
    if (piece.last() == source.last()) return std::nullopt;
  }
}

class PoolTableModel : public ::testing::TestWithParam<const char*> {};

TEST_P(PoolTableModel, RandomHistory_PlansFindsAndOverlapsAsAListDoes) {
  const uint64_t seed = 20260131;
  std::mt19937_64 random(seed);
  const Prefix source = prefix(GetParam());
  const auto any_prefix = [&] {
    const int length = source.length() + static_cast<int>(random() % 9);
    const Uint128 offset = Uint128{random() % 512} << (source.host_bits() - 9);
    return Prefix(source.first().plus(offset), length);
  };
  PoolTable table;
  std::vector<Prefix> held;
  for (int step = 0; step < 6000; ++step) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed << ", step " << step);
    const Prefix probe = any_prefix();
    const auto other =
        std::find_if(held.begin(), held.end(), [&](const Prefix& one) { return one.overlaps(probe); });
    Pool* overlap = table.find_overlap("local", probe, std::nullopt);
    if (other == held.end() || *other == probe) {
      ASSERT_EQ(overlap, nullptr);
    } else {
      ASSERT_NE(overlap, nullptr);
      ASSERT_TRUE(overlap->record.pool.overlaps(probe));
    }
    Pool* same = table.find(pool_id("local", probe, std::nullopt));
    ASSERT_EQ(same != nullptr, other != held.end() && *other == probe);
    ASSERT_EQ(table.find_parent("local", probe), same == nullptr ? nullptr : same->parent);

    std::vector<Prefix> hosts;
    for (auto i = random() % 4; i > 0; --i) hosts.push_back(any_prefix());
    std::vector<Prefix> taken = held;
    taken.insert(taken.end(), hosts.begin(), hosts.end());
    const int length = source.length() + static_cast<int>(random() % 10);
    const auto planned = table.plan("local", {{source, length}}, source.family(), std::nullopt, hosts);
    ASSERT_EQ(planned, naive_plan(source, length, taken));

    const bool filling = step / 500 % 2 == 0;
    if (random() % 10 < (filling ? 8U : 3U)) {
      const Prefix wish = planned.value_or(probe);
      const bool clear =
          std::none_of(held.begin(), held.end(), [&](const Prefix& one) { return one.overlaps(wish); });
      if (clear && wish.length() > source.length() + 2) {
        table.add(record(wish), PoolSettings(), PoolState::kSettled);
        held.push_back(wish);
      }
    } else if (!held.empty()) {
      const auto going = held.begin() + static_cast<std::ptrdiff_t>(random() % held.size());
      table.remove(*table.find(pool_id("local", *going, std::nullopt)));
      held.erase(going);
    }
    ASSERT_EQ(table.size(), held.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Sources, PoolTableModel,
                         ::testing::Values("10.0.0.0/8", "255.255.0.0/16", "0.0.0.0/0", "fd00::/8",
                                           "ffff::/16", "::/0"));

// Sub-pools of one parent, some with a neighbour at either end: who overlaps whom, and whose an address is.
TEST(PoolTable, ManySubPoolsOfOneParent_AreFoundAsAListFindsThem) {
  const uint64_t seed = 20261127;
  std::mt19937_64 random(seed);
  const Prefix parent = prefix("10.1.0.0/16");
  PoolTable table;
  std::vector<Prefix> held;
  for (int step = 0; step < 4000; ++step) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed << ", step " << step);
    const Prefix probe(parent.first().plus(Uint128{random() % 65536}), 20 + static_cast<int>(random() % 9));
    const auto hit =
        std::find_if(held.begin(), held.end(), [&](const Prefix& one) { return one.overlaps(probe); });
    Pool* overlap = table.find_overlap("local", parent, probe);
    if (hit == held.end() || *hit == probe) {
      ASSERT_EQ(overlap, nullptr);
    } else {
      ASSERT_NE(overlap, nullptr);
      ASSERT_TRUE(overlap->record.sub_pool->overlaps(probe));
    }
    if (Parent* found = table.find_parent("local", parent)) {
      Pool* pool = found->pool_at(found->subnet.offset_of(probe.first()));
      const auto home = std::find_if(held.begin(), held.end(),
                                     [&](const Prefix& one) { return one.contains(probe.first()); });
      // The network address of the parent is in no pool's range.
      if (home == held.end() || probe.first() == parent.first())
        ASSERT_EQ(pool, nullptr);
      else
        ASSERT_EQ(pool->record.sub_pool, *home);
    }
    if (hit == held.end() && held.size() < 40) {
      PoolRecord made = record(parent);
      made.sub_pool = probe;
      made.id = pool_id(made.space, made.pool, made.sub_pool);
      table.add(made, PoolSettings(), PoolState::kSettled);
      held.push_back(probe);
    } else if (!held.empty() && random() % 4 == 0) {
      const auto going = held.begin() + static_cast<std::ptrdiff_t>(random() % held.size());
      table.remove(*table.find(pool_id("local", parent, *going)));
      held.erase(going);
    }
  }
}

TEST(PoolTable, LastPoolOfAParentRemoved_FreesThePrefix) {
  PoolTable table;
  PoolRecord low = record(prefix("10.0.0.0/24"));
  low.sub_pool = prefix("10.0.0.0/25");
  low.id = pool_id(low.space, low.pool, low.sub_pool);
  PoolRecord high = low;
  high.sub_pool = prefix("10.0.0.128/25");
  high.id = pool_id(high.space, high.pool, high.sub_pool);
  Pool& first = table.add(low, PoolSettings(), PoolState::kSettled);
  EXPECT_EQ(table.find_overlap("local", low.pool, high.sub_pool), nullptr);
  Pool& second = table.add(high, PoolSettings(), PoolState::kSettled);
  EXPECT_EQ(first.parent, second.parent);
  EXPECT_NE(table.find_overlap("local", low.pool, std::nullopt), nullptr);
  table.remove(first);
  EXPECT_EQ(table.find_parent("local", low.pool), second.parent);
  table.remove(second);
  EXPECT_EQ(table.find_parent("local", low.pool), nullptr);
  EXPECT_TRUE(table.parents().empty());
}

}  // namespace
}  // namespace viaduct::ipam
