#include "fault/store/support.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

namespace viaduct::store {

std::unique_ptr<SqliteStore> must_open(const std::string& folder) {
  auto opened = SqliteStore::open(folder);
  if (!opened.ok()) {
    ADD_FAILURE() << opened.error().message;
    return nullptr;
  }
  return std::move(opened).value();
}

Error refused_open(const std::string& folder) {
  const auto opened = SqliteStore::open(folder);
  return opened.ok() ? internal("it opened") : opened.error();
}

Status put(Store& store, const std::string& key, const std::string& value) {
  return store.commit({{}, {Write{Table::kMeta, key, value}}});
}

Rows rows_of(Store& store, Table table) {
  Rows rows;
  const Status done = store.scan(table, [&rows](const Row& row) { rows.emplace(row.key, row.value); });
  EXPECT_TRUE(done.ok());
  return rows;
}

int in_child(const std::function<int()>& body) {
  (void)std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    const int code = body();
    (void)std::fflush(stdout);  // _exit() would drop the failures that the child printed
    ::_exit(code);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

void copy_as_after_crash(const std::string& folder, const std::string& to) {
  const int status =
      in_child([&] { return ::execlp("cp", "cp", "-a", (folder + "/.").c_str(), to.c_str(), nullptr); });
  ASSERT_EQ(status, 0);
}

Rows rows_after_crash(const std::string& folder) {
  const TemporaryFolder image;
  copy_as_after_crash(folder, image.path());
  const auto store = must_open(image.path());
  return store == nullptr ? Rows{} : rows_of(*store);
}

std::string value_of(size_t bytes) {
  return "{\"a\":\"" + std::string(bytes, 'x') + "\"}";
}

std::string slurp(const std::string& file) {
  std::ostringstream content;
  content << std::ifstream(file, std::ios::binary).rdbuf();
  return content.str();
}

void spill(const std::string& file, const std::string& content) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << content;
  ASSERT_TRUE(out.flush().good()) << file;
}

namespace {

int keep_first(void* out, int columns, char** values, char**) {
  auto* text = static_cast<std::string*>(out);
  for (int i = 0; i < columns; ++i) {
    if (!text->empty()) *text += '|';
    *text += values[i] == nullptr ? "NULL" : values[i];
  }
  return 0;
}

}  // namespace

std::string ask_as_operator(const std::string& folder, const std::string& sql) {
  sqlite3* db = nullptr;
  std::string answer;
  EXPECT_EQ(sqlite3_open((folder + "/state.db").c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), keep_first, &answer, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db) << ": " << sql;
  EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
  return answer;
}

void run_as_operator(const std::string& folder, const std::string& sql) {
  (void)ask_as_operator(folder, sql);
}

}  // namespace viaduct::store
