#pragma once

#include <string>

namespace viaduct::net {

// One difference between what was promised and what is there, in words.
struct Finding {
  std::string kind;     // "bridge", "address", "endpoint", "link", "rules", "port", "state", "busy"
  std::string subject;  // "network 9c1b…", "link ve…"
  std::string text;     // what differs
  std::string remedy;   // what a repair does about it, or what somebody has to do
  bool operator==(const Finding&) const = default;
};

}  // namespace viaduct::net
