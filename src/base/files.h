#pragma once

#include <string>

#include "base/result.h"

namespace viaduct {

// Reads a small file (procfs, configuration) whole. Errors: from errno, naming the path;
// kInvalidArgument when it holds more than `limit` bytes.
Result<std::string> read_file(const std::string& path, size_t limit = 1 << 20);

// Overwrites an existing file in one write() (procfs, sysfs). Errors: from errno, naming the path.
Status write_file(const std::string& path, const std::string& content);

// The kernel's id of this boot (/proc/sys/kernel/random/boot_id), one per boot, without newline.
Result<std::string> boot_id();

}  // namespace viaduct
