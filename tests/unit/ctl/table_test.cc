#include "tools/ctl/table.h"

#include <gtest/gtest.h>

namespace viaduct::ctl {
namespace {

TEST(Table, Columns_AreAsWideAsTheirWidestCellAndLinesEndWithoutSpaces) {
  Table table({{"ID"}, {"USED", Align::kRight}, {"NAME"}});
  table.add({"abcdef", "7", "x"});
  table.add({"a", "12345", ""});
  EXPECT_EQ(table.to_string(),
            "ID       USED  NAME\n"
            "abcdef      7  x\n"
            "a       12345\n");
}

TEST(Table, NoRows_IsTheHeading) {
  EXPECT_EQ(Table({{"A"}, {"B"}}).to_string(), "A  B\n");
}

TEST(Table, CellWithControlCharacters_CannotBreakTheLine) {
  Table table({{"NAME"}});
  table.add({"a\nb\x1b"});
  EXPECT_EQ(table.to_string(), "NAME\na?b?\n");
}

TEST(Properties, Values_StandBelowEachOther) {
  EXPECT_EQ(to_string(Properties{{"id", "1"}, {"options", "a=b"}, {"", "c=d"}, {"since", ""}}),
            "id       1\n"
            "options  a=b\n"
            "         c=d\n"
            "since\n");
}

}  // namespace
}  // namespace viaduct::ctl
