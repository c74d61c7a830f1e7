#pragma once

#include <functional>

#include "store/store.h"

namespace viaduct::store {

// Gives out one row: the key and the value, which need to be valid only until it returns.
using PutRow = std::function<void(std::string_view key, std::string_view value)>;

// Reads rows on a thread of its own and visits them, in order, on the caller's, so that a long table costs what the slower
// of the two takes, not both. `read` calls its argument once a row and returns when there are no more; it ends before
// read_ahead() does, also when `visit` throws, and then without having been heard to the end. Some hundred KiB are on their
// way at any time.
void read_ahead(const std::function<void(const PutRow& put)>& read,
                const std::function<void(const Row&)>& visit);

}  // namespace viaduct::store
