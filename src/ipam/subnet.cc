#include "ipam/subnet.h"

namespace viaduct::ipam {

namespace {

uint64_t mac_number(const std::array<uint8_t, 6>& bytes) {
  uint64_t number = 0;
  for (const uint8_t byte : bytes) number = (number << 8) | byte;
  return number;
}

void assign(Slot& slot, const Holder& holder) {
  slot.epoch = holder.epoch;
  slot.name = holder.name.empty() ? nullptr : std::make_unique<std::string>(holder.name);
  slot.since = holder.since.time_since_epoch().count();
  slot.claims = holder.claims;
  slot.has_mac = holder.mac.has_value();
  slot.mac = holder.mac.has_value() ? holder.mac->bytes() : std::array<uint8_t, 6>{};
  slot.released = holder.released;
  slot.owner = holder.owner;
}

}  // namespace

Holder Slot::holder() const {
  Holder out;
  out.owner = owner;
  if (has_mac) out.mac = Mac(mac);
  if (name != nullptr) out.name = *name;
  out.claims = claims;
  out.epoch = epoch;
  out.released = released;
  out.since = std::chrono::sys_seconds(std::chrono::seconds(since));
  return out;
}

Subnet::Range& Subnet::add_range(const UsableRange& usable) {
  Range range{.first = offset_of(usable.first), .last = offset_of(usable.last), .cursor = {}, .held = {}};
  for (const auto& [key, slot] : slots_) {
    const Uint128 offset = offset_of_key(key);
    if (offset < range.first || offset > range.last) continue;
    ++range.held[static_cast<size_t>(slot.owner)];
    advance_cursor(range, offset, slot);
  }
  return ranges_.emplace(range.first, range).first->second;
}

void Subnet::place_cursors() {
  for (const auto& [key, slot] : slots_)
    if (Range* range = range_of(offset_of_key(key)); range != nullptr)
      advance_cursor(*range, offset_of_key(key), slot);
}

void Subnet::advance_cursor(Range& range, Uint128 offset, const Slot& slot) {
  const bool automatic = slot.owner == OwnerClass::kEndpoint || slot.owner == OwnerClass::kSwarm;
  if (automatic && offset >= range.cursor.value_or(0)) range.cursor = offset;
}

Subnet::Range* Subnet::range_of(Uint128 offset) {
  auto after = ranges_.upper_bound(offset);
  if (after == ranges_.begin()) return nullptr;
  Range& range = std::prev(after)->second;
  return offset <= range.last ? &range : nullptr;
}

Slot* Subnet::find(Uint128 offset) {
  const auto found = slots_.find(key_of(offset));
  return found == slots_.end() ? nullptr : &found->second;
}

void Subnet::index(Uint128 offset, const Slot& slot, Change change) {
  if (Range* range = range_of(offset); range != nullptr) {
    uint64_t& count = range->held[static_cast<size_t>(slot.owner)];
    count = change == Change::kEnter ? count + 1 : count - 1;
  }
  if (slot.owner == OwnerClass::kGateway) {
    if (change == Change::kEnter)
      gateways_.insert(offset);
    else
      gateways_.erase(offset);
  }
  if (slot.owner != OwnerClass::kEndpoint || !slot.has_mac) return;
  if (change == Change::kEnter) {
    by_mac_.emplace(mac_number(slot.mac), key_of(offset));
    return;
  }
  const auto [first, last] = by_mac_.equal_range(mac_number(slot.mac));
  for (auto entry = first; entry != last; ++entry) {
    if (!(entry->second == key_of(offset))) continue;
    by_mac_.erase(entry);
    return;
  }
}

Slot& Subnet::insert(Uint128 offset, const Holder& holder, SlotState state) {
  Slot& slot = slots_[key_of(offset)];
  assign(slot, holder);
  slot.state = state;
  map_.take(offset);
  index(offset, slot, Change::kEnter);
  return slot;
}

void Subnet::update(Uint128 offset, const Holder& holder) {
  Slot& slot = *find(offset);
  index(offset, slot, Change::kLeave);
  assign(slot, holder);
  index(offset, slot, Change::kEnter);
}

void Subnet::erase(Uint128 offset) {
  index(offset, *find(offset), Change::kLeave);
  slots_.erase(key_of(offset));
  map_.give_back(offset);
}

std::optional<Uint128> Subnet::next_free(const Range& range) const {
  if (range.cursor.has_value() && *range.cursor < range.last) {
    const auto ahead = first_free(*range.cursor + 1, range.last);
    if (ahead.has_value()) return ahead;
  }
  return first_free(range.first, range.last);
}

std::optional<Uint128> Subnet::lowest_gateway() const {
  if (gateways_.empty()) return std::nullopt;
  return *gateways_.begin();
}

std::optional<Uint128> Subnet::find_mac(const Mac& mac, const Range& within,
                                        const std::set<Uint128>& except) const {
  const auto [first, last] = by_mac_.equal_range(mac_number(mac.bytes()));
  for (auto entry = first; entry != last; ++entry) {
    const Uint128 offset = offset_of_key(entry->second);
    if (offset >= within.first && offset <= within.last && !except.contains(offset)) return offset;
  }
  return std::nullopt;
}

void Subnet::for_each(const std::function<void(Uint128, const Slot&)>& visit) const {
  for (const auto& [key, slot] : slots_) visit(offset_of_key(key), slot);
}

}  // namespace viaduct::ipam
