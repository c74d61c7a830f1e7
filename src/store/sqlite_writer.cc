#include "store/sqlite_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace viaduct::store {

namespace {

// So that a flood cannot make one commit, and the wait of all in it, arbitrarily long.
constexpr size_t kMaxBatch = 256;

// A checkpoint costs flushes of its own. 1000 frames of 4 KiB (SQLite's default) with nobody waiting; 8000 =
// 32 MiB even under load, so that the WAL stays bounded.
constexpr int kIdleCheckpointFrames = 1000;
constexpr int kForcedCheckpointFrames = 8000;

// How often a lock of another process is tried again.
constexpr std::chrono::milliseconds kLockRetry{5};

}  // namespace

SqliteWriter::SqliteWriter(std::unique_ptr<SqliteWal> wal, SqliteHandle db, std::string file,
                           SqliteOptions options)
    : options_(options),
      attempt_(fmt::format("commit to {}", file)),
      wal_(std::move(wal)),
      db_(std::move(db)) {}

Result<std::unique_ptr<SqliteWriter>> SqliteWriter::start(std::unique_ptr<SqliteWal> wal, SqliteHandle db,
                                                          std::string file, SqliteOptions options) {
  std::unique_ptr<SqliteWriter> writer(
      new SqliteWriter(std::move(wal), std::move(db), std::move(file), options));
  TRY(writer->prepare());
  writer->housekeeper_ = std::thread([raw = writer.get()] { raw->keep_house(); });
  return writer;
}

Status SqliteWriter::prepare() {
  sqlite3* db = db_.get();
  // The tables' check of their values is for whoever else writes to them: check_transaction() has seen these.
  TRY(run_sql(db, "PRAGMA ignore_check_constraints=ON", attempt_));
  for (const Table table : kAllTables) {
    const std::string_view name = table_name(table);
    auto& statements = tables_[static_cast<size_t>(table)];
    statements.exists = TRY(Statement::prepare(db, fmt::format("SELECT 1 FROM {} WHERE key=?1", name)));
    // The key is the whole index, so that this looks for its place once, which an upsert does twice.
    statements.put =
        TRY(Statement::prepare(db, fmt::format("INSERT OR REPLACE INTO {}(key,value) VALUES(?1,?2)", name)));
    statements.remove = TRY(Statement::prepare(db, fmt::format("DELETE FROM {} WHERE key=?1", name)));
  }
  statements_.begin = TRY(Statement::prepare(db, "BEGIN IMMEDIATE"));
  statements_.commit = TRY(Statement::prepare(db, "COMMIT"));
  statements_.rollback = TRY(Statement::prepare(db, "ROLLBACK"));
  statements_.savepoint = TRY(Statement::prepare(db, "SAVEPOINT one"));
  statements_.release = TRY(Statement::prepare(db, "RELEASE one"));
  statements_.rollback_to = TRY(Statement::prepare(db, "ROLLBACK TO one"));
  wal_->start();
  (void)sqlite3_busy_handler(db, &SqliteWriter::on_busy, this);
  // Takes the place of SQLite's automatic checkpoint, which would run while the callers of the commit wait.
  (void)sqlite3_wal_hook(db, &SqliteWriter::on_wal_commit, this);
  return {};
}

SqliteWriter::~SqliteWriter() {
  if (housekeeper_.joinable()) {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    house_.notify_one();
    housekeeper_.join();
  }
  checkpoint_at_close(db_.get());
}

void SqliteWriter::Entry::wake(Call reason) {
  {
    const std::scoped_lock lock(mutex);
    call = reason;
  }
  changed.notify_one();
}

SqliteWriter::Entry::Call SqliteWriter::Entry::wait() {
  std::unique_lock lock(mutex);
  changed.wait(lock, [this] { return call != Call::kNone; });
  return call;
}

Status SqliteWriter::commit(const Transaction& transaction) {
  const auto entry = std::make_shared<Entry>(transaction);
  bool leads = false;
  {
    const std::scoped_lock lock(mutex_);
    queue_.push_back(entry);
    leads = !std::exchange(led_, true);
  }
  if (leads || entry->wait() == Entry::Call::kLead) lead();
  return std::move(*entry->outcome);
}

void SqliteWriter::lead() {
  std::unique_lock lock(mutex_);
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(queue_.size(), kMaxBatch));
  const Batch batch(queue_.begin(), end);
  queue_.erase(queue_.begin(), end);
  lock.unlock();
  process(batch);
  lock.lock();
  // Those without an outcome wait on, before all that came later. The first of a batch, who leads, always has one.
  for (auto entry = batch.rbegin(); entry != batch.rend(); ++entry)
    if (!(*entry)->outcome.has_value()) queue_.push_front(*entry);
  Batch answered;
  for (const auto& entry : batch)
    if (entry->outcome.has_value() && entry != batch.front()) answered.push_back(entry);
  pass_on(std::move(lock));
  for (const auto& entry : answered) entry->wake(Entry::Call::kAnswered);
}

void SqliteWriter::pass_on(std::unique_lock<std::mutex> lock) {
  if (wal_frames_ < checkpointed_frames_) checkpointed_frames_ = 0;  // the WAL began anew
  const int due = queue_.empty() ? kIdleCheckpointFrames : kForcedCheckpointFrames;
  if (wal_frames_ - checkpointed_frames_ >= due) {
    checkpointing_ = true;
    lock.unlock();
    house_.notify_one();
  } else if (queue_.empty()) {
    led_ = false;
  } else {
    const auto next = queue_.front();
    lock.unlock();
    next->wake(Entry::Call::kLead);
  }
}

