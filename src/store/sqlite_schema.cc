#include "store/sqlite_schema.h"

#include <fmt/format.h>

#include <charconv>

#include "store/sqlite_handle.h"
#include "store/store.h"

namespace viaduct::store {

namespace {

struct Column {
  Table table;
  const char* name;
  const char* path;
};

// Computed when they are read, so they cost no write and cannot disagree with the value. Type ANY: a column
// shows what the record holds and never refuses one.
constexpr Column kColumns[] = {
    {Table::kPool, "space", "$.space"},
    {Table::kPool, "pool", "$.pool"},
    {Table::kPool, "sub_pool", "$.sub_pool"},
    {Table::kPool, "refs", "$.refs"},
    {Table::kAddress, "pool", "$.pool"},
    {Table::kAddress, "address", "$.address"},
    {Table::kAddress, "class", "$.owner"},
    {Table::kAddress, "mac", "$.mac"},
    {Table::kAddress, "name", "$.name"},
    {Table::kAddress, "since", "$.since"},
    {Table::kNetwork, "mode", "$.mode"},
    {Table::kNetwork, "bridge", "$.bridge"},
    {Table::kNetwork, "ipv4", "$.ipv4"},
    {Table::kNetwork, "ipv6", "$.ipv6"},
    {Table::kEndpoint, "network", "$.network"},
    {Table::kEndpoint, "address", "$.ipv4"},
    {Table::kEndpoint, "address6", "$.ipv6"},
    {Table::kEndpoint, "mac", "$.mac"},
    {Table::kEndpoint, "host_link", "$.host_link"},
    {Table::kEndpoint, "sandbox", "$.sandbox_key"},
};

// WITHOUT ROWID: one tree instead of a table and an index, and so fewer pages to flush with a commit.
std::string make_tables() {
  std::string sql = fmt::format("PRAGMA application_id={};", kApplicationId);
  for (const Table table : kAllTables)
    sql += fmt::format(
        "CREATE TABLE {}(key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL CHECK(json_valid(value))) "
        "STRICT, WITHOUT ROWID;",
        table_name(table));
  return sql;
}

std::string add_columns() {
  std::string sql;
  for (const auto& column : kColumns)
    sql += fmt::format(
        "ALTER TABLE {} ADD COLUMN {} ANY GENERATED ALWAYS AS (json_extract(value,'{}')) VIRTUAL;",
        table_name(column.table), column.name, column.path);
  return sql;
}

std::string drop_columns() {
  std::string sql;
  for (const auto& column : kColumns)
    sql += fmt::format("ALTER TABLE {} DROP COLUMN {};", table_name(column.table), column.name);
  return sql;
}

struct Migration {
  int from;
  int to;
  std::string (*up)();
  std::string (*down)();
};

// One row a step; `down` gives back what an older viaduct can open.
constexpr Migration kMigrations[] = {
    {1, 2, add_columns, drop_columns},
};

// `sql` and the version's number, all or nothing.
Status change(sqlite3* db, const std::string& sql, int to) {
  const std::string attempt = fmt::format("change the state to schema {}", to);
  Status done =
      run_sql(db, fmt::format("BEGIN IMMEDIATE; {} PRAGMA user_version={}; COMMIT;", sql, to), attempt);
  if (!done.ok() && sqlite3_get_autocommit(db) == 0) (void)run_sql(db, "ROLLBACK;", attempt);
  return done;
}

}  // namespace

Status create_schema(sqlite3* db, int version) {
  std::string sql = make_tables();
  for (const auto& step : kMigrations)
    if (step.to <= version) sql += step.up();
  return change(db, sql, version);
}

Status step_forward(sqlite3* db, int version) {
  for (const auto& step : kMigrations)
    if (step.from == version) return change(db, step.up(), step.to);
  return internal(fmt::format("no step leads on from schema {}; report this", version));
}

Status step_back(sqlite3* db, int version) {
  for (const auto& step : kMigrations)
    if (step.to == version) return change(db, step.down(), step.from);
  return unsupported(
      fmt::format("no step leads back from schema {}; restore a copy of the state folder", version));
}

Result<int> schema_version(sqlite3* db) {
  const std::string text = TRY(query_text(db, "PRAGMA user_version", "read the schema's version"));
  int version = -1;
  (void)std::from_chars(text.data(), text.data() + text.size(), version);
  return version;
}

}  // namespace viaduct::store
