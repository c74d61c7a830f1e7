#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace viaduct {
namespace {

using testing::HasSubstr;

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

std::string nested_objects(int levels) {
  return repeat(R"({"a":)", levels - 1) + R"({"a":1})" + repeat("}", levels - 1);
}

std::string refusal(std::string_view text) {
  const auto parsed = parse_json_object(text);
  if (parsed.ok()) return "accepted";
  EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  return parsed.error().message;
}

TEST(ParseJsonObject, EmptyBody_SaysThatItIsEmpty) {
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
  EXPECT_THAT(refusal(" \r\n\t"), HasSubstr("empty"));
}

TEST(ParseJsonObject, NotAnObject_SaysWhatItIs) {
  EXPECT_THAT(refusal("[1]"), HasSubstr("array"));
  EXPECT_THAT(refusal("null"), HasSubstr("null"));
  EXPECT_THAT(refusal("3"), HasSubstr("number"));
}

TEST(ParseJsonObject, BrokenOrMoreThanOneValue_IsRefused) {
  for (const char* text : {"{", "}", "{}{}", "{} x", R"({"a":})", R"({"a":1,})", R"({a:1})", R"({"a":01})",
                           R"({"a":1e999})", R"({"a":NaN})", "{\"a\":\"\x01\"}"})
    EXPECT_THAT(refusal(text), HasSubstr("not one JSON value")) << text;
}

TEST(ParseJsonObject, NulByte_DoesNotHideWhatFollows) {
  EXPECT_THAT(refusal(std::string_view("{}\0{}", 5)), HasSubstr("NUL"));
}

TEST(ParseJsonObject, InvalidUtf8_IsRefused) {
  EXPECT_THAT(refusal("{\"a\":\"\xff\"}"), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal("{\"a\":\"\xc3\"}"), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal("{\"a\":\"\xed\xa0\x80\"}"), HasSubstr("UTF-8"));
}

TEST(ParseJsonObject, KeyTwiceInOneObject_IsRefusedNamingIt) {
  EXPECT_THAT(refusal(R"({"a":1,"b":2,"a":3})"), HasSubstr("\"a\" twice"));
  EXPECT_THAT(refusal(R"({"x":[{"k":1,"k":1}]})"), HasSubstr("\"k\" twice"));
}

TEST(ParseJsonObject, KeyTwiceInAnotherSpelling_IsRefused) {
  EXPECT_THAT(refusal(R"({"x":{"a":":","\u0061":"{"}})"), HasSubstr("\"a\" twice"));
}

TEST(ParseJsonObject, SameKeyInDifferentObjects_IsAccepted) {
  EXPECT_TRUE(parse_json_object(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]})").ok());
}

TEST(ParseJsonObject, DeepestAllowedLevel_KeepsEverythingInIt) {
  const auto parsed = parse_json_object(nested_objects(kMaxJsonDepth));
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const Json* at = &parsed.value();
  for (int level = 1; level < kMaxJsonDepth; ++level) at = &at->at("a");
  EXPECT_EQ(at->dump(), R"({"a":1})");
}

TEST(ParseJsonObject, OneLevelTooDeep_IsRefused) {
  EXPECT_THAT(refusal(nested_objects(kMaxJsonDepth + 1)), HasSubstr("deeper"));
}

TEST(ParseJsonObject, HundredThousandLevels_AreRefusedWithoutHarm) {
  EXPECT_THAT(refusal(nested_objects(100000)), HasSubstr("deeper"));
  EXPECT_THAT(refusal(R"({"a":)" + repeat("[", 100000) + repeat("]", 100000) + "}"), HasSubstr("deeper"));
  EXPECT_NE(refusal(repeat(R"({"a":)", 100000)), "accepted");
}

Json object() {
  return parse_json_object(
             R"({"text":"x","empty":"","none":null,"flag":true,"number":42,"minus":-1,"half":1.5,
    "huge":12345678901234567890,"beyond":123456789012345678901,"map":{"a":"b"},"mixed":{"a":1},"list":[1]})")
      .value();
}

