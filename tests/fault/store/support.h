#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "contract/store/temporary_folder.h"
#include "store/sqlite_store.h"

// What the fault tests of the store share.
namespace viaduct::store {

using testing_support::TemporaryFolder;
using Rows = std::map<std::string, std::string>;

// Opens, or fails the test with the message and returns null.
std::unique_ptr<SqliteStore> must_open(const std::string& folder);
// The error of an opening that must fail; kInternal when it succeeds.
Error refused_open(const std::string& folder);

Status put(Store& store, const std::string& key, const std::string& value = "{}");
Rows rows_of(Store& store, Table table = Table::kMeta);

// The folder's files as they are now, as a machine that lost power would find them if the disk kept all it
// was given. By a child process: to close a descriptor of state.db here would drop the locks that SQLite
// holds on it.
void copy_as_after_crash(const std::string& folder, const std::string& to);
// What a start after the loss of power finds.
Rows rows_after_crash(const std::string& folder);

// A value of so many bytes and a few more.
std::string value_of(size_t bytes);

std::string slurp(const std::string& file);
void spill(const std::string& file, const std::string& content);

// Runs SQL on <folder>/state.db as an operator would; fails the test on an error.
void run_as_operator(const std::string& folder, const std::string& sql);
std::string ask_as_operator(const std::string& folder, const std::string& sql);

// Runs `body` in a forked child, which ends with its return value; returns what waitpid() reported.
int in_child(const std::function<int()>& body);

}  // namespace viaduct::store
