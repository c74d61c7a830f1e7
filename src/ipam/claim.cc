#include "ipam/claim.h"

#include <fmt/format.h>

#include "base/clock.h"

namespace viaduct::ipam {

namespace {

bool counts_claims(OwnerClass owner) {
  return owner == OwnerClass::kGateway || owner == OwnerClass::kAuxiliary;
}

bool same_key(const Holder& held, const Asker& asker) {
  if (held.owner != asker.owner) return false;
  if (held.owner != OwnerClass::kEndpoint) return true;
  if (held.mac.has_value() && asker.mac.has_value()) return *held.mac == *asker.mac;
  return !held.name.empty() && held.name == asker.name;
}

// The same owner asks again; what the request knows beyond the record is learned.
Holder refreshed(const Holder& held, const Asker& asker, const Moment& moment) {
  Holder next = held;
  const bool again = counts_claims(held.owner) && held.epoch == moment.epoch;
  next.claims = again ? held.claims + 1 : 1;
  next.epoch = moment.epoch;
  next.released = false;
  if (!next.mac.has_value()) next.mac = asker.mac;
  if (!asker.name.empty()) next.name = asker.name;
  return next;
}

Holder replayed(const Holder& held, const Moment& moment) {
  Holder next = held;
  next.claims = 1;
  next.epoch = moment.epoch;
  next.released = false;
  return next;
}

}  // namespace

Asker asker_of(const AddressRequest& request) {
  if (request.gateway) return {OwnerClass::kGateway, std::nullopt, ""};
  if (request.serial) return {OwnerClass::kSwarm, std::nullopt, ""};
  if (request.mac.has_value() || !request.name.empty())
    return {OwnerClass::kEndpoint, request.mac, request.name};
  return {};
}

Holder new_holder(const Asker& asker, const Moment& moment) {
  // A bare request for the address of a live endpoint is the replay of one whose record is gone.
  const bool live_endpoint = asker.bare() && moment.bound;
  return Holder{.owner = live_endpoint ? OwnerClass::kEndpoint : asker.owner,
                .mac = asker.mac,
                .name = asker.name,
                .epoch = moment.epoch,
                .since = moment.now};
}

std::optional<Holder> after_request(const Holder& held, const Asker& asker, const Moment& moment) {
  if (same_key(held, asker)) return refreshed(held, asker, moment);
  const bool older = held.epoch < moment.epoch;
  const bool replayable = held.owner == OwnerClass::kEndpoint || held.owner == OwnerClass::kSwarm;
  if (asker.bare() && replayable && (older || !moment.engine_visible)) return replayed(held, moment);
  if (!older || moment.bound) return std::nullopt;
  return asker.bare() ? replayed(held, moment) : new_holder(asker, moment);
}

Holder after_return(const Holder& held, const Asker& asker, const Moment& moment) {
  return refreshed(held, asker, moment);
}

std::optional<Holder> after_release(const Holder& held, bool bound) {
  Holder next = held;
  if (counts_claims(held.owner) && held.claims > 1) {
    --next.claims;
    return next;
  }
  if (!bound) return std::nullopt;
  next.released = true;
  return next;
}

std::optional<Holder> after_endpoint_gone(const Holder& held) {
  if (held.owner == OwnerClass::kEndpoint || held.released) return std::nullopt;
  return held;
}

std::optional<Holder> after_endpoint_deleted(const Holder& held) {
  if (held.released) return std::nullopt;
  return held;
}

std::string describe(const Holder& held) {
  std::string key;
  if (held.mac.has_value()) key = fmt::format("MAC {}", held.mac->to_string());
  if (!held.name.empty()) key += fmt::format("{}name {}", key.empty() ? "" : ", ", held.name);
  return fmt::format("{}{} since {}", to_string(held.owner), key.empty() ? "" : fmt::format(" ({})", key),
                     format_time(held.since));
}

}  // namespace viaduct::ipam
