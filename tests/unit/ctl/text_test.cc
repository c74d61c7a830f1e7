#include "tools/ctl/text.h"

#include <gtest/gtest.h>

#include <limits>

namespace viaduct::ctl {
namespace {

constexpr uint64_t kCountless = std::numeric_limits<uint64_t>::max();

TEST(ShownId, Short_IsTheFirstTwelveCharacters) {
  EXPECT_EQ(shown_id("0123456789abcdef", IdLength::kShort), "0123456789ab");
  EXPECT_EQ(shown_id("0123456789abcdef", IdLength::kWhole), "0123456789abcdef");
}

TEST(ShownId, ShorterThanTwelve_StaysWhole) {
  EXPECT_EQ(shown_id("abc", IdLength::kShort), "abc");
}

TEST(Ascii, EscapeSequencesAndUtf8_BecomeQuestionMarks) {
  EXPECT_EQ(ascii("a\x1b[31mb\tc\n"), "a?[31mb?c?");
  EXPECT_EQ(ascii("\xc3\xa4~ !"), "??~ !");
}

TEST(ShownCount, TheDaemonsLargest_IsWords) {
  EXPECT_EQ(shown_count(0), "0");
  EXPECT_EQ(shown_count(kCountless - 1), "18446744073709551614");
  EXPECT_EQ(shown_count(kCountless), "2^64 or more");
}

TEST(Bar, Share_IsRounded) {
  EXPECT_EQ(bar(1, 2, 12), "[######------]");
  EXPECT_EQ(bar(12, 253, 12), "[#-----------]");
}

TEST(Bar, NothingUsed_IsEmptyAndNothingFreeIsFull) {
  EXPECT_EQ(bar(0, 253, 4), "[----]");
  EXPECT_EQ(bar(253, 253, 4), "[####]");
  EXPECT_EQ(bar(300, 253, 4), "[####]");
}

TEST(Bar, AlmostEmptyAndAlmostFull_ShowTheDifference) {
  EXPECT_EQ(bar(1, kCountless, 4), "[#---]");
  EXPECT_EQ(bar(252, 253, 4), "[###-]");
}

TEST(Bar, NoCapacity_IsEmpty) {
  EXPECT_EQ(bar(3, 0, 4), "[----]");
}

TEST(Percent, Values_HaveOneDecimalAndNeverLieAboutTheEnds) {
  EXPECT_EQ(percent(12, 253), "4.7 %");
  EXPECT_EQ(percent(0, 253), "0.0 %");
  EXPECT_EQ(percent(253, 253), "100.0 %");
  EXPECT_EQ(percent(1, 1000000), "<0.1 %");
  EXPECT_EQ(percent(999999, 1000000), ">99.9 %");
  EXPECT_EQ(percent(1, 0), "-");
}

TEST(Duration, TwoLargestUnits) {
  EXPECT_EQ(duration(0), "0 s");
  EXPECT_EQ(duration(59), "59 s");
  EXPECT_EQ(duration(60), "1 min 0 s");
  EXPECT_EQ(duration(3 * 3600 + 12 * 60 + 5), "3 h 12 min");
  EXPECT_EQ(duration(50 * 3600), "2 d 2 h");
}

TEST(Wrapped, Lines_AreIndentedAndBrokenAtSpaces) {
  EXPECT_EQ(wrapped("one two  three", 2, 9), "  one two\n  three\n");
  EXPECT_EQ(wrapped("unbreakable", 2, 5), "  unbreakable\n");
  EXPECT_EQ(wrapped("", 2, 5), "");
}

TEST(Microseconds, FromAThousandOn_AreMilliseconds) {
  EXPECT_EQ(microseconds(999), "999 us");
  EXPECT_EQ(microseconds(12345), "12.3 ms");
}

}  // namespace
}  // namespace viaduct::ctl
