#include "store/sqlite_handle.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

namespace viaduct::store {

namespace {

constexpr std::pair<int, std::string_view> kCodeNames[] = {
    {SQLITE_ERROR, "SQLITE_ERROR"},
    {SQLITE_PERM, "SQLITE_PERM"},
    {SQLITE_BUSY, "SQLITE_BUSY"},
    {SQLITE_BUSY_RECOVERY, "SQLITE_BUSY_RECOVERY"},
    {SQLITE_LOCKED, "SQLITE_LOCKED"},
    {SQLITE_NOMEM, "SQLITE_NOMEM"},
    {SQLITE_READONLY, "SQLITE_READONLY"},
    {SQLITE_READONLY_DBMOVED, "SQLITE_READONLY_DBMOVED"},
    {SQLITE_READONLY_DIRECTORY, "SQLITE_READONLY_DIRECTORY"},
    {SQLITE_IOERR, "SQLITE_IOERR"},
    {SQLITE_IOERR_READ, "SQLITE_IOERR_READ"},
    {SQLITE_IOERR_SHORT_READ, "SQLITE_IOERR_SHORT_READ"},
    {SQLITE_IOERR_WRITE, "SQLITE_IOERR_WRITE"},
    {SQLITE_IOERR_FSYNC, "SQLITE_IOERR_FSYNC"},
    {SQLITE_IOERR_DIR_FSYNC, "SQLITE_IOERR_DIR_FSYNC"},
    {SQLITE_IOERR_TRUNCATE, "SQLITE_IOERR_TRUNCATE"},
    {SQLITE_IOERR_FSTAT, "SQLITE_IOERR_FSTAT"},
    {SQLITE_IOERR_LOCK, "SQLITE_IOERR_LOCK"},
    {SQLITE_IOERR_SHMOPEN, "SQLITE_IOERR_SHMOPEN"},
    {SQLITE_IOERR_SHMSIZE, "SQLITE_IOERR_SHMSIZE"},
    {SQLITE_IOERR_SHMMAP, "SQLITE_IOERR_SHMMAP"},
    {SQLITE_CORRUPT, "SQLITE_CORRUPT"},
    {SQLITE_FULL, "SQLITE_FULL"},
    {SQLITE_CANTOPEN, "SQLITE_CANTOPEN"},
    {SQLITE_PROTOCOL, "SQLITE_PROTOCOL"},
    {SQLITE_TOOBIG, "SQLITE_TOOBIG"},
    {SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT"},
    {SQLITE_CONSTRAINT_CHECK, "SQLITE_CONSTRAINT_CHECK"},
    {SQLITE_NOTADB, "SQLITE_NOTADB"},
};

struct Translation {
  ErrorCode code;
  std::string_view remedy;
};

Translation translate(int primary) {
  switch (primary) {
    // Our SQL is fixed, so what SQLite cannot run is run against tables that are not ours.
    case SQLITE_ERROR:
      return {ErrorCode::kCorrupt, "its tables were changed, restore a copy of the state folder"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return {ErrorCode::kCorrupt, "restore a copy of the state folder"};
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG: return {ErrorCode::kInvalidArgument, "store a smaller JSON object"};
    case SQLITE_FULL: return {ErrorCode::kUnavailable, "free space on the file system of the state folder"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::kUnavailable,
              "another process holds a lock on the file, close the program that has it open"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN: return {ErrorCode::kUnavailable, "make the state folder writable for this process"};
    default: return {ErrorCode::kUnavailable, "look at the disk of the state folder and at the kernel's log"};
  }
}

}  // namespace

std::string sqlite_code_name(int extended_code) {
  for (const auto& [code, name] : kCodeNames)
    if (code == extended_code) return std::string(name);
  return fmt::format("{} {}", sqlite_code_name(extended_code & 0xff), extended_code);
}

Error from_sqlite(sqlite3* db, std::string_view attempt) {
  const int extended = sqlite3_extended_errcode(db);
  const int sys_errno = sqlite3_system_errno(db);
  const Translation translation = translate(extended & 0xff);
  std::string codes = sqlite_code_name(extended & 0xff);
  if (extended != (extended & 0xff)) codes += ", " + sqlite_code_name(extended);
  if (sys_errno != 0)
    codes += fmt::format(", errno: {}", std::error_code(sys_errno, std::generic_category()).message());
  return Error{translation.code,
               fmt::format("{}: {} ({}); {}", attempt, sqlite3_errmsg(db), codes, translation.remedy),
               sys_errno};
}

Result<Statement> Statement::prepare(sqlite3* db, const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(db, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  Statement statement(raw);
  if (code != SQLITE_OK) return from_sqlite(db, fmt::format("prepare \"{}\"", sql));
  return statement;
}

void Statement::bind(int index, std::string_view text) {
  // Can fail for a wrong index or no memory only; a value left unbound is NULL, which the tables refuse.
  (void)sqlite3_bind_text64(handle_.get(), index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

std::string_view Statement::view(int column) const {
  const void* bytes = sqlite3_column_text(handle_.get(), column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

void Statement::reset() {
  // sqlite3_reset() repeats the error of the last step(), which was looked at there.
  (void)sqlite3_reset(handle_.get());
  (void)sqlite3_clear_bindings(handle_.get());
}

Result<SqliteHandle> open_connection(const std::string& file, const char* vfs) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, vfs);
  SqliteHandle db(raw);
  if (db == nullptr) return unavailable(fmt::format("open {}: out of memory; give the machine more", file));
  if (code != SQLITE_OK) return from_sqlite(db.get(), fmt::format("open {}", file));
  (void)sqlite3_extended_result_codes(db.get(), 1);
  (void)sqlite3_db_config(db.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  (void)sqlite3_busy_timeout(db.get(), 2000);
  TRY(run_sql(db.get(),
              "PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON; PRAGMA "
              "synchronous=FULL;",
              fmt::format("set up the connection to {}", file)));
  return db;
}

void checkpoint_at_close(sqlite3* db) {
  (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

Status run_sql(sqlite3* db, const std::string& sql, std::string_view attempt) {
  if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return from_sqlite(db, attempt);
  return {};
}

Result<std::string> query_text(sqlite3* db, const std::string& sql, std::string_view attempt) {
  Statement statement = TRY(Statement::prepare(db, sql));
  const int code = statement.step();
  if (code == SQLITE_DONE) return std::string();
  if (code != SQLITE_ROW) return from_sqlite(db, attempt);
  return statement.text(0);
}

}  // namespace viaduct::store
