#pragma once

#include <map>
#include <mutex>

#include "store/store.h"

namespace viaduct::store {

// Forgets everything at its end. For tests; keeps every promise of the seam but durability.
class MemoryStore final : public Store {
 public:
  Status commit(const Transaction& transaction) override;
  Result<std::optional<std::string>> get(Table table, const std::string& key) override;
  Status scan(Table table, const std::function<void(const Row&)>& visit) override;

 private:
  std::mutex mutex_;
  std::map<Table, std::map<std::string, std::string>> tables_;
};

}  // namespace viaduct::store
