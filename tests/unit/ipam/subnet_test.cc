#include "ipam/subnet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>
#include <random>
#include <set>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam {
namespace {

using testing::mac;
using testing::prefix;

Holder endpoint(int number, const std::string& name = "") {
  Holder holder;
  holder.mac = mac(number);
  holder.name = name;
  return holder;
}
Holder resting(Holder holder, int64_t since) {
  holder.rest = since;
  return holder;
}

class SubnetTest : public ::testing::Test {
 protected:
  Subnet subnet_{prefix("10.0.0.0/24")};
  Subnet::Range range_;
  Subnet::Range& add(const std::vector<Interval>& excluded = {}) {
    range_ = {};
    subnet_.add_range(range_, *usable_range(subnet_.prefix(), std::nullopt), excluded);
    return range_;
  }
};

TEST_F(SubnetTest, HolderOfASlot_IsTheOneGiven) {
  Holder holder = endpoint(7, "web");
  holder.claims = 3;
  holder.epoch = uint64_t{1} << 47;
  holder.released = true;
  holder.since = std::chrono::sys_seconds(std::chrono::seconds(-5));
  subnet_.insert(9, holder, SlotState::kFresh);
  EXPECT_EQ(subnet_.find(9)->holder(), holder);
  EXPECT_EQ(subnet_.find(9)->state, SlotState::kFresh);
  holder.rest = 1234567890123;
  holder.mac.reset();
  holder.name = std::string(300, 'x');
  subnet_.update(9, resting(holder, 12345));
  EXPECT_EQ(subnet_.find(9)->holder(), resting(holder, 12345));
  EXPECT_EQ(subnet_.find(9)->state, SlotState::kFresh);
  EXPECT_EQ(subnet_.find(10), nullptr);
}

TEST_F(SubnetTest, RestingSlots_AreNeitherHeldNorFreeAndLeaveInTheirOrder) {
  Subnet::Range& range = add();
  for (int i = 1; i <= 3; ++i) subnet_.insert(static_cast<Uint128>(i), endpoint(i), SlotState::kSettled);
  for (const int i : {2, 1, 3}) subnet_.update(static_cast<Uint128>(i), resting(endpoint(i), 100));
  EXPECT_EQ(range.total(), 0U);
  EXPECT_EQ(range.resting, 3U);
  EXPECT_EQ(subnet_.first_free(1, 254), Uint128{4});
  EXPECT_EQ(subnet_.oldest_rest(range), Uint128{2});
  subnet_.find(2)->state = SlotState::kChanging;
  EXPECT_EQ(subnet_.oldest_rest(range), Uint128{1});
  subnet_.set_reserved(1);
  EXPECT_EQ(subnet_.oldest_rest(range), Uint128{3});
  subnet_.update(3, endpoint(3));
  EXPECT_EQ(subnet_.oldest_rest(range), std::nullopt);
  subnet_.find(2)->state = SlotState::kSettled;
  subnet_.update(2, resting(endpoint(2), 200));
  subnet_.clear_reserved(1);
  EXPECT_EQ(subnet_.oldest_rest(range), Uint128{1}) << "who rests anew is the newest";
}

TEST_F(SubnetTest, RestsThatWereLoaded_AreOrderedByTimeThenOffset) {
  Subnet::Range& range = add();
  for (const auto& [offset, since] : std::vector<std::pair<int, int>>{{5, 30}, {9, 10}, {7, 10}})
    subnet_.insert(static_cast<Uint128>(offset), resting(endpoint(offset), since), SlotState::kSettled);
  subnet_.order_rests();
  for (const int expected : {7, 9, 5}) {
    EXPECT_EQ(subnet_.oldest_rest(range), static_cast<Uint128>(expected));
    subnet_.erase(static_cast<Uint128>(expected));
  }
  EXPECT_EQ(range.resting, 0U);
}

TEST_F(SubnetTest, FormerAddress_IsAHeldOneElseTheOneThatRestedLast) {
  Subnet::Range& range = add();
  subnet_.insert(5, resting(endpoint(1, "web"), 10), SlotState::kSettled);
  subnet_.insert(6, resting(endpoint(1, "web"), 30), SlotState::kSettled);
  subnet_.insert(7, resting(endpoint(1, "web"), 20), SlotState::kSettled);
  EXPECT_EQ(subnet_.find_mac(mac(1), range, {}), Uint128{6});
  EXPECT_EQ(subnet_.find_name("web", range, {6}), Uint128{7});
  subnet_.insert(8, endpoint(1, "web"), SlotState::kSettled);
  EXPECT_EQ(subnet_.find_mac(mac(1), range, {}), Uint128{8});
  EXPECT_EQ(subnet_.find_name("web", range, {}), Uint128{8});
  subnet_.update(8, endpoint(2, "db"));
  EXPECT_EQ(subnet_.find_mac(mac(1), range, {}), Uint128{6});
  EXPECT_EQ(subnet_.find_name("db", range, {}), Uint128{8});
  EXPECT_EQ(subnet_.find_name("we", range, {}), std::nullopt);
}

TEST_F(SubnetTest, ReservedOffsets_AreNeverProposedWithASlotOrWithout) {
  Subnet::Range& range = add();
  subnet_.set_reserved(1);
  subnet_.set_reserved(1);
  EXPECT_EQ(range.reserved, 1U);
  EXPECT_EQ(subnet_.propose(range, Policy::kLowest, 0), Uint128{2});
  subnet_.insert(1, endpoint(1), SlotState::kSettled);
  EXPECT_EQ(range.reserved, 0U);
  subnet_.erase(1);
  EXPECT_EQ(range.reserved, 1U);
  EXPECT_EQ(subnet_.propose(range, Policy::kLowest, 0), Uint128{2});
  subnet_.clear_reserved(1);
  EXPECT_EQ(range.reserved, 0U);
  EXPECT_EQ(subnet_.propose(range, Policy::kLowest, 0), Uint128{1});
}

TEST_F(SubnetTest, ExcludedOffsets_AreNoPartOfTheOpenOnes) {
  Subnet::Range& range = add({{100, 300}, {0, 4}, {3, 9}, {50, 50}});
  EXPECT_THAT(range.open(), ::testing::ElementsAre(Interval{10, 49}, Interval{51, 99}));
  EXPECT_EQ(range.excluded, Uint128{254 - 89});
  range.cursor = 49;
  EXPECT_EQ(subnet_.propose(range, Policy::kSerial, 0), Uint128{51});
  range.cursor = 99;
  EXPECT_EQ(subnet_.propose(range, Policy::kSerial, 0), Uint128{10});
  EXPECT_EQ(subnet_.propose(range, Policy::kRandom, ~uint64_t{0}), Uint128{99});
  EXPECT_EQ(subnet_.propose(range, Policy::kRandom, 0), Uint128{10});
}

TEST_F(SubnetTest, EverythingExcluded_ProposesNothing) {
  Subnet::Range& range = add({{0, 255}});
  EXPECT_TRUE(range.open().empty());
  EXPECT_EQ(range.excluded, Uint128{254});
  for (const Policy policy : {Policy::kLru, Policy::kLowest, Policy::kSerial, Policy::kRandom})
    EXPECT_EQ(subnet_.propose(range, policy, 5), std::nullopt);
}

// Scenario 31: what is set aside is given to nobody by itself, whatever else becomes of it meanwhile.
TEST_F(SubnetTest, SetAsideOffsets_AreNotProposed) {
  Subnet::Range& range = add();
  subnet_.set_aside(1);
  subnet_.set_aside(1);
  EXPECT_EQ(subnet_.propose(range, Policy::kLowest, 0), 2U);
  EXPECT_EQ(subnet_.asides(range), 1U);
  EXPECT_EQ(subnet_.lowest_aside(1, 254), 1U);
  // Given by name and released.
  subnet_.insert(1, endpoint(1), SlotState::kSettled);
  EXPECT_EQ(subnet_.asides(range), 0U);
  subnet_.update(1, resting(endpoint(1), 100));
  EXPECT_EQ(subnet_.oldest_rest(range), std::nullopt);
  subnet_.erase(1);
  EXPECT_EQ(subnet_.propose(range, Policy::kLowest, 0), 2U);
  // Reserved meanwhile, and not any more.
  subnet_.set_reserved(1);
  EXPECT_EQ(range.reserved, 1U);
  subnet_.clear_reserved(1);
  EXPECT_EQ(range.reserved, 0U);
  EXPECT_EQ(subnet_.propose(range, Policy::kLowest, 0), 2U);
  subnet_.clear_aside(1);
  EXPECT_EQ(subnet_.propose(range, Policy::kLowest, 0), 1U);
  // The other way round: reserved first, and longer.
  subnet_.set_reserved(1);
  subnet_.set_aside(1);
  subnet_.clear_aside(1);
  EXPECT_EQ(subnet_.propose(range, Policy::kLowest, 0), 2U);
  EXPECT_EQ(range.reserved, 1U);
}

TEST_F(SubnetTest, Upcoming_IsWhatProposeWouldGiveOneByOne) {
  Subnet::Range& range = add({{0, 9}, {20, 250}});  // open: 10 to 19, 251 to 254
  range.cursor = 252;
  subnet_.insert(254, endpoint(1), SlotState::kSettled);
  subnet_.insert(12, resting(endpoint(2), 50), SlotState::kSettled);
  subnet_.set_aside(13);
  const std::vector<Uint128> expected = {253, 10, 11, 14, 15, 16, 17, 18, 19, 251, 252, 12};
  EXPECT_EQ(subnet_.upcoming(range, Policy::kLru, 16), expected);
  EXPECT_EQ(subnet_.upcoming(range, Policy::kLru, 3), std::vector<Uint128>({253, 10, 11}));
  EXPECT_EQ(subnet_.upcoming(range, Policy::kLowest, 3), std::vector<Uint128>({10, 11, 14}));
  for (const Uint128 offset : expected) {
    const auto next = subnet_.propose(range, Policy::kSerial, 0);
    if (!next.has_value()) break;
    EXPECT_EQ(*next, offset);
    subnet_.insert(*next, endpoint(9), SlotState::kSettled);
    range.cursor = next;
  }
  EXPECT_EQ(subnet_.upcoming(range, Policy::kSerial, 16), std::vector<Uint128>{12});
}

TEST(SubnetOfAllIpv6, RandomProposals_AreSpreadOverBothEnds) {
  Subnet subnet(prefix("::/0"));
  Subnet::Range range;
  subnet.add_range(range, *usable_range(subnet.prefix(), std::nullopt), {});
  std::mt19937_64 random(1);
  int high = 0;
  for (int i = 0; i < 100; ++i) {
    const Uint128 offset = subnet.propose(range, Policy::kRandom, random()).value();
    subnet.insert(offset, endpoint(i), SlotState::kSettled);
    high += offset >> 127 != 0 ? 1 : 0;
  }
  EXPECT_GT(high, 20);
  EXPECT_LT(high, 80);
}

// Random histories against maps and lists. Few offsets, MACs and names, so that they meet; the seed is printed.
class SubnetModel : public ::testing::TestWithParam<std::pair<const char*, uint64_t>> {};

TEST_P(SubnetModel, RandomHistory_AgreesWithMapsAndLists) {
  const uint64_t seed = 20260131;
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  Subnet subnet(prefix(GetParam().first));
  const Uint128 spread = GetParam().second;
  Subnet::Range range;
  subnet.add_range(range, *usable_range(subnet.prefix(), std::nullopt), {});
  std::map<Uint128, Holder> model;
  std::list<Uint128> rests;
  std::set<Uint128> reserved;
  for (int step = 0; step < 8000; ++step) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed << ", step " << step);
    const bool filling = step / 1000 % 2 == 0;
    const Uint128 offset = Uint128{1 + random() % 600} * spread;
    Holder holder = endpoint(static_cast<int>(random() % 200), "");
    if (random() % 2 == 0) holder.name = std::string(random() % 40, 'n') + std::to_string(random() % 9);
    if (random() % 20 == 0) holder.owner = OwnerClass::kGateway;
    if (random() % 3 == 0) holder.rest = step;
    const auto found = model.find(offset);
    if (random() % 10 == 0) {
      reserved.contains(offset) ? subnet.clear_reserved(offset) : subnet.set_reserved(offset);
      if (!reserved.insert(offset).second) reserved.erase(offset);
    } else if (found == model.end() ? filling || random() % 4 == 0 : random() % 2 == 0) {
      found == model.end() ? void(subnet.insert(offset, holder, SlotState::kSettled))
                           : subnet.update(offset, holder);
      model[offset] = holder;
      rests.remove(offset);
      if (holder.rest.has_value()) rests.push_back(offset);
    } else if (found != model.end()) {
      subnet.erase(offset);
      model.erase(offset);
      rests.remove(offset);
    }
    const Uint128 probe = Uint128{1 + random() % 600} * spread;
    const Slot* slot = subnet.find(probe);
    ASSERT_EQ(slot != nullptr, model.contains(probe));
    if (slot != nullptr) {
      ASSERT_EQ(slot->holder(), model[probe]);
    }
    ASSERT_EQ(subnet.first_free(probe, probe).has_value(),
              !model.contains(probe) && !reserved.contains(probe));
    ASSERT_EQ(range.resting, rests.size());
    ASSERT_EQ(range.total() + range.resting, model.size());
    const auto oldest =
        std::find_if(rests.begin(), rests.end(), [&](Uint128 at) { return !reserved.contains(at); });
    ASSERT_EQ(subnet.oldest_rest(range), oldest == rests.end() ? std::nullopt : std::optional(*oldest));
    const Mac wanted = mac(static_cast<int>(random() % 200));
    int best = -1;
    for (const auto& [at, one] : model)
      if (one.owner == OwnerClass::kEndpoint && one.mac == wanted)
        best = std::max(best, one.rest.has_value() ? static_cast<int>(*one.rest) : step + 1);
    const auto former = subnet.find_mac(wanted, range, {});
    ASSERT_EQ(former.has_value(), best >= 0);
    if (former.has_value()) {
      ASSERT_EQ(model[*former].rest.value_or(step + 1), best);
    }
  }
  const auto without_slot =
      std::count_if(reserved.begin(), reserved.end(), [&](Uint128 at) { return !model.contains(at); });
  EXPECT_EQ(range.reserved, static_cast<uint64_t>(without_slot));
}

