#include "net/segment_book.h"

#include <gmock/gmock.h>

#include <random>

namespace viaduct::net {
namespace {

using ::testing::UnorderedElementsAre;

VlanSet vlans(const std::string& text) {
  return VlanSet::parse(text).value();
}

TEST(SegmentBook, OthersAreThoseOfTheSameSegmentWithoutOneself) {
  SegmentBook book;
  book.put("a", {"eth1:aware", vlans("10"), vlans("10"), {"vd-eth1", "vh-10"}});
  book.put("b", {"eth1:aware", vlans("10,20-29"), {}, {"vd-eth1"}});
  book.put("c", {"eth2:aware", vlans("30"), {}, {"vd-eth2"}});
  auto others = book.others("a", "eth1:aware", {"vd-eth1", "vh-10"});
  EXPECT_TRUE(others.any);
  EXPECT_EQ(others.vlans.to_string(), "10,20-29");
  EXPECT_TRUE(others.host_vlans.empty());
  EXPECT_THAT(others.links, UnorderedElementsAre("vd-eth1"));
  others = book.others("b", "eth1:aware", {"vh-10"});
  EXPECT_EQ(others.vlans.to_string(), "10");
  EXPECT_EQ(others.host_vlans.to_string(), "10");
  EXPECT_THAT(others.links, UnorderedElementsAre("vh-10"));
  EXPECT_FALSE(book.others("c", "eth2:aware", {"vd-eth2"}).any);
  EXPECT_TRUE(book.others("new", "eth2:aware", {}).any) << "it does not stand there yet";
  EXPECT_FALSE(book.others("new", "eth3:aware", {}).any);
}

TEST(SegmentBook, WhatChanged_TakesThePlaceOfWhatWas) {
  SegmentBook book;
  book.put("a", {"eth1:aware", vlans("10,20"), {}, {"vd-eth1"}});
  book.put("b", {"eth1:aware", vlans("10"), {}, {"vd-eth1"}});
  book.put("a", {"eth1:aware", vlans("10"), {}, {"vd-renamed"}});
  EXPECT_EQ(book.others("b", "eth1:aware", {}).vlans.to_string(), "10");
  EXPECT_TRUE(book.has_link("eth1:aware", "vd-renamed"));
  book.put("a", {"eth2:aware", vlans("10"), {}, {"vd-eth2"}});
  EXPECT_FALSE(book.has_link("eth1:aware", "vd-renamed"));
  EXPECT_FALSE(book.others("b", "eth1:aware", {}).any);
  book.erase("a");
  book.erase("a");
  EXPECT_FALSE(book.has_link("eth2:aware", "vd-eth2"));
}

// Against a walk over all shares.
TEST(SegmentBook, AfterAnyChanges_IsTheSumOfWhatIsThere) {
  std::mt19937 random(20261127);
  const auto below = [&](unsigned end) { return static_cast<unsigned>(random() % end); };
  SegmentBook book;
  std::map<std::string, SegmentShare> shares;
  for (int step = 0; step < 2000; ++step) {
    const std::string id = std::to_string(below(12));
    if (below(3) == 0) {
      book.erase(id);
      shares.erase(id);
    } else {
      SegmentShare share;
      share.segment = "eth" + std::to_string(below(2));
      for (unsigned i = below(4); i > 0; --i) share.vlans.insert(static_cast<uint16_t>(1 + below(6)));
      if (below(2) == 0) share.host_vlans.insert(static_cast<uint16_t>(kMostVlan - below(3)));
      share.links = {"vd-" + share.segment, "vh-" + std::to_string(below(3))};
      shares[id] = share;
      book.put(id, share);
    }
    const std::string asker = std::to_string(below(12));
    const std::string segment = "eth" + std::to_string(below(2));
    SegmentBook::Others expected;
    for (const auto& [other, share] : shares) {
      if (other == asker || share.segment != segment) continue;
      expected.any = true;
      expected.vlans.insert(share.vlans);
      expected.host_vlans.insert(share.host_vlans);
      if (share.links.contains("vh-1")) expected.links.insert("vh-1");
    }
    const auto found = book.others(asker, segment, {"vh-1"});
    ASSERT_EQ(found.any, expected.any) << step;
    ASSERT_EQ(found.vlans, expected.vlans) << step;
    ASSERT_EQ(found.host_vlans, expected.host_vlans) << step;
    ASSERT_EQ(found.links, expected.links) << step;
  }
}

}  // namespace
}  // namespace viaduct::net
