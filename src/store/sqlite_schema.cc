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

// Not stored, so that they cannot disagree with the value. Type ANY: a column shows what the record holds and never refuses
// one.
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

constexpr Column kReservationColumns[] = {
    {Table::kReservation, "space", "$.space"}, {Table::kReservation, "address", "$.address"},
    {Table::kReservation, "mac", "$.mac"},     {Table::kReservation, "name", "$.name"},
    {Table::kReservation, "note", "$.note"},
};
constexpr Column kRest = {Table::kAddress, "rest", "$.rest"};

// Of schema 1.
constexpr Table kFirstTables[] = {Table::kMeta, Table::kPool, Table::kAddress, Table::kNetwork,
                                  Table::kEndpoint};

// WITHOUT ROWID: one tree instead of a table and an index, and so fewer pages to flush with a commit.
std::string make_table(Table table) {
  return fmt::format(
      "CREATE TABLE {}(key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL CHECK(json_valid(value))) "
      "STRICT, WITHOUT ROWID;",
      table_name(table));
}

std::string make_tables() {
  std::string sql = fmt::format("PRAGMA application_id={};", kApplicationId);
  for (const Table table : kFirstTables) sql += make_table(table);
  return sql;
}

std::string add_column(const Column& column) {
  return fmt::format(
      "ALTER TABLE {} ADD COLUMN {} ANY GENERATED ALWAYS AS (json_extract(value,'{}')) VIRTUAL;",
      table_name(column.table), column.name, column.path);
}

std::string drop_column(const Column& column) {
  return fmt::format("ALTER TABLE {} DROP COLUMN {};", table_name(column.table), column.name);
}

std::string add_columns() {
  std::string sql;
  for (const auto& column : kColumns) sql += add_column(column);
  return sql;
}

std::string drop_columns() {
  std::string sql;
  for (const auto& column : kColumns) sql += drop_column(column);
  return sql;
}

std::string add_reservations() {
  std::string sql = make_table(Table::kReservation);
  for (const auto& column : kReservationColumns) sql += add_column(column);
  return sql + add_column(kRest);
}

// An older viaduct would take an address that rests for one that is held.
std::string drop_reservations() {
  return fmt::format("DELETE FROM address WHERE rest IS NOT NULL; {} DROP TABLE {};", drop_column(kRest),
                     table_name(Table::kReservation));
}

// The columns apart from the tables: SQLite computes those of a table when a row is written, too.
std::string drop_all_columns() {
  std::string sql = drop_columns();
  for (const auto& column : kReservationColumns) sql += drop_column(column);
  return sql + drop_column(kRest);
}

std::string add_all_columns() {
  std::string sql = add_columns();
  for (const auto& column : kReservationColumns) sql += add_column(column);
  return sql + add_column(kRest);
}

struct View {
  const char* name;
  Table table;
};
constexpr View kViews[] = {{"pools", Table::kPool},
                           {"addresses", Table::kAddress},
                           {"reservations", Table::kReservation},
                           {"networks", Table::kNetwork},
                           {"endpoints", Table::kEndpoint}};

std::string make_view(const View& view) {
  std::string columns;
  const auto add = [&](const Column& column) {
    if (column.table == view.table)
      columns += fmt::format("json_extract(value,'{}') AS {}, ", column.path, column.name);
  };
  for (const auto& column : kColumns) add(column);
  for (const auto& column : kReservationColumns) add(column);
  add(kRest);
  return fmt::format("CREATE VIEW {} AS SELECT key, {}value FROM {};", view.name, columns,
                     table_name(view.table));
}

std::string columns_to_views() {
  std::string sql = drop_all_columns();
  for (const View& view : kViews) sql += make_view(view);
  return sql;
}

std::string views_to_columns() {
  std::string sql;
  for (const View& view : kViews) sql += fmt::format("DROP VIEW {};", view.name);
  return sql + add_all_columns();
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
    {2, 3, add_reservations, drop_reservations},
    {3, 4, columns_to_views, views_to_columns},
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