TEST(JsonReader, Strings_AreStrictAboutType) {
  const Json json = object();
  const auto reader = JsonReader::of(json, "Call").value();
  EXPECT_EQ(reader.required_string("text").value(), "x");
  EXPECT_EQ(reader.string_or_empty("none").value(), "");
  EXPECT_EQ(reader.string_or_empty("absent").value(), "");
  EXPECT_THAT(reader.required_string("absent").error().message, HasSubstr("Call.absent is missing"));
  EXPECT_THAT(reader.required_string("empty").error().message, HasSubstr("Call.empty"));
  EXPECT_THAT(reader.string_or_empty("number").error().message, HasSubstr("Call.number is a JSON number"));
}

TEST(JsonReader, Integers_AreStrictAboutTypeAndRange) {
  const Json json = object();
  const auto reader = JsonReader::of(json, "Call").value();
  EXPECT_EQ(reader.integer_or("number", 0, 0, 42).value(), 42);
  EXPECT_EQ(reader.integer_or("absent", 7, 0, 1).value(), 7);
  EXPECT_EQ(reader.integer_or("minus", 0, -1, 1).value(), -1);
  for (const char* key : {"half", "text", "flag", "list"})
    EXPECT_THAT(reader.integer_or(key, 0, 0, 9).error().message, HasSubstr("whole number")) << key;
  EXPECT_FALSE(reader.integer_or("number", 0, 0, 41).ok());
  EXPECT_FALSE(reader.integer_or("number", 0, 43, 99).ok());
}

TEST(JsonReader, TwentyDigitIntegers_AreRefusedNotRounded) {
  const Json json = object();
  const auto reader = JsonReader::of(json, "Call").value();
  const int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_FALSE(reader.integer_or("huge", 0, 0, most).ok());
  EXPECT_FALSE(reader.integer_or("beyond", 0, 0, most).ok());
}

TEST(JsonReader, BoolsMapsAndObjects_AreStrictAboutType) {
  const Json json = object();
  const auto reader = JsonReader::of(json, "Call").value();
  EXPECT_TRUE(reader.bool_or("flag", false).value());
  EXPECT_TRUE(reader.bool_or("none", true).value());
  EXPECT_FALSE(reader.bool_or("number", false).ok());
  EXPECT_EQ(reader.string_map("map").value().at("a"), "b");
  EXPECT_TRUE(reader.string_map("absent").value().empty());
  EXPECT_THAT(reader.string_map("mixed").error().message, HasSubstr("Call.mixed.a"));
  EXPECT_FALSE(reader.string_map("list").ok());
  EXPECT_EQ(reader.object("absent").value(), nullptr);
  EXPECT_FALSE(reader.object("list").ok());
  EXPECT_EQ(reader.array("list").value()->size(), 1U);
  EXPECT_FALSE(reader.array("map").ok());
}

TEST(JsonReader, OnlyKnownMembers_NamesTheFirstUnknownAndTheKnown) {
  const Json json = {{"adress", 1}};
  const auto reader = JsonReader::of(json, "Call").value();
  EXPECT_TRUE(reader.only({"name", "adress"}).ok());
  const auto refused = reader.only({"name", "address"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("Call has no member \"adress\"; known are name, address"));
}

TEST(JsonReader, OfAnythingButAnObject_IsAnErrorNamingThePlace) {
  const Json list = Json::array();
  EXPECT_THAT(JsonReader::of(list, "Call.Interface").error().message,
              HasSubstr("Call.Interface is a JSON array"));
}

TEST(DumpJson, InvalidUtf8_IsReplacedNotThrown) {
  EXPECT_EQ(dump_json(Json{{"a", "x\xff"}}), "{\"a\":\"x\xef\xbf\xbd\"}");
}

}  // namespace
}  // namespace viaduct
