#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ipam/chunked_array.h"
#include "ipam/claim.h"
#include "ipam/name_store.h"
#include "ipam/slot_index.h"

namespace viaduct::ipam {

// What a call is doing with an address.
enum class SlotState : uint8_t {
  kSettled,   // as the store has it
  kChanging,  // as the store has it; a call is about to change it
  kFresh,     // not in the store yet
};

// An address in memory that is held, or that rests; 48 bytes, for there may be a million. Epochs are kept to 48 bits,
// seconds to 40 bits with sign, claims to 24 bits.
struct Slot {
  uint64_t epoch : 48 = 0;
  OwnerClass owner : 2 = OwnerClass::kEndpoint;
  SlotState state : 2 = SlotState::kSettled;
  bool released : 1 = false;
  bool has_mac : 1 = false;
  bool resting : 1 = false;      // nobody holds it; rest() tells since when
  bool live : 1 = false;         // else the slot is spare
  uint64_t since_bits : 40 = 0;  // seconds since 1970, UTC; two's complement, as rest_bits
  uint64_t claims : 24 = 1;
  uint64_t rest_bits : 40 = 0;  // lasting seconds
  uint64_t mac_high : 24 = 0;   // first three bytes
  NameStore::Ref name = nullptr;
  uint32_t mac_low : 24 = 0;  // last three bytes
  uint32_t offset_low = 0;    // of the offset, the lowest 32 bits
  // Neighbours in the list of what rests in a range, by number; 0: none. A spare slot's `newer` is the next spare one.
  uint32_t older = 0;
  uint32_t newer = 0;

  [[nodiscard]] Holder holder() const;
  [[nodiscard]] int64_t since() const { return signed_of(since_bits); }
  [[nodiscard]] int64_t rest() const { return signed_of(rest_bits); }
  [[nodiscard]] uint64_t mac_number() const { return uint64_t{mac_high} << 24U | mac_low; }
  static int64_t signed_of(uint64_t bits) { return static_cast<int64_t>(bits << 24U) >> 24U; }
};
static_assert(sizeof(Slot) == 48);

// The slots of one subnet by number (from 1 on; 0 is none), with indexes by offset and, for endpoints, by MAC and by
// name. About 70 bytes an address with its MAC, and its name. An empty table owns no memory, and one that gets empty
// gives it back. A slot does not move while it lives. Cost does not depend on the number of slots, but on how many
// share a MAC or a name. Not thread-safe.
class AddressTable {
 public:
  using Number = uint32_t;

  // Offsets of at most that many bits, which decide the memory that they take. Precondition: 0 <= host_bits <= 128.
  explicit AddressTable(int host_bits) : host_bits_(host_bits) {}

  [[nodiscard]] size_t size() const { return live_; }
  // 0 where there is none.
  [[nodiscard]] Number find(Uint128 offset) const;
  // Precondition of all that take a number: its slot lives.
  [[nodiscard]] Slot& at(Number number) const { return slots_[number - 1]; }
  [[nodiscard]] Uint128 offset_of(Number number) const;

  // Precondition: there is none of that offset.
  Number insert(Uint128 offset, const Holder& holder, SlotState state);
  void update(Number number, const Holder& holder);
  void erase(Number number);

  // As insert() of a settled slot, for many of them: nothing is found before build_indexes(), which makes all findable
  // together, in as much memory as they need. Nothing else may be changed between the two.
  Number append(Uint128 offset, const Holder& holder);
  void build_indexes();

  // The first slot of an endpoint with that MAC or name that `accept(number)` takes; 0: none.
  template <typename Accept>
  [[nodiscard]] Number find_mac(const Mac& mac, Accept&& accept) const {
    const uint64_t wanted = number_of(mac);
    return by_mac_.find(hash(wanted),
                        [&](Number number) { return at(number).mac_number() == wanted && accept(number); });
  }
  template <typename Accept>
  [[nodiscard]] Number find_name(std::string_view name, Accept&& accept) const {
    return by_name_.find(hash(name), [&](Number number) {
      return NameStore::text(at(number).name) == name && accept(number);
    });
  }

  // In no order that means anything. The visitor neither inserts nor erases.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (Number number = 1; number <= slots_.size(); ++number)
      if (at(number).live) visit(number);
  }

 private:
  static uint64_t number_of(const Mac& mac);
  static uint64_t hash(Uint128 number);
  static uint64_t hash(uint64_t number);
  static uint64_t hash(std::string_view text);
  static bool has_mac(const Slot& slot) { return slot.owner == OwnerClass::kEndpoint && slot.has_mac; }
  static bool has_name(const Slot& slot) {
    return slot.owner == OwnerClass::kEndpoint && slot.name != nullptr;
  }

  Number spare_slot();
  Number fill_slot(Uint128 offset, const Holder& holder, SlotState state);
  void assign(Slot& slot, const Holder& holder);
  // Inserts every slot that belongs there.
  template <typename Belongs, typename HashOf>
  void fill(SlotIndex& index, Belongs&& belongs, HashOf&& hash_of);
  void enter(Number number);
  void leave(Number number);

  int host_bits_;
  uint32_t live_ = 0;
  Number spare_ = 0;
  ChunkedArray<Slot> slots_;
  ChunkedArray<uint32_t> middle_;  // bits 32 to 63 of the offsets, where they have that many
  ChunkedArray<uint64_t> high_;    // bits 64 to 127
  SlotIndex by_offset_;
  SlotIndex by_mac_;
  SlotIndex by_name_;
  std::unique_ptr<NameStore> names_;  // made for the first name
};

}  // namespace viaduct::ipam
