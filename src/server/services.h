#pragma once

#include <string>

#include "base/deadline.h"
#include "base/json.h"
#include "base/result.h"
#include "ipam/ipam_service.h"
#include "net/network_service.h"

namespace viaduct::server {

// What a handler may use. The references outlive the server.
struct Services {
  ipam::IpamService& ipam;
  net::NetworkService& network;
  std::string scope;  // "local" or "global": the capability that the engine is told
  // Whether Plugin.Activate and IpamDriver.GetCapabilities tell of a new life of the engine (ipam/epoch.h). Under a second name
  // the engine registers when that is first used, in the midst of its life.
  enum class Registration { kCounts, kOfASecondName } registration;
  std::string boot_id;  // to tell an engine's process from one of the same pid before a reboot
};

struct Call {
  const Json& body;  // an object; {} for methods without arguments
  int peer_pid;      // 0 where not visible
  Deadline deadline;
};

// Three lines each: decode, service, encode.
using Handler = Result<Json> (*)(const Services& services, const Call& call);

struct Method {
  std::string_view path;
  enum class Body { kNone, kObject } body;  // kNone: the engine sends no byte, and none is read
  Handler run;
  // kApart: an engine that needs it gets its answers for one network a moment apart (end_pacer.h).
  enum class Answers { kAtOnce, kApart } answers = Answers::kAtOnce;
};

}  // namespace viaduct::server
