#pragma once

#include <string>

#include "base/result.h"
#include "store/store.h"

namespace viaduct::server {

// The name of this state folder's installation: 8 hex digits, made at the first start and kept in table meta. Links carry
// it, so that a daemon on another folder leaves them alone. Errors: kCorrupt, kUnavailable.
Result<std::string> load_instance(store::Store& store);

}  // namespace viaduct::server
