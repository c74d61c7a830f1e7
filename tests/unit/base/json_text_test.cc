#include "base/json_text.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <utility>

namespace viaduct {
namespace {

TEST(ObjectText, EveryKindOfMember_IsWhatDumpJsonGives) {
  ObjectText out;
  out.flag("a", true)
      .flag("b", false)
      .json("c", {{"x", {1, nullptr}}})
      .number("d", -5)
      .text("e", "plain /text");
  EXPECT_EQ(std::move(out).take(), R"({"a":true,"b":false,"c":{"x":[1,null]},"d":-5,"e":"plain /text"})");
  EXPECT_EQ(ObjectText().take(), "{}");
  EXPECT_EQ(std::move(ObjectText().number("most", std::numeric_limits<int64_t>::min())).take(),
            R"({"most":-9223372036854775808})");
}

TEST(ObjectText, AnyText_IsSpeltAsDumpJsonSpellsIt) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string value;
    for (auto left = random() % 12; left > 0; --left) value += static_cast<char>(random() % 256);
    if (round % 2 == 0)
      for (char& c : value) c = static_cast<char>(c & 0x7f);
    ASSERT_EQ(std::move(ObjectText().text("name", value)).take(), dump_json({{"name", value}}));
  }
}

TEST(ObjectText, PlainText_HasNothingToEscape) {
  EXPECT_TRUE(is_plain_text(""));
  EXPECT_TRUE(is_plain_text("local/10.1.0.0/24 ~"));
  for (const char* text : {"\"", "\\", "\n", "\x7f", "\xc3\xa9", "\x01"}) EXPECT_FALSE(is_plain_text(text));
}

}  // namespace
}  // namespace viaduct
