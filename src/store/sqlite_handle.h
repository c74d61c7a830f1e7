#pragma once

#include <sqlite3.h>

#include <string>
#include <string_view>

#include "base/c_handle.h"
#include "base/result.h"

// Owners for SQLite's handles, and the one place where its errors are translated.
namespace viaduct::store {

using SqliteHandle = CHandle<sqlite3, sqlite3_close_v2>;
using SqliteStatement = CHandle<sqlite3_stmt, sqlite3_finalize>;

// The failure that `db` reports, in words: what was tried, SQLite's sentence, the primary and extended code,
// errno and the remedy. kCorrupt for damage (SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_ERROR: a table is
// missing), kInvalidArgument for a refused value (SQLITE_CONSTRAINT, SQLITE_TOOBIG), else kUnavailable.
Error from_sqlite(sqlite3* db, std::string_view attempt);

// "SQLITE_IOERR_FSYNC"; a number for codes without a name here.
std::string sqlite_code_name(int extended_code);

// A prepared statement that is used again and again. One thread at a time.
class Statement {
 public:
  Statement() = default;
  // Errors: as from_sqlite().
  static Result<Statement> prepare(sqlite3* db, const std::string& sql);

  // Binds text to the parameter ?index (1 = first). The text must live until reset().
  void bind(int index, std::string_view text);
  // SQLITE_ROW, SQLITE_DONE or an error code.
  int step() { return sqlite3_step(handle_.get()); }
  // The text of a column (0 = first) of the present row; the view is good until the next step().
  [[nodiscard]] std::string_view view(int column) const;
  [[nodiscard]] std::string text(int column) const { return std::string(view(column)); }
  [[nodiscard]] int64_t integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  // Ends the present execution, and with it the read snapshot; forgets the bound values.
  void reset();

 private:
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
  SqliteStatement handle_;
};

// Resets a statement at the end of a block.
class StatementUse {
 public:
  explicit StatementUse(Statement& statement) : statement_(statement) {}
  StatementUse(const StatementUse&) = delete;
  StatementUse& operator=(const StatementUse&) = delete;
  ~StatementUse() { statement_.reset(); }

 private:
  Statement& statement_;
};

// Opens an existing file for reading and writing, with the settings that every connection of ours has:
// extended codes, cell_size_check, synchronous=FULL, foreign_keys, and no checkpoint at close unless asked
// for by checkpoint_at_close(). `vfs` is the name of a registered VFS, nullptr the default one. One thread at a time.
Result<SqliteHandle> open_connection(const std::string& file, const char* vfs = nullptr);

// From now on the last connection to close copies the WAL into the file and removes it.
void checkpoint_at_close(sqlite3* db);

// Runs SQL that returns no rows of interest. `attempt` is for the message.
Status run_sql(sqlite3* db, const std::string& sql, std::string_view attempt);

// The first column of the first row; empty text when there is no row.
Result<std::string> query_text(sqlite3* db, const std::string& sql, std::string_view attempt);

}  // namespace viaduct::store
