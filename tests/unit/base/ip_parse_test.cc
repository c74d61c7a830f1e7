#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/ip.h"

namespace viaduct {
namespace {

using testing::HasSubstr;

TEST(IpAddressParse, AnythingButStrictText_IsRefused) {
  for (const std::string text :
       {"", " ", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "-1.2.3.4", "0x1.2.3.4", " 1.2.3.4",
        "1.2.3.4 ", "1.2.3.4/24", "fe80::1%eth0", "1::2::3", ":::", "12345::", "g::", "[::1]", "::1/64"})
    EXPECT_FALSE(IpAddress::parse(text).ok()) << text;
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0x", 9)).ok());
}

TEST(IpAddressParse, Ipv6_IsPrintedInTheFormOfRfc5952) {
  EXPECT_EQ(IpAddress::parse("2001:DB8:0:0:0:0:0:1").value().to_string(), "2001:db8::1");
  EXPECT_EQ(IpAddress::parse("0:0:0:0:0:0:0:0").value().to_string(), "::");
}

TEST(IpAddressParse, PartOfALongerText_ReadsThatPartAlone) {
  const std::string text = "10.0.0.1,10.0.0.2";
  EXPECT_EQ(IpAddress::parse(std::string_view(text).substr(0, 8)).value().to_string(), "10.0.0.1");
}

TEST(PrefixParse, LengthThatIsNoPlainNumberInRange_IsRefused) {
  for (const char* text :
       {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8 ",
        "10.0.0.0/8/8", "10.0.0.0/99999999999", "::/129", "/8", ""})
    EXPECT_EQ(Prefix::parse(text).ok() ? "ok" : "refused", std::string("refused")) << text;
}

TEST(PrefixParse, HostBitsSet_IsRefusedNamingTheNetwork) {
  const auto refused = Prefix::parse("10.1.2.3/16");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("10.1.0.0/16"));
}

TEST(PrefixParse, MissingLength_SuggestsOneThatFitsTheFamily) {
  EXPECT_THAT(Prefix::parse("10.0.0.0").error().message, HasSubstr("10.0.0.0/24"));
  EXPECT_THAT(Prefix::parse("fd00::").error().message, HasSubstr("fd00::/64"));
}

TEST(InterfaceAddressParse, KeepsHostBitsAndKnowsItsNetwork) {
  const auto address = InterfaceAddress::parse("10.0.0.2/24").value();
  EXPECT_EQ(address.to_string(), "10.0.0.2/24");
  EXPECT_EQ(address.network().to_string(), "10.0.0.0/24");
}

TEST(MacParse, AnyCase_IsReadAndPrintedInLowerCase) {
  EXPECT_EQ(Mac::parse("02:42:AC:11:00:Ff").value().to_string(), "02:42:ac:11:00:ff");
}

TEST(MacParse, WrongShape_IsRefused) {
  for (const char* text : {"", "02:42:ac:11:00", "02:42:ac:11:00:2", "02-42-ac-11-00-02",
                           "02:42:ac:11:00:02:", "02:42:ac:11:00:0g", "0242ac110002", "02:42:ac:11:00: 2"})
    EXPECT_FALSE(Mac::parse(text).ok()) << text;
}

TEST(MacParse, MulticastAndZero_AreRefused) {
  EXPECT_THAT(Mac::parse("01:00:5e:00:00:01").error().message, HasSubstr("multicast"));
  EXPECT_THAT(Mac::parse("ff:ff:ff:ff:ff:ff").error().message, HasSubstr("multicast"));
  EXPECT_THAT(Mac::parse("00:00:00:00:00:00").error().message, HasSubstr("zero"));
}

TEST(MacParseBase64, FormOfTheEngine_IsRead) {
  EXPECT_EQ(Mac::parse_base64("AkKsEQAC").value().to_string(), "02:42:ac:11:00:02");
  EXPECT_EQ(Mac::parse_base64("/v/+/v/+").value().to_string(), "fe:ff:fe:fe:ff:fe");
}

TEST(MacParseBase64, WrongLengthOrLetters_AreRefused) {
  for (const char* text : {"", "AkKsEQA", "AkKsEQAC=", "AkKsEQA=", "AkKs-QAC", "AkKsEQACAAAA"})
    EXPECT_FALSE(Mac::parse_base64(text).ok()) << text;
}

}  // namespace
}  // namespace viaduct
