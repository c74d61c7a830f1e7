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
#include "store/sqlite_wal.h"
#include "store/store.h"

namespace viaduct::store {

// The writing connection. A caller that finds nobody at work leads: it takes everything that waits, applies each
// transaction and commits them together on its own thread; those that come meanwhile wait, and the first of them leads
// next. One flush a turn, no timer and no thread between: a lone caller waits for exactly one flush.
class SqliteWriter {
 public:
  // `file` is for messages. Errors: from preparing the statements, kCorrupt when the schema lacks a table.
  static Result<std::unique_ptr<SqliteWriter>> start(std::unique_ptr<SqliteWal> wal, SqliteHandle db,
                                                     std::string file, SqliteOptions options);
  // No commit() may run any more. Closes the connection.
  ~SqliteWriter();
  SqliteWriter(const SqliteWriter&) = delete;
  SqliteWriter& operator=(const SqliteWriter&) = delete;

  // As Store::commit() after check_transaction(). Any thread.
  Status commit(const Transaction& transaction);
  [[nodiscard]] SqliteCounts counts() const { return {transactions_, flushes_}; }

 private:
  using Moment = std::chrono::steady_clock::time_point;

  // A caller in commit(). Shared, because whoever wakes it touches it after it may have left.
  struct Entry {
    enum class Call { kNone, kLead, kAnswered };
    explicit Entry(const Transaction& wanted) : transaction(&wanted) {}
    void wake(Call reason);
    Call wait();

    const Transaction* transaction;
    const Moment entered = std::chrono::steady_clock::now();
    std::optional<Status> outcome;  // of the leader, until wake(kAnswered)
    std::mutex mutex;
    std::condition_variable changed;
    Call call = Call::kNone;
  };
  using Batch = std::vector<std::shared_ptr<Entry>>;

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

  SqliteWriter(std::unique_ptr<SqliteWal> wal, SqliteHandle db, std::string file, SqliteOptions options);
  Status prepare();

  // The turn of the first in the queue: one batch, then somebody else leads.
  void lead();
  // Names the next leader, if there is work, and wakes it.
  void pass_on(std::unique_lock<std::mutex> lock);
  // The thread that leads when a checkpoint is due: the caller whose commit made it so has its answer by then.
  void keep_house();
  // Sets the outcome of each entry, except of those that may still wait for another process's lock.
  void process(const Batch& batch);
  // Grows with each commit to the file, whoever makes it.
  unsigned data_version();
  Status apply_all(const Batch& batch);
  Status apply(const Transaction& transaction);
  Status apply_in_savepoint(Entry& entry);
  Status run_statement(Statement& statement);
  void roll_back();
  void fail(const Batch& batch, const Error& error);
  void forget_failed_commit();

  static int on_busy(void* self, int calls);
  static int on_wal_commit(void* self, sqlite3* db, const char* name, int frames);

  const SqliteOptions options_;
  const std::string attempt_;
  const std::unique_ptr<SqliteWal> wal_;
  SqliteHandle db_;
  std::array<TableStatements, std::size(kAllTables)> tables_;
  BatchStatements statements_;

  // Of whoever leads.
  Moment give_up_at_{};
  unsigned version_ = 0;  // data_version() after the last commit
  int wal_frames_ = 0;
  int checkpointed_frames_ = 0;

  std::atomic<uint64_t> transactions_{0};
  std::atomic<uint64_t> flushes_{0};

  std::mutex mutex_;
  std::condition_variable house_;
  std::deque<std::shared_ptr<Entry>> queue_;  // in the order of commit()
  bool led_ = false;                          // somebody uses the connection
  bool checkpointing_ = false;                // and that is the housekeeper
  bool stopping_ = false;
  std::thread housekeeper_;
};

}  // namespace viaduct::store
