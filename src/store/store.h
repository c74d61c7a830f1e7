#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/json_text.h"
#include "base/result.h"

// The seam to what remembers. Every backend passes tests/contract/store/store_contract_test.cc.
namespace viaduct::store {

// One table a kind of record. Values are JSON objects, keys are text; what a record holds is told where it is
// made (ipam/records.h, net/records.h) and, for operators, in docs/state.md.
enum class Table { kMeta, kPool, kAddress, kNetwork, kEndpoint, kReservation };
inline constexpr Table kAllTables[] = {Table::kMeta,    Table::kPool,     Table::kAddress,
                                       Table::kNetwork, Table::kEndpoint, Table::kReservation};
// The name an operator sees: "meta", "pool", "address", "network", "endpoint", "reservation".
std::string_view table_name(Table table);

struct Row {
  std::string key;
  std::string value;  // a JSON object, compact
};

// Holds if the key exists (kExists) or does not (kAbsent) when the transaction is applied.
struct Condition {
  enum class Kind { kExists, kAbsent };
  Table table;
  std::string key;
  Kind kind;
};

// Puts `value` under the key, or removes the key when value is empty. Removing what is not there is no error.
struct Write {
  Table table;
  std::string key;
  std::optional<std::string> value;
  // `value` was spelt by viaduct itself as one JSON object in UTF-8, and is not read again to see whether it is. Set by put_object().
  bool spelt_here = false;
};
// `value` is an object.
Write put_object(Table table, std::string key, const Json& value);
Write put_object(Table table, std::string key, ObjectText value);

// All writes happen, or none does.
struct Transaction {
  std::vector<Condition> conditions;
  std::vector<Write> writes;
};

// Longer ones are refused. The largest record known is a network with all its options, a few KiB.
inline constexpr size_t kMaxKeyBytes = 1024;
inline constexpr size_t kMaxValueBytes = 1 << 20;

class Store {
 public:
  virtual ~Store() = default;

  // Returns ok only after the writes are durable: they survive kill -9 and the loss of power. Transactions
  // apply in the order in which commit() was entered by one thread; concurrent ones may share one flush to
  // disk. Blocks. Any thread. Errors: kConflict, a condition does not hold (the message names table and key);
  // kUnavailable, the disk or the cluster refused (full, read-only, locked, away); kCorrupt, damage was met;
  // kInvalidArgument, see check_transaction(). After an error nothing of the transaction is visible, now or
  // after reopening.
  virtual Status commit(const Transaction& transaction) = 0;

  // The value under a key as of the last commit; empty if there is none. Errors: kUnavailable, kCorrupt. Any
  // thread.
  virtual Result<std::optional<std::string>> get(Table table, const std::string& key) = 0;

  // Every row of the table in ascending order of key (bytes), as of one moment. The visitor must not call the
  // store. Errors: kUnavailable, kCorrupt. Any thread.
  virtual Status scan(Table table, const std::function<void(const Row&)>& visit) = 0;

  // What of the stored data is damaged, one sentence each, the first ten; empty where all is well, or where the backend has
  // nothing that could be. Reads all of it and holds up no other method: for an operator, not for a call's path. Errors:
  // kUnavailable, it could not be looked at. Any thread.
  virtual Result<std::vector<std::string>> damages() { return std::vector<std::string>(); }
};

// For backends. What every backend refuses before it looks at the data, kInvalidArgument: an empty key, a
// value that is not one JSON object in UTF-8 (unless it was spelt here), one beyond the limits above or nested deeper than
// kMaxJsonDepth. Pure.
Status check_transaction(const Transaction& transaction);
// For backends. The kConflict of a condition that does not hold.
Error condition_failed(const Condition& condition);

}  // namespace viaduct::store
