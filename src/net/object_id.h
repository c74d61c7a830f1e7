#pragma once

#include <string>

#include "base/result.h"

// Ids of networks and endpoints as the engine makes them.
namespace viaduct::net {

// The first 12 characters: how Docker shows an id to people.
std::string short_id(const std::string& id);

// Whether an id may become part of a key and of a link's name: 1 to 64 letters and digits. 64 hex digits, or
// 25 of base 36 from Swarm (trap T25). `what` names the object in the message. Errors: kInvalidArgument.
Status check_id(const char* what, const std::string& id);

}  // namespace viaduct::net
