#include "store/store.h"

#include <fmt/format.h>

#include "base/json.h"

namespace viaduct::store {

std::string_view table_name(Table table) {
  switch (table) {
    case Table::kMeta: return "meta";
    case Table::kPool: return "pool";
    case Table::kAddress: return "address";
    case Table::kNetwork: return "network";
    case Table::kEndpoint: return "endpoint";
    case Table::kReservation: return "reservation";
  }
  return "meta";
}

namespace {

bool is_object(const std::string& text) {
  // nlohmann takes a NUL for the end of the text.
  return !text.empty() && text.front() == '{' && text.find('\0') == std::string::npos && Json::accept(text);
}

Error refused(Table table, const std::string& key, std::string_view why) {
  return invalid_argument(
      fmt::format("{} \"{}\" cannot be stored: {}", table_name(table), key.substr(0, 200), why));
}

}  // namespace

Write put_object(Table table, std::string key, const Json& value) {
  return {table, std::move(key), dump_json(value), value.is_object()};
}

Write put_object(Table table, std::string key, ObjectText value) {
  return {table, std::move(key), std::move(value).take(), /*spelt_here=*/true};
}

Status check_transaction(const Transaction& transaction) {
  for (const auto& write : transaction.writes) {
    if (write.key.empty()) return refused(write.table, write.key, "its key is empty; give it one");
    if (write.key.size() > kMaxKeyBytes)
      return refused(write.table, write.key,
                     fmt::format("its key is longer than {} bytes; use a shorter one", kMaxKeyBytes));
    if (!write.value.has_value()) continue;
    const std::string& value = *write.value;
    if (value.size() > kMaxValueBytes)
      return refused(write.table, write.key,
                     fmt::format("its value is longer than {} bytes; store less", kMaxValueBytes));
    if (!write.spelt_here && !is_object(value))
      return refused(write.table, write.key, "its value is not a JSON object; store an object");
    if (json_shape(value).depth > kMaxJsonDepth)
      return refused(write.table, write.key,
                     fmt::format("its value nests deeper than {} levels; flatten it", kMaxJsonDepth));
  }
  return {};
}

Error condition_failed(const Condition& condition) {
  const bool wanted = condition.kind == Condition::Kind::kExists;
  return conflict(fmt::format("{} \"{}\" {}; read it again and decide anew", table_name(condition.table),
                              condition.key, wanted ? "does not exist any more" : "exists already"));
}

}  // namespace viaduct::store
