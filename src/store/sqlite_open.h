#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/sqlite_folder.h"
#include "store/sqlite_handle.h"
#include "store/sqlite_wal.h"

namespace viaduct::store {

// A checked state of the present schema, and its two connections. The folder outlives both.
struct OpenedState {
  StateFolder folder;
  std::unique_ptr<SqliteWal> wal;  // of the writer
  SqliteHandle writer;
  SqliteHandle reader;
};

// Claims the folder; checks in this order: the folder, its lock, the file's head, application_id, schema
// version, integrity. Then makes the schema (first start) or migrates it forward, keeping a copy. Errors: as
// SqliteStore::open().
Result<OpenedState> open_state(const std::string& folder);

// As SqliteStore::damages(), of a file that is in use.
Result<std::vector<std::string>> find_damages(const std::string& file);

// As SqliteStore::step_back().
Status step_back_state(const std::string& folder);

}  // namespace viaduct::store
