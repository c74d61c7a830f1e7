#include "server/http_framing.h"

#include <gtest/gtest.h>

#include <string>

namespace viaduct::server {
namespace {

constexpr size_t kHeader = 16 * 1024;
constexpr size_t kBody = 1024 * 1024;

Framing frame_of(const std::string& bytes) {
  return frame(bytes, kHeader, kBody);
}

TEST(EmptyHost, IsToldFromANameAndFromNone) {
  const std::string rest = "Content-Length: 2\r\n\r\nHost:\r\n";
  for (const char* head : {"Host: \r\n", "host:\r\n", "A: b\r\nHost: \t\r\n"})
    EXPECT_TRUE(has_empty_host("POST /X HTTP/1.1\r\n" + std::string(head) + rest)) << head;
  for (const char* head : {"", "Host: a\r\n", "Host\r\n", "Hosts: \r\n"})
    EXPECT_FALSE(has_empty_host("POST /X HTTP/1.1\r\n" + std::string(head) + rest)) << head;
}

TEST(HttpFraming, WholeRequest_IsCompleteAndCountsHeaderAndBody) {
  const std::string request = "POST /X HTTP/1.1\r\nHost: \r\nContent-Length: 2\r\n\r\n{}";
  const Framing framing = frame_of(request + "POST /next");
  EXPECT_EQ(framing.state, Framing::State::kComplete);
  EXPECT_EQ(framing.length, request.size());
}

TEST(HttpFraming, EveryProperBeginningOfARequest_IsIncomplete) {
  const std::string request = "POST /X HTTP/1.1\r\nHost: a\r\ncontent-length:  3 \r\n\r\nabc";
  for (size_t size = 0; size < request.size(); ++size)
    EXPECT_EQ(frame_of(request.substr(0, size)).state, Framing::State::kIncomplete) << size;
  EXPECT_EQ(frame_of(request).state, Framing::State::kComplete);
}

TEST(HttpFraming, NoContentLength_MeansNoBody) {
  const Framing framing = frame_of("GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(framing.state, Framing::State::kComplete);
}

struct Refusal {
  const char* what;
  std::string bytes;
  int status;
};

class HttpFramingRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(HttpFramingRefusal, IsRefusedWithItsStatusAndASentence) {
  const Framing framing = frame_of(GetParam().bytes);
  EXPECT_EQ(framing.state, Framing::State::kRefused) << GetParam().what;
  EXPECT_EQ(framing.status, GetParam().status) << GetParam().what;
  EXPECT_FALSE(framing.sentence.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Table, HttpFramingRefusal,
    testing::Values(Refusal{"chunked", "POST /X HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411},
                    Refusal{"two lengths",
                            "POST /X HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
                    Refusal{"negative length", "POST /X HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
                    Refusal{"length in words", "POST /X HTTP/1.1\r\nContent-Length: two\r\n\r\n", 400},
                    Refusal{"length beyond 64 bits",
                            "POST /X HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
                    Refusal{"body too large", "POST /X HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", 413},
                    Refusal{"header without colon", "POST /X HTTP/1.1\r\nnonsense\r\n\r\n", 400},
                    Refusal{"compressed body", "POST /X HTTP/1.1\r\nContent-Encoding: gzip\r\n\r\n", 415},
                    Refusal{"part of the reply", "POST /X HTTP/1.1\r\nrange: bytes=0-1\r\n\r\n", 400},
                    Refusal{"long path", "POST /" + std::string(600, 'x') + " HTTP/1.1\r\n\r\n", 414},
                    Refusal{"header without end", "POST /X HTTP/1.1\r\nA: " + std::string(20000, 'x'), 431}));

}  // namespace
}  // namespace viaduct::server
