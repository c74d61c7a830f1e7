#pragma once

#include <sqlite3.h>

#include <string>

#include "base/result.h"

// The versions of the schema and the steps between them. docs/state.md shows the tables to operators.
namespace viaduct::store {

// PRAGMA application_id of every state.db: "VIAD". file(1) and sqlite3 show it.
inline constexpr int kApplicationId = 0x56494144;

// History: 1, five tables of key and value. 2, columns computed from the values, so that people can read the
// rows. 3, table reservation, and addresses that rest (column rest of table address).
inline constexpr int kSchemaVersion = 4;

// Makes the schema of `version` (1 to kSchemaVersion) in an empty database, in one transaction.
Status create_schema(sqlite3* db, int version);

// One version on or back, in one transaction; a failure leaves the version it had. Preconditions: the version
// is that of the database; below kSchemaVersion for forward, above 1 for back.
Status step_forward(sqlite3* db, int version);
Status step_back(sqlite3* db, int version);

// PRAGMA user_version.
Result<int> schema_version(sqlite3* db);

}  // namespace viaduct::store
