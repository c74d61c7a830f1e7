#include "server/end_pacer.h"

#include <gtest/gtest.h>

namespace viaduct::server {
namespace {

using std::chrono::milliseconds;

constexpr EndPacer::Moment at(milliseconds since) {
  return EndPacer::Moment(since);
}

TEST(EndPacer, EndsOfOneNetwork_AreKeptApart) {
  EndPacer pacer;
  EXPECT_EQ(pacer.turn("a", at(milliseconds(100))), at(milliseconds(100)));
  EXPECT_EQ(pacer.turn("a", at(milliseconds(100))), at(milliseconds(100)) + EndPacer::kApart);
  EXPECT_EQ(pacer.turn("a", at(milliseconds(101))), at(milliseconds(100)) + 2 * EndPacer::kApart);
  EXPECT_EQ(pacer.turn("a", at(milliseconds(125))), at(milliseconds(100)) + 3 * EndPacer::kApart);
}

TEST(EndPacer, AloneOrOfAnotherNetwork_NobodyWaits) {
  EndPacer pacer;
  EXPECT_EQ(pacer.turn("a", at(milliseconds(100))), at(milliseconds(100)));
  EXPECT_EQ(pacer.turn("b", at(milliseconds(100))), at(milliseconds(100)));
  EXPECT_EQ(pacer.turn("a", at(milliseconds(110))), at(milliseconds(110)));
}

TEST(EndPacer, LongQueue_HasAnEnd) {
  EndPacer pacer;
  EndPacer::Moment last;
  for (int end = 0; end < 1000; ++end) last = pacer.turn("a", at(milliseconds(100)));
  EXPECT_EQ(last, at(milliseconds(100)) + EndPacer::kLongest);
}

}  // namespace
}  // namespace viaduct::server
