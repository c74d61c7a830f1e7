#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace viaduct::store {

// The state folder, made, locked and looked at, before SQLite touches a file in it. While one lives, no other
// process gets one for the same folder.
class StateFolder {
 public:
  // Makes the folder (0700, not its parents) and an empty state.db (0600) when they are missing.
  // Errors: kBusy, another process holds it (named when known); kPermission, kUnavailable, the folder cannot
  // be made or written; kCorrupt, state.db is no SQLite file, or its content is gone and only its WAL is
  // left.
  static Result<StateFolder> claim(const std::string& folder);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string database() const { return path_ + "/state.db"; }
  // Where the copy is kept before a change away from `version`.
  [[nodiscard]] std::string copy_of_version(int version) const;
  // Makes renames and new files in the folder durable.
  [[nodiscard]] Status sync() const;

 private:
  StateFolder(std::string path, UniqueFd folder, UniqueFd lock)
      : path_(std::move(path)), folder_(std::move(folder)), lock_(std::move(lock)) {}
  [[nodiscard]] Status check_database() const;

  std::string path_;
  UniqueFd folder_;
  UniqueFd lock_;
};

// What to do about a state file that cannot be used; the second half of a message.
std::string way_out(const std::string& file);

}  // namespace viaduct::store
