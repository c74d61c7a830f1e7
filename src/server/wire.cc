#include "server/wire.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clip.h"

namespace viaduct::server {

namespace {

constexpr size_t kLongestId = 64;

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

std::string error_body(const std::string& sentence) {
  const std::string bounded = clipped(sentence, kLongestSentence);
  return dump_json({{"Err", bounded}, {"Error", bounded}});
}

Result<std::string> read_id(const JsonReader& reader, const char* key) {
  std::string id = TRY(reader.required_string(key));
  if (id.size() > kLongestId || !std::all_of(id.begin(), id.end(), is_letter_or_digit))
    return invalid_argument(fmt::format("{}.{} is not an id of the engine: 1 to {} letters and digits",
                                        reader.where(), key, kLongestId));
  return id;
}

}  // namespace viaduct::server
