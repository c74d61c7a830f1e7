#include "base/clip.h"

#include <fmt/format.h>

namespace viaduct {

namespace {

bool continues_a_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

}  // namespace

std::string clipped(std::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  size_t end = most;
  // A character has at most three bytes of continuation; more are no UTF-8 and are cut anywhere.
  for (int steps = 0; steps < 3 && end > 0 && continues_a_character(text[end]); ++steps) --end;
  return fmt::format("{}...[{} bytes]", text.substr(0, end), text.size());
}

}  // namespace viaduct
