#include "server/wire.h"

#include <gtest/gtest.h>

namespace viaduct::server {
namespace {

TEST(ErrorBody, NamesTheSentenceUnderBothKeys) {  // Trap T5
  EXPECT_EQ(error_body("no"), R"({"Err":"no","Error":"no"})");
}

TEST(ErrorBody, SentenceWithoutBound_IsClippedAndStaysJson) {
  const auto body = parse_json_object(error_body(std::string(50'000, '\x01')));
  ASSERT_TRUE(body.ok());
  const auto sentence = body.value().at("Err").get<std::string>();
  EXPECT_EQ(sentence.substr(0, 1000), std::string(1000, '\x01'));
  EXPECT_EQ(sentence.substr(1000), "...[50000 bytes]");
  EXPECT_EQ(body.value().at("Error"), sentence);
}

}  // namespace
}  // namespace viaduct::server
