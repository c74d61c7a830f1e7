#include "server/http_framing.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace viaduct::server {

namespace {

// The library matches paths with a recursive regular expression: its depth grows with the line.
constexpr size_t kRequestLineBytes = 512;

Framing refuse(int status, std::string_view sentence) {
  return {Framing::State::kRefused, 0, status, sentence};
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The next line of a header that ends with "\r\n", taken off it.
std::string_view take_line(std::string_view& header) {
  const size_t end = header.find("\r\n");
  const std::string_view line = header.substr(0, end);
  header.remove_prefix(end + 2);
  return line;
}

}  // namespace

bool has_empty_host(std::string_view request) {
  std::string_view header = request.substr(0, request.find("\r\n\r\n") + 2);
  while (!header.empty()) {
    const std::string_view line = take_line(header);
    const size_t colon = std::min(line.find(':'), line.size());
    if (equal_ignoring_case(line.substr(0, colon), "host"))
      return colon < line.size() && trimmed(line.substr(colon + 1)).empty();
  }
  return false;
}

Framing frame(std::string_view bytes, size_t header_bytes, size_t body_bytes) {
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() > header_bytes)
      return refuse(431,
                    "the request's header is too large; this socket speaks Docker's plugin protocol only");
    return {};
  }
  if (end > header_bytes)
    return refuse(431, "the request's header is too large; this socket speaks Docker's plugin protocol only");

  std::string_view header = bytes.substr(0, end + 2);
  if (header.find("\r\n") > kRequestLineBytes)
    return refuse(414, "the request's path is too long; the longest one of a plugin has 50 characters");
  take_line(header);  // of the request
  std::optional<size_t> length;
  while (!header.empty()) {
    const std::string_view line = take_line(header);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return refuse(400, "a header line has no colon");
    const std::string_view name = line.substr(0, colon);
    if (equal_ignoring_case(name, "transfer-encoding"))
      return refuse(411, "the request has no Content-Length; send the body in one piece, not chunked");
    if (equal_ignoring_case(name, "content-encoding"))
      return refuse(415, "the request's body is compressed; send it as it is");
    if (equal_ignoring_case(name, "range"))
      return refuse(400, "a reply is sent whole; leave out the Range header");
    if (!equal_ignoring_case(name, "content-length")) continue;
    if (length) return refuse(400, "the request has two Content-Length headers; send one");
    const std::string_view digits = trimmed(line.substr(colon + 1));
    size_t value = 0;
    const auto [stop, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (problem != std::errc{} || stop != digits.data() + digits.size())
      return refuse(400, "the request's Content-Length is not a number of bytes");
    length = value;
  }
  const size_t body = length.value_or(0);
  if (body > body_bytes)
    return refuse(413, "the request's body is larger than this socket takes; no call needs that much");
  const size_t total = end + 4 + body;
  if (bytes.size() < total) return {};
  return {Framing::State::kComplete, total, 200, {}};
}

}  // namespace viaduct::server
