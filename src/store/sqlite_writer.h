#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "store/sqlite_handle.h"
#include "store/sqlite_store.h"
#include "store/store.h"

namespace viaduct::store {

// The one thread that writes. It takes everything that waits, applies each transaction in a savepoint of its
// own, and commits them together: one flush, no timer, so a lone caller waits for exactly one flush.
class SqliteWriter {
 public:
  // `file` is for messages. Errors: from preparing the statements, kCorrupt when the schema lacks a table.
  static Result<std::unique_ptr<SqliteWriter>> start(SqliteHandle db, std::string file,
                                                     SqliteOptions options);
  // Commits what was entered, then ends the thread and closes the connection.
  ~SqliteWriter();
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;

  // As Store::commit() after check_transaction(). Any thread.
  Status commit(const Transaction& transaction);
  [[nodiscard]] SqliteCounts counts() const { return {transactions_, flushes_}; }

 private:
  using Moment = std::chrono::steady_clock::time_point;

  // A caller that waits; lives on its stack.
  struct Entry {
    const Transaction* transaction;
    Moment entered;
    std::optional<Status> outcome = std::nullopt;
    bool answered = false;
    std::condition_variable answer = {};
  };
  using Batch = std::vector<Entry*>;

  struct TableStatements {
    Statement exists;
    Statement put;
    Statement remove;
  };
  struct BatchStatements {
    Statement begin;
    Statement commit;
    Statement rollback;
    Statement savepoint;
    Statement release;
    Statement rollback_to;
  };

  SqliteWriter(SqliteHandle db, std::string file, SqliteOptions options);
  Status prepare();

  void run();
  void answer_locked(const Batch& batch);
  // Sets the outcome of each entry, except of those that may still wait for another process's lock.
  void process(const Batch& batch);
  Status apply_all(const Batch& batch);
  Status apply(const Transaction& transaction);
  Status apply_in_savepoint(Entry& entry);
  Status run_statement(Statement& statement);
  void fail(const Batch& batch, const Error& error);
  void forget_failed_commit();
  void checkpoint_if_due(size_t waiting);

  static int on_busy(void* self, int calls);
  static int on_wal_commit(void* self, sqlite3* db, const char* name, int frames);

  const SqliteOptions options_;
  const std::string attempt_;
  SqliteHandle db_;
  std::array<TableStatements, std::size(kAllTables)> tables_;
  BatchStatements statements_;

  // Of the writer thread alone.
  Moment give_up_at_{};
  int wal_frames_ = 0;
  int checkpointed_frames_ = 0;

  std::atomic<uint64_t> transactions_{0};
  std::atomic<uint64_t> flushes_{0};

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Entry*> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace viaduct::store
