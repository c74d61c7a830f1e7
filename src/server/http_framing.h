#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace viaduct::server {

// Where a request ends in a stream of bytes. Pure. Understands just enough of RFC 9112 for that; the library parses
// the request proper once it is whole.
struct Framing {
  enum class State { kIncomplete, kComplete, kRefused };
  State state = State::kIncomplete;
  size_t length = 0;          // kComplete: bytes of the request, header and body
  int status = 400;           // kRefused
  std::string_view sentence;  // kRefused: static text
};

// `bytes` starts at a request. Refuses what is ambiguous or unbounded: a header larger than `header_bytes` (431), a body
// larger than `body_bytes` (413), Transfer-Encoding (411: the engine always sends a length), two lengths or one that is
// no number (400). An empty Host header is fine: engine 20.10 sends one on unix sockets (trap T1).
Framing frame(std::string_view bytes, size_t header_bytes, size_t body_bytes);
// Whether a whole request has such a header: the library forgets it.
bool has_empty_host(std::string_view request);

}  // namespace viaduct::server
