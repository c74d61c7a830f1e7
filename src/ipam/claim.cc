#include "ipam/claim.h"

#include <fmt/format.h>

#include "base/clock.h"

namespace viaduct::ipam {

namespace {

bool counts_claims(OwnerClass owner) {
  return owner == OwnerClass::kGateway || owner == OwnerClass::kAuxiliary;
}

bool same_mac(const Holder& held, const Asker& asker) {
  return held.mac.has_value() && held.mac == asker.mac;
}

bool same_name(const Holder& held, const Asker& asker) {
  return !held.name.empty() && held.name == asker.name;
}

// The MAC alone suffices, since a container can be renamed while it runs. The name alone does where no endpoint lives: an
// engine has one endpoint of a name in a network, so that the former one is gone.
bool same_key(const Holder& held, const Asker& asker, const Moment& moment) {
  if (held.owner != asker.owner) return false;
  if (held.owner != OwnerClass::kEndpoint) return true;
  return same_mac(held, asker) || (same_name(held, asker) && !moment.bound);
}

// The same owner asks again; what the request knows beyond the record is learned.
Holder refreshed(const Holder& held, const Asker& asker, const Moment& moment) {
  Holder next = held;
  const bool again = counts_claims(held.owner) && held.epoch == moment.epoch;
  next.claims = again ? held.claims + 1 : 1;
  next.epoch = moment.epoch;
  next.released = false;
  if (asker.mac.has_value()) next.mac = asker.mac;
  if (!asker.name.empty()) next.name = asker.name;
  if (held.rest.has_value()) next.since = moment.now;
  next.rest.reset();
  return next;
}

Holder replayed(const Holder& held, const Moment& moment) {
  Holder next = held;
  next.claims = 1;
  next.epoch = moment.epoch;
  next.released = false;
  if (held.rest.has_value()) next.since = moment.now;
  next.rest.reset();
  return next;
}

// What remains of a holder that is gone.
std::optional<Holder> former(const Holder& held, const Moment& moment) {
  if (counts_claims(held.owner) || !moment.rests) return std::nullopt;
  Holder next = held;
  next.claims = 1;
  next.released = false;
  next.rest = moment.lasting;
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
                .since = moment.now,
                .rest = {}};
}

std::optional<Holder> after_request(const Holder& held, const Asker& asker, const Moment& moment) {
  if (held.rest.has_value()) {
    if (asker.bare() || is_former(held, asker))
      return asker.bare() ? replayed(held, moment) : refreshed(held, asker, moment);
    if (moment.bound) return std::nullopt;
    return new_holder(asker, moment);
  }
  if (same_key(held, asker, moment)) return refreshed(held, asker, moment);
  const bool older = held.epoch < moment.epoch;
  const bool replayable = held.owner == OwnerClass::kEndpoint || held.owner == OwnerClass::kSwarm;
  if (asker.bare() && replayable && (older || !moment.engine_visible)) return replayed(held, moment);
  if (!older || moment.bound) return std::nullopt;
  return asker.bare() ? replayed(held, moment) : new_holder(asker, moment);
}

bool is_former(const Holder& held, const Asker& asker) {
  if (held.owner != OwnerClass::kEndpoint || asker.owner != OwnerClass::kEndpoint) return false;
  const bool both_named = !held.name.empty() && !asker.name.empty();
  if (both_named && !held.rest.has_value()) return held.name == asker.name;
  return same_mac(held, asker) || same_name(held, asker);
}

Holder after_return(const Holder& held, const Asker& asker, const Moment& moment) {
  return refreshed(held, asker, moment);
}

std::optional<Holder> after_release(const Holder& held, const Moment& moment) {
  if (held.rest.has_value()) return held;
  Holder next = held;
  if (counts_claims(held.owner) && held.claims > 1) {
    --next.claims;
    return next;
  }
  if (!moment.bound) return former(held, moment);
  next.released = true;
  return next;
}

std::optional<Holder> after_endpoint_gone(const Holder& held, const Moment& moment) {
  if (held.rest.has_value()) return held;
  if (held.owner == OwnerClass::kEndpoint || held.released) return former(held, moment);
  return held;
}

std::optional<Holder> after_term_began(const Holder& held, const Moment& moment) {
  if (held.rest.has_value() || held.owner != OwnerClass::kSwarm) return held;
  return former(held, moment);
}

std::optional<Holder> after_endpoint_deleted(const Holder& held, const Moment& moment) {
  if (held.rest.has_value() || !held.released) return held;
  return former(held, moment);
}

std::string describe(const Holder& held) {
  std::string key;
  if (held.mac.has_value()) key = fmt::format("MAC {}", held.mac->to_string());
  if (!held.name.empty()) key += fmt::format("{}name {}", key.empty() ? "" : ", ", held.name);
  return fmt::format("{}{} since {}", to_string(held.owner), key.empty() ? "" : fmt::format(" ({})", key),
                     format_time(held.since));
}

}  // namespace viaduct::ipam