INSTANTIATE_TEST_SUITE_P(Prefixes, SubnetModel,
                         ::testing::Values(std::pair("10.0.0.0/20", uint64_t{1}),
                                           std::pair("10.0.0.0/8", uint64_t{9973}),
                                           std::pair("fd00::/64", uint64_t{1} << 53U),
                                           std::pair("::/0", ~uint64_t{0})));

// Enough for every index to grow many times, and for numbers to outgrow an index.
TEST(SubnetOfMany, EveryAddressWithMacAndName_IsFoundByEach) {
  Subnet subnet(prefix("10.0.0.0/8"));
  Subnet::Range range;
  subnet.add_range(range, *usable_range(subnet.prefix(), std::nullopt), {});
  constexpr int kCount = 50000;
  for (int i = 1; i <= kCount; ++i)
    subnet.insert(static_cast<Uint128>(i), endpoint(i, i % 1000 == 0 ? "name-" + std::to_string(i) : ""),
                  SlotState::kSettled);
  for (int i = 1; i <= kCount; i += 7) {
    ASSERT_EQ(subnet.find_mac(mac(i), range, {}), static_cast<Uint128>(i));
    ASSERT_NE(subnet.find(static_cast<Uint128>(i)), nullptr);
  }
  for (int i = 1000; i <= kCount; i += 1000)
    ASSERT_EQ(subnet.find_name("name-" + std::to_string(i), range, {}), static_cast<Uint128>(i));
  for (int i = 1; i <= kCount; ++i) subnet.erase(static_cast<Uint128>(i));
  EXPECT_EQ(range.total(), 0U);
  EXPECT_EQ(subnet.first_free(1, 1), Uint128{1});
  subnet.insert(1, endpoint(1), SlotState::kSettled);
  EXPECT_EQ(subnet.find_mac(mac(1), range, {}), Uint128{1});
}

}  // namespace
}  // namespace viaduct::ipam
