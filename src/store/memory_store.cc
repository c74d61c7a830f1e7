#include "store/memory_store.h"

namespace viaduct::store {

Status MemoryStore::commit(const Transaction& transaction) {
  TRY(check_transaction(transaction));
  const std::scoped_lock lock(mutex_);
  for (const auto& condition : transaction.conditions) {
    const bool exists = tables_[condition.table].contains(condition.key);
    if (exists != (condition.kind == Condition::Kind::kExists)) return condition_failed(condition);
  }
  for (const auto& write : transaction.writes) {
    auto& rows = tables_[write.table];
    if (write.value.has_value())
      rows.insert_or_assign(write.key, *write.value);
    else
      rows.erase(write.key);
  }
  return {};
}

Result<std::optional<std::string>> MemoryStore::get(Table table, const std::string& key) {
  const std::scoped_lock lock(mutex_);
  const auto& rows = tables_[table];
  const auto row = rows.find(key);
  if (row == rows.end()) return std::optional<std::string>();
  return std::optional<std::string>(row->second);
}

Status MemoryStore::scan(Table table, const std::function<void(const Row&)>& visit) {
  const std::scoped_lock lock(mutex_);
  for (const auto& [key, value] : tables_[table]) visit(Row{key, value});
  return {};
}

}  // namespace viaduct::store
