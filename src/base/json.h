#pragma once

#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Strict reading of JSON that came from outside. Nothing here throws, and nothing re-dumps what a client sent.
namespace viaduct {

using Json = nlohmann::json;

// Deepest nesting that is read. The engine's bodies nest 5 levels.
inline constexpr int kMaxJsonDepth = 32;

// The one object in `text`. Errors, kInvalidArgument: empty, not JSON, not UTF-8, more than one value, not an object,
// deeper than kMaxJsonDepth, or a key twice in one object (which of the two was meant cannot be known).
Result<Json> parse_json_object(std::string_view text);

// Of a text that may be anything: how deep its brackets nest, and, if it is JSON, how many members its objects have together.
struct JsonShape {
  int depth = 0;
  size_t members = 0;
};
JsonShape json_shape(std::string_view text);

// Reads the members of one object. `where` names it in messages ("CreateEndpoint.Interface").
// The object must outlive the reader.
class JsonReader {
 public:
  // Error: kInvalidArgument when `value` is no object.
  static Result<JsonReader> of(const Json& value, std::string where);

  // A member that must be there and hold a non-empty string.
  [[nodiscard]] Result<std::string> required_string(const char* key) const;
  // Absent and null read as "". Error: any type but string.
  [[nodiscard]] Result<std::string> string_or_empty(const char* key) const;
  // Absent and null read as `fallback`. Error: any type but boolean.
  [[nodiscard]] Result<bool> bool_or(const char* key, bool fallback) const;
  // Absent and null read as `fallback`. Error: not a whole number, or outside [least, most].
  [[nodiscard]] Result<int64_t> integer_or(const char* key, int64_t fallback, int64_t least,
                                           int64_t most) const;
  // Absent and null read as an empty map. Error: not an object, or a member that is no string.
  [[nodiscard]] Result<std::map<std::string, std::string>> string_map(const char* key) const;
  // Null when absent or null. Error: not an object.
  [[nodiscard]] Result<const Json*> object(const char* key) const;
  // Null when absent or null. Error: not an array.
  [[nodiscard]] Result<const Json*> array(const char* key) const;

  // Error: the object has a member of another name; the message names those that are known.
  [[nodiscard]] Status only(std::initializer_list<const char*> keys) const;

  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  JsonReader(const Json& value, std::string where) : value_(&value), where_(std::move(where)) {}
  [[nodiscard]] const Json* find(const char* key) const;
  [[nodiscard]] Error wrong_type(const char* key, std::string_view wanted, const Json& got) const;

  const Json* value_;
  std::string where_;
};

// Compact text of a document that we built; invalid UTF-8 in its strings is replaced, so that it cannot fail.
std::string dump_json(const Json& value);

}  // namespace viaduct
