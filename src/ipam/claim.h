#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "ipam/ipam_types.h"

// Who may have an address that is held, and what a release leaves: the rules of docs/ipam.md,
// "Restarts" and "Releases", as pure functions. The service knows the epoch and who is bound; it stores what these return.
namespace viaduct::ipam {

// Who holds an address, or held it last.
struct Holder {
  OwnerClass owner = OwnerClass::kEndpoint;
  std::optional<Mac> mac;
  std::string name;
  int claims = 1;  // more than 1 for gateways and auxiliary addresses only
  uint64_t epoch = 0;
  bool released = false;  // given back while an endpoint was bound to it
  std::chrono::sys_seconds since{};
  // Set: the address rests since then (lasting_time.h), and this is its former holder. It is nobody's, and kept for a
  // while for the same name or MAC.
  std::optional<int64_t> rest;
  bool operator==(const Holder&) const = default;
};

// What a request says of who asks: the class, and the key where it has one.
struct Asker {
  OwnerClass owner = OwnerClass::kAuxiliary;
  std::optional<Mac> mac;
  std::string name;
  // Neither MAC, name, gateway nor serial: an auxiliary address, or the replay of anything but a gateway. A
  // user's
  // --ip never looks like this, for the engine sends a MAC with it (RequiresMACAddress is advertised).
  [[nodiscard]] bool bare() const { return owner == OwnerClass::kAuxiliary; }
};
// Gateway wins over serial, serial over MAC and name.
Asker asker_of(const AddressRequest& request);

// When the request came.
struct Moment {
  uint64_t epoch = 0;           // of the space
  bool engine_visible = false;  // whether the epoch can be trusted to tell a replay
  bool bound = false;           // an endpoint of the other half uses the address
  std::chrono::sys_seconds now{};
  int64_t lasting = 0;  // seconds (lasting_time.h)
  bool rests = false;   // what is released rests: the pool has a quarantine or a retention
};

// The holder of a free address that is given to `asker`.
Holder new_holder(const Asker& asker, const Moment& moment);

// The holder after an explicit request for an address that `held` has; empty: a conflict. In this order:
// 0. An address that rests is nobody's: it is given. To a bare request as the replay of its former endpoint.
// 1. The same key (class, and for endpoints the MAC; the name too, unless an endpoint is bound): the same answer. Gateways
//    and auxiliary addresses count a claim more, or begin at one in a newer epoch. Swarm's leader sends no key and asks
//    explicitly in replays only: its own class is the same key.
// 2. A bare request for an address of an endpoint or of Swarm is a replay where its epoch is older, and also in the same
//    epoch while the engine is not visible: a managed plugin restarts with its engine and sees no new one. Owner, MAC
//    and name stay.
// 3. An older epoch's address that no endpoint is bound to is taken over.
std::optional<Holder> after_request(const Holder& held, const Asker& asker, const Moment& moment);

// Whether an automatic request may have this address as its own. One that is held: the same name where both sides have one
// (of two containers with one MAC each gets an address of its own), else the same MAC. One that rests: either.
bool is_former(const Holder& held, const Asker& asker);
// The holder after an automatic request found its own former address again (is_former(), nobody bound).
Holder after_return(const Holder& held, const Asker& asker, const Moment& moment);

// The holder after a release; empty: the address is free. A bound address stays held, marked as released. What an endpoint
// or Swarm held rests if the pool lets it.
std::optional<Holder> after_release(const Holder& held, const Moment& moment);

// The holder after the other half lost the endpoint, with proof; empty: the address is free.
std::optional<Holder> after_endpoint_gone(const Holder& held, const Moment& moment);

// The holder after a Swarm leader began a term, asked for all that lives, and not for this; empty: the address is free.
std::optional<Holder> after_term_began(const Holder& held, const Moment& moment);

// The holder after the other half deleted the endpoint in the ordinary way; empty: the address is free.
std::optional<Holder> after_endpoint_deleted(const Holder& held, const Moment& moment);

// "endpoint (MAC 02:42:…, name web) since 2026-…", for messages.
std::string describe(const Holder& held);

}  // namespace viaduct::ipam