void SqliteWriter::keep_house() {
  std::unique_lock lock(mutex_);
  for (;;) {
    house_.wait(lock, [this] { return stopping_ || checkpointing_; });
    if (stopping_) return;
    lock.unlock();
    // Passive: waits for nobody. When it fails the WAL goes on growing, and a full disk shows in the commits.
    wal_->fetch();
    (void)sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    checkpointed_frames_ = wal_frames_;
    lock.lock();
    checkpointing_ = false;
    pass_on(std::move(lock));
    lock = std::unique_lock(mutex_);
  }
}

void SqliteWriter::process(const Batch& batch) {
  give_up_at_ = batch.front()->entered + options_.lock_patience;
  Status begun = run_statement(statements_.begin);
  if (!begun.ok()) {
    const Moment now = std::chrono::steady_clock::now();
    const bool locked = (sqlite3_errcode(db_.get()) & 0xff) == SQLITE_BUSY;
    for (const auto& entry : batch)
      if (!locked || entry == batch.front() || entry->entered + options_.lock_patience <= now)
        entry->outcome = begun;
    return;
  }
  wal_->begin(data_version() != version_);
  const Status applied = apply_all(batch);
  if (!applied.ok()) {
    roll_back();
    return fail(batch, applied.error());
  }
  const Status committed = run_statement(statements_.commit);
  if (!committed.ok()) {
    roll_back();
    forget_failed_commit();
    return fail(batch, committed.error());
  }
  version_ = data_version();
  for (const auto& entry : batch)
    if (entry->outcome->ok()) ++transactions_;
}

unsigned SqliteWriter::data_version() {
  unsigned version = 0;
  (void)sqlite3_file_control(db_.get(), "main", SQLITE_FCNTL_DATA_VERSION, &version);
  return version;
}

Status SqliteWriter::apply_all(const Batch& batch) {
  // Alone it needs no savepoint: what ends it ends the batch.
  if (batch.size() == 1) {
    TRY(apply(*batch.front()->transaction));
    batch.front()->outcome = Status();
    return {};
  }
  for (const auto& entry : batch) TRY(apply_in_savepoint(*entry));
  return {};
}

Status SqliteWriter::apply_in_savepoint(Entry& entry) {
  TRY(run_statement(statements_.savepoint));
  Status applied = apply(*entry.transaction);
  if (!applied.ok()) {
    // What concerns this transaction alone ends it alone; any other failure is one of the disk and ends the
    // batch.
    const ErrorCode code = applied.error().code;
    if (code != ErrorCode::kConflict && code != ErrorCode::kInvalidArgument) return applied;
    TRY(run_statement(statements_.rollback_to));
  }
  TRY(run_statement(statements_.release));
  entry.outcome = std::move(applied);
  return {};
}

Status SqliteWriter::apply(const Transaction& transaction) {
  for (const auto& condition : transaction.conditions) {
    Statement& exists = tables_[static_cast<size_t>(condition.table)].exists;
    const StatementUse use(exists);
    exists.bind(1, condition.key);
    const int code = exists.step();
    if (code != SQLITE_ROW && code != SQLITE_DONE) return from_sqlite(db_.get(), attempt_);
    if ((code == SQLITE_ROW) != (condition.kind == Condition::Kind::kExists))
      return condition_failed(condition);
  }
  for (const auto& write : transaction.writes) {
    auto& statements = tables_[static_cast<size_t>(write.table)];
    Statement& change = write.value.has_value() ? statements.put : statements.remove;
    change.bind(1, write.key);
    if (write.value.has_value()) change.bind(2, *write.value);
    TRY(run_statement(change));
  }
  return {};
}

Status SqliteWriter::run_statement(Statement& statement) {
  const StatementUse use(statement);
  if (statement.step() != SQLITE_DONE) return from_sqlite(db_.get(), attempt_);
  return {};
}

void SqliteWriter::roll_back() {
  // After some errors SQLite has done so by itself.
  if (sqlite3_get_autocommit(db_.get()) == 0) (void)run_statement(statements_.rollback);
  wal_->abandon();
}

void SqliteWriter::fail(const Batch& batch, const Error& error) {
  for (const auto& entry : batch) entry->outcome = Status(error);
}

void SqliteWriter::forget_failed_commit() {
  // If the flush failed after the commit frame was written, a recovery would find that frame. A checkpoint
  // copies what was committed before and empties the WAL. Should it fail too, the next commit overwrites the
  // frame.
  give_up_at_ = {};
  (void)sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

int SqliteWriter::on_busy(void* self, int) {
  const auto* writer = static_cast<const SqliteWriter*>(self);
  if (std::chrono::steady_clock::now() >= writer->give_up_at_) return 0;
  std::this_thread::sleep_for(kLockRetry);
  return 1;
}

int SqliteWriter::on_wal_commit(void* self, sqlite3*, const char*, int frames) {
  auto* writer = static_cast<SqliteWriter*>(self);
  writer->wal_frames_ = frames;
  ++writer->flushes_;
  return SQLITE_OK;
}

}  // namespace viaduct::store
