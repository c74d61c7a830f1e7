#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "store/store.h"

namespace viaduct::store {

struct SqliteOptions {
  // How long a commit waits, from its entry, for a lock that another process holds on the file; then
  // kUnavailable. Under the engine's patience of about 10 s, so that the call still gets its answer.
  std::chrono::milliseconds lock_patience{8000};
};

struct SqliteCounts {
  uint64_t transactions = 0;  // that are durable
  uint64_t flushes = 0;       // commits of SQLite, which they shared
};

// The embedded store: one SQLite file, `<folder>/state.db`, WAL mode, synchronous=FULL. Concurrent commits
// share one transaction of SQLite and with it one flush (group commit, sqlite_writer.h).
//
// The schema's version stands in PRAGMA user_version; docs/state.md describes tables and columns, which an
// operator may read with sqlite3 while the daemon runs.
class SqliteStore final : public Store {
 public:
  // Makes the folder (mode 0700) and the file when they are missing: that is a first start. A file that is
  // there is checked (schema version, PRAGMA integrity_check) and migrated forward, a copy `state.db.vN`
  // being kept before. One process at a time: the folder is locked (flock on `<folder>/lock`) until the store
  // is destroyed. Errors, none of which changes the file: kCorrupt, damaged or not a database of viaduct;
  // kUnsupported, of a newer viaduct; kBusy, another process holds the folder; kPermission, kUnavailable.
  // Each message names the file and says what to do.
  static Result<std::unique_ptr<SqliteStore>> open(const std::string& folder, SqliteOptions options = {});

  // Rewrites the state to the schema before the present one, for the return to an older viaduct; a copy
  // `state.db.vN` is kept before. The folder must not be in use. Errors: as open(); kUnsupported, it has the
  // oldest schema; kNotFound, it holds no state. After an error the schema is as it was.
  static Status step_back(const std::string& folder);

  // No call may run any more. Leaves state.db without a WAL.
  ~SqliteStore() override;

  // After a failed flush (fdatasync) the kernel does not tell what reached the disk. The commit fails with
  // kUnavailable and the writer truncates the WAL at once; only if that fails too and the machine dies before
  // the next commit can the refused transaction be there after reopening, and then whole.
  Status commit(const Transaction& transaction) override;
  Result<std::optional<std::string>> get(Table table, const std::string& key) override;
  Status scan(Table table, const std::function<void(const Row&)>& visit) override;
  // PRAGMA integrity_check on a connection of its own. An error of SQLite that means damage is damage, not an error.
  Result<std::vector<std::string>> damages() override;

  // Since open(). Any thread.
  [[nodiscard]] SqliteCounts counts() const;

 private:
  class Impl;
  struct Reader;
  explicit SqliteStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::store
