#include "store/fault_store.h"

namespace viaduct::store {

bool FaultStore::strikes() {
  int left = countdown_.load();
  do {
    if (left <= 0) return false;
  } while (!countdown_.compare_exchange_weak(left, left - 1));
  if (left != 1) return false;
  fired_ = true;
  return true;
}

Status FaultStore::commit(const Transaction& transaction) {
  if (strikes()) return unavailable("the store was told to fail this commit");
  return inner_.commit(transaction);
}

Result<std::optional<std::string>> FaultStore::get(Table table, const std::string& key) {
  if (strikes()) return unavailable("the store was told to fail this read");
  return inner_.get(table, key);
}

Status FaultStore::scan(Table table, const std::function<void(const Row&)>& visit) {
  if (strikes()) return unavailable("the store was told to fail this scan");
  return inner_.scan(table, visit);
}

Result<std::vector<std::string>> FaultStore::damages() {
  if (strikes()) return unavailable("the store was told to fail this look");
  return inner_.damages();
}

}  // namespace viaduct::store
