#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace viaduct::testing_support {

// A folder of a test's own; removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "viaduct-store-XXXXXX").string();
    if (const char* made = ::mkdtemp(pattern.data()); made != nullptr) path_ = made;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace viaduct::testing_support
