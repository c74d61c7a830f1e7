#include "ipam/address_table.h"

#include <algorithm>
#include <array>
#include <functional>

namespace viaduct::ipam {

namespace {

constexpr size_t kKept = 16;  // slots of a table that got empty

}  // namespace

Holder Slot::holder() const {
  Holder out;
  out.owner = owner;
  if (has_mac) {
    std::array<uint8_t, 6> bytes{};
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(mac_number() >> (40 - 8 * i));
    out.mac = Mac(bytes);
  }
  out.name = std::string(NameStore::text(name));
  out.claims = static_cast<int>(claims);
  out.epoch = epoch;
  out.released = released;
  out.since = std::chrono::sys_seconds(std::chrono::seconds(since()));
  if (resting) out.rest = rest();
  return out;
}

uint64_t AddressTable::number_of(const Mac& mac) {
  uint64_t number = 0;
  for (const uint8_t byte : mac.bytes()) number = (number << 8) | byte;
  return number;
}

uint64_t AddressTable::hash(uint64_t number) {
  number = (number ^ (number >> 33)) * 0xff51afd7ed558ccdU;
  number = (number ^ (number >> 33)) * 0xc4ceb9fe1a85ec53U;
  return number ^ (number >> 33);
}

uint64_t AddressTable::hash(Uint128 number) {
  const auto high = static_cast<uint64_t>(number >> 64);
  return hash(static_cast<uint64_t>(number) + (high == 0 ? 0 : hash(high)));
}

uint64_t AddressTable::hash(std::string_view text) {
  return hash(uint64_t{std::hash<std::string_view>()(text)});
}

AddressTable::Number AddressTable::find(Uint128 offset) const {
  return by_offset_.find(hash(offset), [&](Number number) { return offset_of(number) == offset; });
}

Uint128 AddressTable::offset_of(Number number) const {
  Uint128 offset = at(number).offset_low;
  if (host_bits_ > 32) offset |= Uint128{middle_[number - 1]} << 32;
  if (host_bits_ > 64) offset |= Uint128{high_[number - 1]} << 64;
  return offset;
}

AddressTable::Number AddressTable::spare_slot() {
  if (spare_ != 0) {
    const Number number = spare_;
    spare_ = at(number).newer;
    return number;
  }
  slots_.push_back();
  if (host_bits_ > 32) middle_.push_back();
  if (host_bits_ > 64) high_.push_back();
  return static_cast<Number>(slots_.size());
}

void AddressTable::assign(Slot& slot, const Holder& holder) {
  constexpr int64_t kMostSeconds = (int64_t{1} << 39) - 1;
  constexpr uint64_t kSecondBits = (uint64_t{1} << 40) - 1;
  constexpr uint64_t kMostEpoch = (uint64_t{1} << 48) - 1;
  constexpr int kMostClaims = (1 << 24) - 1;
  const auto seconds = [&](int64_t of) {
    return static_cast<uint64_t>(std::clamp(of, -kMostSeconds, kMostSeconds));
  };
  slot.epoch = std::min(holder.epoch, kMostEpoch) & kMostEpoch;
  slot.owner = holder.owner;
  slot.released = holder.released;
  slot.resting = holder.rest.has_value();
  slot.rest_bits = seconds(holder.rest.value_or(0)) & kSecondBits;
  slot.since_bits = seconds(holder.since.time_since_epoch().count()) & kSecondBits;
  slot.claims = static_cast<uint64_t>(std::clamp(holder.claims, 0, kMostClaims)) & 0xffffffU;
  slot.has_mac = holder.mac.has_value();
  const uint64_t mac = holder.mac.has_value() ? number_of(*holder.mac) : 0;
  slot.mac_high = (mac >> 24U) & 0xffffffU;
  slot.mac_low = static_cast<uint32_t>(mac) & 0xffffffU;
  if (NameStore::text(slot.name) == holder.name) return;
  if (names_ == nullptr) names_ = std::make_unique<NameStore>();
  names_->remove(slot.name);
  slot.name = names_->add(holder.name);
}

namespace {

// Grows the index where it must, then inserts the number; `for_each(insert)` names all others again.
template <typename ForEach>
void insert_into(SlotIndex& index, uint64_t hash, uint32_t number, ForEach&& for_each) {
  if (!index.full_for(number)) return index.insert(hash, number);
  index.grow(number);
  for_each([&](uint64_t other_hash, uint32_t other) { index.insert(other_hash, other); });
}

}  // namespace

void AddressTable::enter(Number entering) {
  const Slot& slot = at(entering);
  if (has_mac(slot))
    insert_into(by_mac_, hash(slot.mac_number()), entering, [&](auto&& insert) {
      for_each([&](Number number) {
        if (has_mac(at(number))) insert(hash(at(number).mac_number()), number);
      });
    });
  if (has_name(slot))
    insert_into(by_name_, hash(NameStore::text(slot.name)), entering, [&](auto&& insert) {
      for_each([&](Number number) {
        if (has_name(at(number))) insert(hash(NameStore::text(at(number).name)), number);
      });
    });
}

void AddressTable::leave(Number number) {
  const Slot& slot = at(number);
  if (has_mac(slot)) by_mac_.erase(hash(slot.mac_number()), number);
  if (has_name(slot)) by_name_.erase(hash(NameStore::text(slot.name)), number);
}

AddressTable::Number AddressTable::fill_slot(Uint128 offset, const Holder& holder, SlotState state) {
  const Number filled = spare_slot();
  Slot& slot = at(filled);
  slot = Slot();
  slot.offset_low = static_cast<uint32_t>(offset);
  if (host_bits_ > 32) middle_[filled - 1] = static_cast<uint32_t>(offset >> 32);
  if (host_bits_ > 64) high_[filled - 1] = static_cast<uint64_t>(offset >> 64);
  assign(slot, holder);
  slot.state = state;
  slot.live = true;
  ++live_;
  return filled;
}

AddressTable::Number AddressTable::insert(Uint128 offset, const Holder& holder, SlotState state) {
  const Number inserted = fill_slot(offset, holder, state);
  insert_into(by_offset_, hash(offset), inserted, [&](auto&& insert) {
    for_each([&](Number number) { insert(hash(offset_of(number)), number); });
  });
  enter(inserted);
  return inserted;
}

AddressTable::Number AddressTable::append(Uint128 offset, const Holder& holder) {
  return fill_slot(offset, holder, SlotState::kSettled);
}

template <typename Belongs, typename HashOf>
void AddressTable::fill(SlotIndex& index, Belongs&& belongs, HashOf&& hash_of) {
  constexpr size_t kAhead = 16;
  struct Entry {
    uint64_t hash = 0;
    Number number = 0;
  };
  std::array<Entry, kAhead> waiting;
  size_t turn = 0;
  const auto insert = [&](Entry& entry) {
    if (entry.number != 0) index.insert(entry.hash, entry.number);
    entry = Entry();
  };
  for_each([&](Number number) {
    if (!belongs(at(number))) return;
    Entry& place = waiting[turn++ % kAhead];
    insert(place);
    place = {hash_of(number), number};
    index.prefetch(place.hash);
  });
  for (Entry& entry : waiting) insert(entry);
}

void AddressTable::build_indexes() {
  size_t macs = 0;
  size_t names = 0;
  for_each([&](Number number) {
    macs += has_mac(at(number)) ? 1 : 0;
    names += has_name(at(number)) ? 1 : 0;
  });
  const auto highest = static_cast<Number>(slots_.size());
  by_offset_.reserve(live_, highest);
  by_mac_.reserve(macs, highest);
  by_name_.reserve(names, highest);
  // Each index in its turn, and its memory asked for some slots ahead: else every insertion waits for it.
  fill(
      by_offset_, [](const Slot&) { return true; }, [&](Number number) { return hash(offset_of(number)); });
  fill(by_mac_, has_mac, [&](Number number) { return hash(at(number).mac_number()); });
  fill(by_name_, has_name, [&](Number number) { return hash(NameStore::text(at(number).name)); });
}

void AddressTable::update(Number number, const Holder& holder) {
  Slot& slot = at(number);
  const bool same_mac = slot.has_mac == holder.mac.has_value() &&
                        (!slot.has_mac || slot.mac_number() == number_of(*holder.mac));
  const bool same_keys = slot.owner == holder.owner && same_mac && NameStore::text(slot.name) == holder.name;
  if (!same_keys) leave(number);
  assign(slot, holder);
  if (!same_keys) enter(number);
}

void AddressTable::erase(Number number) {
  leave(number);
  by_offset_.erase(hash(offset_of(number)), number);
  Slot& slot = at(number);
  if (slot.name != nullptr) names_->remove(slot.name);
  slot = Slot();
  slot.newer = spare_;
  spare_ = number;
  // A small one is kept, for the next address.
  if (--live_ == 0 && slots_.size() > kKept) *this = AddressTable(host_bits_);
}

}  // namespace viaduct::ipam
