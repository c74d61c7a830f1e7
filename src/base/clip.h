#pragma once

#include <string>
#include <string_view>

namespace viaduct {

// `text` for a sentence or a log line: whole up to `most` bytes, else what fits of it, cut between characters of UTF-8,
// and "...[N bytes]" with its length. What came from outside has no bound of its own, and goes into messages through
// this.
std::string clipped(std::string_view text, size_t most = 64);

}  // namespace viaduct
