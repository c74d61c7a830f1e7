#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/json.h"
#include "base/unique_fd.h"

namespace viaduct {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

constexpr std::string_view kTime = "2026-11-23T16:09:47.123Z";

std::string text_line(std::string_view message, const std::vector<LogField>& fields) {
  return format_log_line(LogFormat::kText, LogLevel::kInfo, kTime, message, fields);
}

TEST(FormatLogLine, Text_QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(
      text_line("address given", {{"pool", "local/10.0.0.0/24"}, {"name", "my db"}, {"empty", ""}}),
      R"(time=2026-11-23T16:09:47.123Z level=info msg="address given" pool=local/10.0.0.0/24 name="my db" empty="")");
}

TEST(FormatLogLine, TextFromOutside_CannotForgeALineOrAField) {
  const std::string line =
      text_line("x\nlevel=error", {{"name", "a\nb"}, {"other", "c=\"d\" e"}, {"slash", "\\"}});
  EXPECT_THAT(line, Not(HasSubstr("\n")));
  EXPECT_THAT(line, HasSubstr(R"(name="a\nb" other="c=\"d\" e" slash="\\")"));
}

TEST(FormatLogLine, ControlAndForeignCharacters_AreEscaped) {
  const std::string line =
      text_line("m", {{"a", "\x1b[31m"}, {"b", "\x7f"}, {"c", "\xc2\x9b"}, {"d", "\xff"}});
  for (const char c : line) EXPECT_TRUE(c >= ' ' && c < 0x7f) << line;
}

TEST(FormatLogLine, Json_IsOneObjectThatReadsBack) {
  const std::string line =
      format_log_line(LogFormat::kJson, LogLevel::kWarning, kTime, "a \"b\"\n", {{"key", "v\x01\\"}});
  const auto parsed = parse_json_object(line);
  ASSERT_TRUE(parsed.ok()) << line;
  EXPECT_EQ(parsed.value().at("time"), kTime);
  EXPECT_EQ(parsed.value().at("level"), "warning");
  EXPECT_EQ(parsed.value().at("msg"), "a \"b\"\n");
  EXPECT_EQ(parsed.value().at("key"), "v\x01\\");
}

// A line is written whole or not at all only up to PIPE_BUF bytes with its newline.
TEST(FormatLogLine, ValuesWithoutBound_LeaveTheLineWholeAndWhatGoesFirst) {
  for (const char filler : {'x', '\x01', '\xff'}) {
    const std::string junk(6000, filler);
    for (const std::string& message : {std::string("NetworkDriver.Join"), junk}) {
      const std::vector<LogField> fields = {
          {"us", "17"}, {"outcome", "ok"}, {"pool", junk}, {"address", junk}};
      const std::string json = format_log_line(LogFormat::kJson, LogLevel::kInfo, kTime, message, fields);
      EXPECT_LT(json.size(), static_cast<size_t>(PIPE_BUF));
      const auto parsed = parse_json_object(json);
      ASSERT_TRUE(parsed.ok()) << json;
      const std::string text = text_line(message, fields);
      EXPECT_LT(text.size(), static_cast<size_t>(PIPE_BUF));
      EXPECT_EQ(std::count(text.begin(), text.end(), '"') % 2, 0) << text;
      if (message == junk) continue;
      EXPECT_EQ(parsed.value().at("us"), "17");
      EXPECT_EQ(parsed.value().at("outcome"), "ok");
      EXPECT_THAT(parsed.value().at("pool").get<std::string>(), HasSubstr("...[6000 bytes]"));
      EXPECT_THAT(text, HasSubstr(" us=17 outcome=ok pool="));
    }
  }
}

TEST(FormatLogLine, FieldsThatStillFit_FollowOneThatDoesNot) {
  std::vector<std::string> keys;
  for (int i = 0; i < 200; ++i) keys.push_back("key" + std::to_string(i));
  std::vector<LogField> fields;
  for (const auto& key : keys) fields.push_back({key, std::string(40, 'x')});
  const auto line = format_log_line(LogFormat::kJson, LogLevel::kInfo, kTime, "m", fields);
  EXPECT_LT(line.size(), static_cast<size_t>(PIPE_BUF));
  EXPECT_GT(line.size(), 3800U);
  EXPECT_TRUE(parse_json_object(line).ok()) << line;
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
  Pipe() {
    int fds[2] = {-1, -1};
    EXPECT_EQ(::pipe(fds), 0);
    read.reset(fds[0]);
    write.reset(fds[1]);
  }
  std::string drain() {
    write.reset();
    std::string out;
    char buffer[4096];
    for (ssize_t got = ::read(read.get(), buffer, sizeof buffer); got > 0;
         got = ::read(read.get(), buffer, sizeof buffer))
      out.append(buffer, static_cast<size_t>(got));
    return out;
  }
};

TEST(Logger, BelowItsLevel_WritesNothing) {
  Pipe pipe;
  Logger logger(pipe.write.get(), LogLevel::kWarning, LogFormat::kText);
  logger.log(LogLevel::kDebug, "no");
  logger.log(LogLevel::kInfo, "no");
  logger.log(LogLevel::kWarning, "one");
  logger.log(LogLevel::kError, "two");
  EXPECT_THAT(
      pipe.drain(),
      MatchesRegex("time=[0-9T:.-]+Z level=warning msg=\"one\"\ntime=[0-9T:.-]+Z level=error msg=\"two\"\n"));
}

TEST(Logger, ManyThreads_WriteWholeLines) {
  Pipe pipe;
  Logger logger(pipe.write.get(), LogLevel::kInfo, LogFormat::kJson);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&logger] {
      for (int n = 0; n < 50; ++n) logger.log(LogLevel::kInfo, "line", {{"pad", std::string(40, 'x')}});
    });
  for (auto& thread : threads) thread.join();
  std::istringstream lines(pipe.drain());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    EXPECT_TRUE(parse_json_object(line).ok()) << line;
  EXPECT_EQ(count, 200);
}

}  // namespace
}  // namespace viaduct
