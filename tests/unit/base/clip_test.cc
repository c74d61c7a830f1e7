#include "base/clip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/ip.h"
#include "base/json.h"

namespace viaduct {
namespace {

TEST(Clipped, ShortText_IsWhole) {
  EXPECT_EQ(clipped(""), "");
  EXPECT_EQ(clipped("10.0.0.0/24"), "10.0.0.0/24");
  EXPECT_EQ(clipped(std::string(64, 'a')), std::string(64, 'a'));
}

TEST(Clipped, LongText_EndsWithItsLength) {
  EXPECT_THAT(clipped(std::string(65, 'a')), testing::MatchesRegex("a{64}\\.\\.\\.\\[65 bytes\\]"));
  EXPECT_EQ(clipped("abcdef", 3), "abc...[6 bytes]");
}

TEST(Clipped, CharactersOfSeveralBytes_AreNotCutInTwo) {
  EXPECT_EQ(clipped("a\xc3\xbc\xc3\xbc", 2), "a...[5 bytes]");  // 2 bytes each
  EXPECT_EQ(clipped("a\xe2\x82\xac"
                    "b",
                    3),
            "a...[5 bytes]");  // 3 bytes
  EXPECT_EQ(clipped("a\xf0\x9f\x98\x80"
                    "b",
                    4),
            "a...[6 bytes]");  // 4 bytes
  EXPECT_EQ(clipped("a\xf0\x9f\x98\x80"
                    "b",
                    5),
            "a\xf0\x9f\x98\x80...[6 bytes]");
}

TEST(Clipped, BytesThatAreNoUtf8_StillHaveABound) {
  EXPECT_LT(clipped(std::string(5000, '\x80')).size(), 80U);
  EXPECT_EQ(clipped(std::string(5000, '\x80'), 1), "...[5000 bytes]");
}

// Fifty thousand bytes where a dozen would do, in every reader of this module that names what it was given.
TEST(Clipped, SentencesAboutLongInput_AreShort) {
  const std::string junk(50'000, '7');
  std::vector<Error> refused = {
      IpAddress::parse(junk).error(),
      Prefix::parse(junk).error(),
      Prefix::parse("10.0.0.0/" + junk).error(),
      Prefix::parse(junk + "/24").error(),
      InterfaceAddress::parse(junk).error(),
      Mac::parse(junk).error(),
      Mac::parse_base64(junk).error(),
      parse_json_object("{\"" + junk + "\":1,\"" + junk + "\":2}").error(),
  };
  const Json options = {{"Options", {{junk, 7}}}};
  refused.push_back(JsonReader::of(options, "RequestPool").value().string_map("Options").error());
  for (const auto& error : refused) {
    EXPECT_LT(error.message.size(), 300U) << error.message;
    EXPECT_THAT(error.message, testing::HasSubstr("bytes]"));
  }
}

}  // namespace
}  // namespace viaduct
