#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Values as people read them. ASCII only; pure.
namespace viaduct::ctl {

enum class IdLength { kShort, kWhole };

// The first 12 characters, as docker shortens ids; the whole id for kWhole.
std::string shown_id(std::string_view id, IdLength length);

// Every byte but printable ASCII becomes '?': names come from the engine's users and must not reach the
// terminal's escape sequences.
std::string ascii(std::string_view text);

// The daemon's count for "2^64 - 1 or more" becomes words; every other number stays as it is.
std::string shown_count(uint64_t count);

// "[###---------]" with `width` places between the brackets. Empty only for nothing used, full only for
// nothing free. Precondition: width >= 2.
std::string bar(uint64_t used, uint64_t capacity, int width);

// "4.7 %"; "<0.1 %" for little, "-" for a capacity of 0.
std::string percent(uint64_t used, uint64_t capacity);

// The two largest units: "3 h 12 min".
std::string duration(uint64_t seconds);

// `text` in lines of `width` columns at most, each behind `indent` spaces and with a newline; broken at spaces
// alone, so that a word that is too long makes its line longer.
std::string wrapped(std::string_view text, size_t indent, size_t width);

// "12.3 ms", "850 us".
std::string microseconds(uint64_t count);

}  // namespace viaduct::ctl
