#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"

// Reading the daemon's answers, where nothing throws: a member that is absent or of another type, as an older
// or newer daemon may send it, reads as nothing.
namespace viaduct::ctl {

// A string as it is, a number as digits, else "".
std::string text_field(const Json& object, const char* key);

// A whole number that is not negative, else 0.
uint64_t count_field(const Json& object, const char* key);

// A whole number, else 0.
int64_t integer_field(const Json& object, const char* key);

enum class Flag { kOff, kOn };
Flag flag_field(const Json& object, const char* key);

// The array, else an empty one that lives for ever.
const Json& list_field(const Json& object, const char* key);

// Indented, in ASCII, with a newline at the end. Strings of other programs cannot make it fail.
std::string pretty(const Json& value);

// The object, else an empty one that lives for ever.
const Json& object_field(const Json& object, const char* key);

}  // namespace viaduct::ctl
