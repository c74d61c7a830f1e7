#include "store/sqlite_store.h"

#include <fmt/format.h>

#include <array>

#include "base/guarded.h"
#include "store/read_ahead.h"
#include "store/sqlite_open.h"
#include "store/sqlite_writer.h"

namespace viaduct::store {

namespace {

// A table that has no more is not worth a thread.
constexpr size_t kRowsAtOnce = 1000;

}  // namespace

// The reading connection, apart from the writing one, so that no read waits for a flush.
struct SqliteStore::Reader {
  static Result<Reader> make(SqliteHandle db);

  SqliteHandle db;
  std::array<Statement, std::size(kAllTables)> get;
  std::array<Statement, std::size(kAllTables)> scan;
};

Result<SqliteStore::Reader> SqliteStore::Reader::make(SqliteHandle db) {
  Reader reader{.db = std::move(db), .get = {}, .scan = {}};
  for (const Table table : kAllTables) {
    const std::string_view name = table_name(table);
    const auto index = static_cast<size_t>(table);
    reader.get[index] =
        TRY(Statement::prepare(reader.db.get(), fmt::format("SELECT value FROM {} WHERE key=?1", name)));
    reader.scan[index] =
        TRY(Statement::prepare(reader.db.get(), fmt::format("SELECT key, value FROM {} ORDER BY key", name)));
  }
  checkpoint_at_close(reader.db.get());
  return reader;
}

// Destroyed from the bottom up: the writer, the reader, then the lock on the folder.
class SqliteStore::Impl {
 public:
  Impl(StateFolder folder, Reader reader, std::unique_ptr<SqliteWriter> writer)
      : folder_(std::move(folder)), reader_(std::move(reader)), writer_(std::move(writer)) {}

  SqliteWriter& writer() { return *writer_; }
  Guarded<Reader>::Access reader() { return reader_.lock(); }
  [[nodiscard]] std::string file() const { return folder_.database(); }
  [[nodiscard]] std::string read_attempt(Table table) const {
    return fmt::format("read {} from {}", table_name(table), folder_.database());
  }

 private:
  StateFolder folder_;
  Guarded<Reader> reader_;
  std::unique_ptr<SqliteWriter> writer_;
};

SqliteStore::SqliteStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& folder, SqliteOptions options) {
  OpenedState state = TRY(open_state(folder));
  const std::string file = state.folder.database();
  Reader reader = TRY(Reader::make(std::move(state.reader)));
  auto writer = TRY(SqliteWriter::start(std::move(state.wal), std::move(state.writer), file, options));
  auto impl = std::make_unique<Impl>(std::move(state.folder), std::move(reader), std::move(writer));
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(impl)));
}

Status SqliteStore::step_back(const std::string& folder) {
  return step_back_state(folder);
}

Status SqliteStore::commit(const Transaction& transaction) {
  TRY(check_transaction(transaction));
  return impl_->writer().commit(transaction);
}

Result<std::optional<std::string>> SqliteStore::get(Table table, const std::string& key) {
  auto reader = impl_->reader();
  Statement& statement = reader->get[static_cast<size_t>(table)];
  const StatementUse use(statement);
  statement.bind(1, key);
  const int code = statement.step();
  if (code == SQLITE_DONE) return std::optional<std::string>();
  if (code != SQLITE_ROW) return from_sqlite(reader->db.get(), impl_->read_attempt(table));
  return std::optional<std::string>(statement.text(0));
}

Status SqliteStore::scan(Table table, const std::function<void(const Row&)>& visit) {
  auto reader = impl_->reader();
  Statement& statement = reader->scan[static_cast<size_t>(table)];
  const StatementUse use(statement);
  Row row;
  size_t rows = 0;
  int code = statement.step();
  for (; code == SQLITE_ROW && rows < kRowsAtOnce; code = statement.step(), ++rows) {
    row.key.assign(statement.view(0));
    row.value.assign(statement.view(1));
    visit(row);
  }
  if (code == SQLITE_ROW)
    read_ahead(
        [&](const PutRow& put) {
          for (; code == SQLITE_ROW; code = statement.step()) put(statement.view(0), statement.view(1));
        },
        visit);
  if (code != SQLITE_DONE) return from_sqlite(reader->db.get(), impl_->read_attempt(table));
  return {};
}

Result<std::vector<std::string>> SqliteStore::damages() {
  return find_damages(impl_->file());
}

SqliteCounts SqliteStore::counts() const {
  return impl_->writer().counts();
}

}  // namespace viaduct::store
