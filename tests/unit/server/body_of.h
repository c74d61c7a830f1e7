#pragma once

#include "base/json.h"

namespace viaduct::server {

// The object of a request's body; the text must be one.
inline Json body_of(const char* text) {
  return parse_json_object(text).value();
}

}  // namespace viaduct::server
