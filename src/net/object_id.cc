#include "net/object_id.h"

#include <fmt/format.h>

#include <algorithm>

namespace viaduct::net {

namespace {

constexpr size_t kShownCharacters = 12;
constexpr size_t kLongestId = 64;

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

std::string short_id(const std::string& id) {
  return id.substr(0, kShownCharacters);
}

Status check_id(const char* what, const std::string& id) {
  if (id.empty()) return invalid_argument(fmt::format("the {} id is empty; name the {}", what, what));
  if (id.size() > kLongestId)
    return invalid_argument(fmt::format("the {} id has {} characters; the engine makes them of at most {}",
                                        what, id.size(), kLongestId));
  if (!std::all_of(id.begin(), id.end(), is_letter_or_digit))
    return invalid_argument(fmt::format(
        "the {} id holds a character that is neither letter nor digit; use the engine's id", what));
  return {};
}

}  // namespace viaduct::net
