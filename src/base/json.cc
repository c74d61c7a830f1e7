#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "base/clip.h"

namespace viaduct {

namespace {

// Sees every key and bracket before the document is built; says no to what a strict reader must refuse.
class StructureCheck {
 public:
  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (depth >= kMaxJsonDepth) too_deep_ = true;
      if (event == Event::object_start && !too_deep_) keys_.emplace_back();
    } else if (event == Event::object_end) {
      if (!keys_.empty()) keys_.pop_back();
    } else if (event == Event::key && !keys_.empty()) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys_.back().insert(key).second && duplicate_.empty()) duplicate_ = key;
    }
    // Discarding what follows bounds the memory that a hostile body can take.
    return !too_deep_;
  }

  [[nodiscard]] bool too_deep() const { return too_deep_; }
  [[nodiscard]] const std::string& duplicate() const { return duplicate_; }

 private:
  bool too_deep_ = false;
  std::string duplicate_;
  std::vector<std::set<std::string>> keys_;
};

size_t members_of(const Json& value) {
  if (!value.is_structured()) return 0;
  size_t count = value.is_object() ? value.size() : 0;
  for (const Json& inner : value) count += members_of(inner);
  return count;
}

// The object, in half the time, when the text is one that a strict reader takes: as many members are left as were sent, so
// that no key came twice. Empty for all else, which the slow way says what is wrong with.
std::optional<Json> parse_at_once(std::string_view text) {
  const JsonShape shape = json_shape(text);
  if (shape.depth > kMaxJsonDepth) return {};
  Json value = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!value.is_object() || members_of(value) != shape.members) return {};
  return value;
}

}  // namespace

JsonShape json_shape(std::string_view text) {
  JsonShape shape;
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      shape.depth = std::max(shape.depth, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ':') {
      ++shape.members;
    }
  }
  return shape;
}

Result<Json> parse_json_object(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return invalid_argument("the request body is empty; this call needs a JSON object");
  // nlohmann takes a NUL for the end of the text and would ignore what follows.
  if (text.find('\0') != std::string_view::npos)
    return invalid_argument("the request body holds a NUL byte; send one JSON object in UTF-8");
  if (auto value = parse_at_once(text); value.has_value()) return std::move(*value);
  StructureCheck check;
  Json value = Json::parse(
      text.begin(), text.end(),
      [&check](int depth, Json::parse_event_t event, Json& parsed) { return check(depth, event, parsed); },
      /*allow_exceptions=*/false);
  if (check.too_deep())
    return invalid_argument(
        fmt::format("the request body nests deeper than {} levels; no call needs that", kMaxJsonDepth));
  if (value.is_discarded())
    return invalid_argument("the request body is not one JSON value in UTF-8; send a JSON object");
  if (!value.is_object())
    return invalid_argument(
        fmt::format("the request body is a JSON {}; this call needs an object", value.type_name()));
  if (!check.duplicate().empty())
    return invalid_argument(fmt::format(
        "the request body has the key \"{}\" twice in one object; send it once", clipped(check.duplicate())));
  return value;
}

Result<JsonReader> JsonReader::of(const Json& value, std::string where) {
  if (!value.is_object())
    return invalid_argument(fmt::format("{} is a JSON {}; it must be an object", where, value.type_name()));
  return JsonReader(value, std::move(where));
}

const Json* JsonReader::find(const char* key) const {
  const auto member = value_->find(key);
  return member == value_->end() || member->is_null() ? nullptr : &*member;
}

Error JsonReader::wrong_type(const char* key, std::string_view wanted, const Json& got) const {
  return invalid_argument(
      fmt::format("{}.{} is a JSON {}; it must be {}", where_, key, got.type_name(), wanted));
}

Result<std::string> JsonReader::required_string(const char* key) const {
  auto text = string_or_empty(key);
  if (text.ok() && text.value().empty())
    return invalid_argument(fmt::format("{}.{} is missing; it must be a non-empty string", where_, key));
  return text;
}

Result<std::string> JsonReader::string_or_empty(const char* key) const {
  const Json* member = find(key);
  if (member == nullptr) return std::string();
  if (!member->is_string()) return wrong_type(key, "a string", *member);
  return member->get<std::string>();
}

Result<bool> JsonReader::bool_or(const char* key, bool fallback) const {
  const Json* member = find(key);
  if (member == nullptr) return fallback;
  if (!member->is_boolean()) return wrong_type(key, "true or false", *member);
  return member->get<bool>();
}

Result<int64_t> JsonReader::integer_or(const char* key, int64_t fallback, int64_t least, int64_t most) const {
  const Json* member = find(key);
  if (member == nullptr) return fallback;
  if (!member->is_number_integer()) return wrong_type(key, "a whole number", *member);
  const bool huge = member->is_number_unsigned() &&
                    member->get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  const int64_t number = huge ? std::numeric_limits<int64_t>::max() : member->get<int64_t>();
  if (huge || number < least || number > most)
    return invalid_argument(
        fmt::format("{}.{} is out of range; it must be from {} to {}", where_, key, least, most));
  return number;
}

Status JsonReader::only(std::initializer_list<const char*> keys) const {
  for (const auto& [name, member] : value_->items()) {
    const auto same = [&name = name](const char* key) { return name == key; };
    if (std::none_of(keys.begin(), keys.end(), same))
      return invalid_argument(fmt::format("{} has no member \"{}\"; known are {}", where_,
                                          name.substr(0, 100), fmt::join(keys, ", ")));
  }
  return {};
}

Result<std::map<std::string, std::string>> JsonReader::string_map(const char* key) const {
  std::map<std::string, std::string> out;
  const Json* member = TRY(object(key));
  if (member == nullptr) return out;
  for (const auto& [name, value] : member->items()) {
    if (!value.is_string())
      return invalid_argument(fmt::format("{}.{}.{} is a JSON {}; it must be a string", where_, key,
                                          clipped(name), value.type_name()));
    out.emplace(name, value.get<std::string>());
  }
  return out;
}

Result<const Json*> JsonReader::object(const char* key) const {
  const Json* member = find(key);
  if (member != nullptr && !member->is_object()) return wrong_type(key, "an object", *member);
  return member;
}

Result<const Json*> JsonReader::array(const char* key) const {
  const Json* member = find(key);
  if (member != nullptr && !member->is_array()) return wrong_type(key, "an array", *member);
  return member;
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace viaduct
