#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace viaduct::server {

// What a plugin call answers, as the engine reads it. Always status 200 with a body: a status of its own would make the
// engine show raw text, and an empty body is an error to it (traps T4 and T5).

// Values are clipped where a sentence is written; this bounds what escapes that.
inline constexpr size_t kLongestSentence = 1000;

// {"Err": m, "Error": m}: the network half reads the first, IPAM the second. A longer sentence is clipped.
std::string error_body(const std::string& sentence);

// An id of the engine: 64 hex digits, 25 of base 36 from Swarm (trap T25); letters and digits, 1 to 64 of them.
// Errors: kInvalidArgument, naming the member.
Result<std::string> read_id(const JsonReader& reader, const char* key);

}  // namespace viaduct::server
