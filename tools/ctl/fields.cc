#include "tools/ctl/fields.h"

namespace viaduct::ctl {

namespace {

const Json* find(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto member = object.find(key);
  return member == object.end() ? nullptr : &*member;
}

}  // namespace

std::string text_field(const Json& object, const char* key) {
  const Json* member = find(object, key);
  if (member == nullptr) return "";
  if (member->is_string()) return member->get<std::string>();
  return member->is_number() ? member->dump() : "";
}

uint64_t count_field(const Json& object, const char* key) {
  const Json* member = find(object, key);
  if (member == nullptr || !member->is_number_integer()) return 0;
  if (!member->is_number_unsigned() && member->get<int64_t>() < 0) return 0;
  return member->get<uint64_t>();
}

int64_t integer_field(const Json& object, const char* key) {
  const Json* member = find(object, key);
  return member != nullptr && member->is_number_integer() ? member->get<int64_t>() : 0;
}

Flag flag_field(const Json& object, const char* key) {
  const Json* member = find(object, key);
  return member != nullptr && member->is_boolean() && member->get<bool>() ? Flag::kOn : Flag::kOff;
}

const Json& list_field(const Json& object, const char* key) {
  static const Json kNone = Json::array();
  const Json* member = find(object, key);
  return member != nullptr && member->is_array() ? *member : kNone;
}

std::string pretty(const Json& value) {
  return value.dump(2, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace) + "\n";
}

const Json& object_field(const Json& object, const char* key) {
  static const Json kNone = Json::object();
  const Json* member = find(object, key);
  return member != nullptr && member->is_object() ? *member : kNone;
}

}  // namespace viaduct::ctl
