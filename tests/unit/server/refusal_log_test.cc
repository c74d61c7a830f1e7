#include "server/refusal_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <sstream>

#include "base/unique_fd.h"

namespace viaduct::server {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

class RefusalLogTest : public testing::Test {
 protected:
  RefusalLogTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    read_.reset(ends[0]);
    write_.reset(ends[1]);
  }
  std::vector<std::string> lines() {
    write_.reset();
    std::string all(65536, '\0');
    const ssize_t got = ::read(read_.get(), all.data(), all.size());
    std::istringstream stream(all.substr(0, static_cast<size_t>(std::max<ssize_t>(got, 0))));
    std::vector<std::string> out;
    for (std::string line; std::getline(stream, line);) out.push_back(line);
    return out;
  }

  UniqueFd read_;
  UniqueFd write_;
  const RefusalLog::Time start_{1h};
};

TEST_F(RefusalLogTest, Flood_IsOneLineASecondWithACount) {
  Logger log(write_.get(), LogLevel::kInfo, LogFormat::kText);
  RefusalLog refusals(log, "plugin");
  for (int i = 0; i < 1000; ++i) refusals.note(413, "too large", start_ + i * 1ms);
  refusals.note(408, "too slow", start_ + 1s);
  refusals.note(411, "no length", start_ + 2s);
  EXPECT_THAT(
      lines(),
      ElementsAre(
          EndsWith(R"(level=warning msg="request refused" status=413 socket=plugin error="too large")"),
          EndsWith(
              R"(level=warning msg="request refused" status=408 socket=plugin left_out=999 error="too slow")"),
          EndsWith(R"(level=warning msg="request refused" status=411 socket=plugin error="no length")")));
}

TEST_F(RefusalLogTest, AnswersInALateHandlersPlace_AreNeverLeftOut) {
  Logger log(write_.get(), LogLevel::kInfo, LogFormat::kText);
  RefusalLog refusals(log, "plugin");
  refusals.note(400, "malformed", start_);
  refusals.note(200, "late", start_);
  refusals.note(200, "late", start_);
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("request refused"), HasSubstr("not answered in time"),
                                   HasSubstr("not answered in time")));
}

}  // namespace
}  // namespace viaduct::server
