#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/ctl/view.h"
#include "unit/ctl/answers.h"

namespace viaduct::ctl {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

Json free_cells(size_t count, uint64_t size) {
  Json out = Json::array();
  for (size_t i = 0; i < count; ++i)
    out.push_back(
        cell("10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256), size, {{"free", size}}));
  return out;
}

TEST(PoolMapView, SmallPool_HasACharacterForEachAddressAndCounts) {
  EXPECT_EQ(pool_map_view(small_cells(), 80),
            "one cell  1 address\n"
            "#         2 held\n"
            "q         1 in quarantine, released a moment ago\n"
            "s         1 kept for their former owners, while others are free\n"
            "r         1 reserved, and not in use\n"
            "f         0 set aside, for a foreign host answers there\n"
            "x         1 excluded, or never given\n"
            ".         2 free\n"
            "\n"
            "10.128.0.0  x##qsr..\n");
}

TEST(PoolMapView, Rows_BeginWithTheirFirstAddressAndAreAsLongAsTheWidthAllows) {
  const std::string row = std::string(64, '.') + "\n";
  EXPECT_THAT(pool_map_view(free_cells(256, 1), 80), EndsWith("\n10.0.0.0    " + row + "10.0.0.64   " + row +
                                                              "10.0.0.128  " + row + "10.0.0.192  " + row));
  EXPECT_THAT(pool_map_view(free_cells(256, 1), 140), HasSubstr("10.0.0.128  " + std::string(128, '.')));
  EXPECT_THAT(pool_map_view(free_cells(256, 1), 50),
              HasSubstr("\n10.0.0.32   " + std::string(32, '.') + "\n"));
}

TEST(PoolMapView, CellsOfMany_AreShadedByTheShareThatIsHeld) {
  const auto shaded = [](uint64_t held, uint64_t excluded = 0) {
    return cell("10.0.0.0", 100, {{"held", held}, {"excluded", excluded}, {"free", 100 - held - excluded}});
  };
  Json cells = Json::array({shaded(0), shaded(1), shaded(19), shaded(39), shaded(59), shaded(79), shaded(99),
                            shaded(100), shaded(50, 50), shaded(0, 100), shaded(0, 99)});
  cells.push_back(cell("10.0.0.0", 100, {{"quarantined", 1}, {"retained", 5}, {"free", 94}}));
  cells.push_back(cell("10.0.0.0", 100, {{"retained", 1}, {"free", 99}}));
  cells.push_back(cell("10.0.0.0", 100, {{"reserved", 1}, {"free", 99}}));
  cells.push_back(cell("10.0.0.0", 100, {{"set_aside", 1}, {"free", 99}}));
  const std::string view = pool_map_view(cells, 80);
  EXPECT_THAT(view, EndsWith("10.0.0.0  .::-=+*##x.qsrf\n"));
  EXPECT_THAT(view, HasSubstr("one cell  100 addresses\n"));
  EXPECT_THAT(view, HasSubstr(":-=+*#    446 held"));
}

TEST(PoolMapView, HugeCells_AreCountedInPowersAndSumsStayTheLargest) {
  const uint64_t most = ~uint64_t{0};
  const std::string view = pool_map_view(Json::array({cell("fd00::", most, {{"free", most}, {"held", 1}}),
                                                      cell("fd00:1::", most, {{"free", most}})}),
                                         80);
  EXPECT_THAT(view, HasSubstr("one cell  2^64 or more addresses\n"));
  EXPECT_THAT(view, HasSubstr(" 2^64 or more free\n"));
  EXPECT_THAT(view, EndsWith("fd00::    :.\n"));
  EXPECT_THAT(pool_map_view(free_cells(2, uint64_t{1} << 52), 80), HasSubstr("one cell  2^52 addresses\n"));
}

TEST(CellsFor, UsualWidths_GiveSixteenRows) {
  EXPECT_EQ(cells_for(80), 16U * 64);
  EXPECT_EQ(cells_for(160), 16U * 128);
  EXPECT_EQ(cells_for(20), 16U * 16);
}

}  // namespace
}  // namespace viaduct::ctl
