#include "ipam/subnet.h"

#include <algorithm>

namespace viaduct::ipam {

std::vector<Interval> without(const Interval& whole, std::vector<Interval> excluded) {
  std::sort(excluded.begin(), excluded.end(),
            [](const Interval& left, const Interval& right) { return left.first < right.first; });
  std::vector<Interval> open;
  Uint128 from = whole.first;
  for (const Interval& part : excluded) {
    if (part.last < from) continue;
    if (part.first > whole.last) break;
    if (part.first > from) open.push_back({from, part.first - 1});
    if (part.last >= whole.last) return open;
    from = part.last + 1;
  }
  open.push_back({from, whole.last});
  return open;
}

namespace {

// The part that holds `from`, or else the first behind it.
auto part_from(std::span<const Interval> parts, Uint128 from) {
  return std::partition_point(parts.begin(), parts.end(),
                              [&](const Interval& part) { return part.last < from; });
}

// How many offsets the parts have; 0 for all 2^128.
Uint128 size_of(std::span<const Interval> parts) {
  Uint128 size = 0;
  for (const Interval& part : parts) size += part.last - part.first + 1;
  return size;
}

// A number below `bound` (2^128 where 0).
Uint128 below(Uint128 bound, uint64_t random) {
  constexpr Uint128 kNarrow = Uint128{1} << 64;
  if (bound != 0 && bound < kNarrow) return Uint128{random} * bound >> 64;
  // The upper half from the lower: an offset of a wide range is no secret, only spread.
  const uint64_t more = (random ^ (random >> 31)) * 0x9e3779b97f4a7c15U;
  const Uint128 wide = (Uint128{random} << 64) | more;
  return bound == 0 ? wide : wide % bound;
}

// Precondition: the open parts are not empty.
Uint128 any_position(const Subnet::Range& range, uint64_t random) {
  Uint128 left = below(size_of(range.open()), random);
  for (const Interval& part : range.open()) {
    if (left <= part.last - part.first) return part.first + left;
    left -= part.last - part.first + 1;
  }
  return range.open().front().first;
}

bool automatic(const Slot& slot) {
  return slot.owner == OwnerClass::kEndpoint || slot.owner == OwnerClass::kSwarm;
}

}  // namespace

bool Subnet::Range::is_open(Uint128 offset) const {
  const auto parts = open();
  const auto part = part_from(parts, offset);
  return part != parts.end() && part->first <= offset;
}

void Subnet::add_range(Range& added, const UsableRange& usable, const std::vector<Interval>& excluded) {
  added.first = offset_of(usable.first);
  added.last = offset_of(usable.last);
  if (!excluded.empty()) {
    std::vector<Interval> open = without(added, excluded);
    if (open.empty() || open.front() != added) {
      added.excluded = added.last - added.first + 1 - size_of(open);
      added.pieces = std::make_unique<const std::vector<Interval>>(std::move(open));
    }
  }
  ranges_.insert(place_of(added.first), &added);
  table_.for_each([&](Number number) {
    const Uint128 offset = table_.offset_of(number);
    if (range_of(offset) != &added) return;
    count_in(offset, number);
    advance_cursor(added, offset, table_.at(number));
  });
  for (auto at = reserved_.lower_bound(added.first); at != reserved_.end() && *at <= added.last; ++at)
    if (table_.find(*at) == 0) ++added.reserved;
  sort_rests(added);
}

void Subnet::remove_range(Range& range) {
  while (range.oldest != 0) unlink_rest(range, range.oldest);
  ranges_.erase(&range);
}

void Subnet::place_cursors() {
  table_.for_each([&](Number number) {
    const Uint128 offset = table_.offset_of(number);
    if (Range* range = range_of(offset); range != nullptr) advance_cursor(*range, offset, table_.at(number));
  });
}

void Subnet::order_rests() {
  for (Range* range : ranges_) sort_rests(*range);
}

void Subnet::advance_cursor(Range& range, Uint128 offset, const Slot& slot) {
  if (automatic(slot) && offset >= range.cursor.value_or(0)) range.cursor = offset;
}

Few<Subnet::Range>::Iterator Subnet::place_of(Uint128 offset) const {
  return std::partition_point(ranges_.begin(), ranges_.end(),
                              [&](const Range* range) { return range->last < offset; });
}

Subnet::Range* Subnet::range_of(Uint128 offset) {
  const auto place = place_of(offset);
  return place != ranges_.end() && (*place)->first <= offset ? *place : nullptr;
}

void Subnet::append_rest(Range& range, Number number) {
  Slot& slot = table_.at(number);
  slot.older = range.newest;
  slot.newer = 0;
  (range.newest == 0 ? range.oldest : table_.at(range.newest).newer) = number;
  range.newest = number;
}

void Subnet::unlink_rest(Range& range, Number number) {
  Slot& slot = table_.at(number);
  (slot.older == 0 ? range.oldest : table_.at(slot.older).newer) = slot.newer;
  (slot.newer == 0 ? range.newest : table_.at(slot.newer).older) = slot.older;
  slot.older = slot.newer = 0;
}

void Subnet::sort_rests(Range& range) {
  struct Rest {
    int64_t since;
    Number number;
  };
  std::vector<Rest> rests;
  for (Number at = range.oldest; at != 0; at = table_.at(at).newer)
    rests.push_back({table_.at(at).rest(), at});
  std::sort(rests.begin(), rests.end(), [&](const Rest& left, const Rest& right) {
    return left.since != right.since ? left.since < right.since
                                     : table_.offset_of(left.number) < table_.offset_of(right.number);
  });
  range.oldest = range.newest = 0;
  for (const Rest& rest : rests) append_rest(range, rest.number);
}

void Subnet::count_in(Uint128 offset, Number number) {
  const Slot& slot = table_.at(number);
  if (slot.resting) ++resting_;
  if (Range* range = range_of(offset); range != nullptr) {
    ++(slot.resting ? range->resting : range->held[static_cast<size_t>(slot.owner)]);
    if (slot.resting && range->is_open(offset)) append_rest(*range, number);
  }
  if (slot.owner == OwnerClass::kGateway && !slot.resting) gateways_.insert(offset);
}

void Subnet::count_out(Uint128 offset, Number number) {
  const Slot& slot = table_.at(number);
  if (slot.resting) --resting_;
  if (Range* range = range_of(offset); range != nullptr) {
    --(slot.resting ? range->resting : range->held[static_cast<size_t>(slot.owner)]);
    if (slot.resting && range->is_open(offset)) unlink_rest(*range, number);
  }
  if (slot.owner == OwnerClass::kGateway && !slot.resting) gateways_.erase(offset);
}

Slot* Subnet::find(Uint128 offset) {
  const Number number = table_.find(offset);
  return number == 0 ? nullptr : &table_.at(number);
}

Slot& Subnet::insert(Uint128 offset, const Holder& holder, SlotState state) {
  const Number number = table_.insert(offset, holder, state);
  map_.take(offset);
  if (!reserved_.empty() && reserved(offset))
    if (Range* range = range_of(offset); range != nullptr) --range->reserved;
  count_in(offset, number);
  return table_.at(number);
}

void Subnet::load(Uint128 offset, const Holder& holder) {
  const Number number = table_.append(offset, holder);
  map_.take(offset);
  count_in(offset, number);
}

void Subnet::end_loading() {
  table_.build_indexes();
  place_cursors();
  order_rests();
}

void Subnet::update(Uint128 offset, const Holder& holder) {
  const Number number = table_.find(offset);
  count_out(offset, number);
  table_.update(number, holder);
  count_in(offset, number);
}

void Subnet::erase(Uint128 offset) {
  const Number number = table_.find(offset);
  count_out(offset, number);
  table_.erase(number);
  if (reserved_.empty() || !reserved(offset)) {
    if (aside_.empty() || !aside(offset)) map_.give_back(offset);
  } else if (Range* range = range_of(offset); range != nullptr) {
    ++range->reserved;
  }
}

void Subnet::set_reserved(Uint128 offset) {
  if (!reserved_.insert(offset).second) return;
  map_.take(offset);
  if (table_.find(offset) != 0) return;
  if (Range* range = range_of(offset); range != nullptr) ++range->reserved;
}

void Subnet::clear_reserved(Uint128 offset) {
  if (reserved_.erase(offset) == 0 || table_.find(offset) != 0) return;
  if (!aside(offset)) map_.give_back(offset);
  if (Range* range = range_of(offset); range != nullptr) --range->reserved;
}

void Subnet::set_aside(Uint128 offset) {
  if (aside_.insert(offset).second) map_.take(offset);
}

void Subnet::clear_aside(Uint128 offset) {
  if (aside_.erase(offset) > 0 && table_.find(offset) == 0 && !reserved(offset)) map_.give_back(offset);
}

uint64_t Subnet::asides(const Range& range) const {
  uint64_t count = 0;
  for (auto at = aside_.lower_bound(range.first); at != aside_.end() && *at <= range.last; ++at)
    if (const Slot* slot = find(*at); slot == nullptr || slot->resting) ++count;
  return count;
}

std::optional<Uint128> Subnet::lowest_aside(Uint128 from, Uint128 to) const {
  for (auto at = aside_.lower_bound(from); at != aside_.end() && *at <= to; ++at)
    if (table_.find(*at) == 0 && !reserved(*at)) return *at;
  return std::nullopt;
}

std::optional<Uint128> Subnet::first_open(const Range& range, Uint128 from) const {
  const auto open = range.open();
  for (auto part = part_from(open, from); part != open.end(); ++part)
    if (const auto found = map_.first_free(std::max(from, part->first), part->last)) return found;
  return std::nullopt;
}

std::optional<Uint128> Subnet::propose(const Range& range, Policy policy, uint64_t random) const {
  if (range.open().empty()) return std::nullopt;
  Uint128 from = range.first;
  if (policy == Policy::kRandom)
    from = any_position(range, random);
  else if (policy != Policy::kLowest && range.cursor.has_value() && *range.cursor < range.last)
    from = *range.cursor + 1;
  auto found = first_open(range, from);
  return found.has_value() || from == range.first ? found : first_open(range, range.first);
}

bool Subnet::up_for_grabs(Number number) const {
  if (table_.at(number).state != SlotState::kSettled) return false;
  const Uint128 offset = table_.offset_of(number);
  return !reserved(offset) && !aside(offset);
}

std::optional<Uint128> Subnet::oldest_rest(const Range& range) const {
  for (Number at = range.oldest; at != 0; at = table_.at(at).newer)
    if (up_for_grabs(at)) return table_.offset_of(at);
  return std::nullopt;
}

std::vector<Uint128> Subnet::upcoming(const Range& range, Policy policy, size_t count) const {
  std::vector<Uint128> out;
  const auto start = propose(range, policy, 0);
  // Once around: from the first one to the end, then from the beginning to it.
  for (auto at = start; at.has_value() && out.size() < count;) {
    out.push_back(*at);
    auto next = *at == range.last ? std::nullopt : first_open(range, *at + 1);
    if (!next.has_value() && *at >= *start) next = first_open(range, range.first);
    const bool all_around = next.has_value() && *next >= *start && (*at < *start || *next <= *at);
    at = all_around ? std::nullopt : next;
  }
  for (Number at = range.oldest; at != 0 && out.size() < count; at = table_.at(at).newer)
    if (up_for_grabs(at)) out.push_back(table_.offset_of(at));
  return out;
}

std::optional<Uint128> Subnet::lowest_gateway() const {
  if (gateways_.empty()) return std::nullopt;
  return *gateways_.begin();
}

namespace {

// Of the slots that `visit` is shown: the first that is held, else the one that came to rest last.
class BestFormer {
 public:
  BestFormer(const AddressTable& table, const Subnet::Range& within, const std::set<Uint128>& except)
      : table_(table), within_(within), except_(except) {}

  // True ends the search.
  bool visit(AddressTable::Number number) {
    const Slot& slot = table_.at(number);
    const Uint128 offset = table_.offset_of(number);
    if (offset < within_.first || offset > within_.last || except_.contains(offset)) return false;
    if (!slot.resting || !best_.has_value() || slot.rest() > rest_) {
      best_ = offset;
      rest_ = slot.rest();
    }
    return !slot.resting;
  }
  [[nodiscard]] std::optional<Uint128> best() const { return best_; }

 private:
  const AddressTable& table_;
  const Subnet::Range& within_;
  const std::set<Uint128>& except_;
  std::optional<Uint128> best_;
  int64_t rest_ = 0;
};

}  // namespace

std::optional<Uint128> Subnet::find_mac(const Mac& mac, const Range& within,
                                        const std::set<Uint128>& except) const {
  BestFormer former(table_, within, except);
  (void)table_.find_mac(mac, [&](Number number) { return former.visit(number); });
  return former.best();
}

std::optional<Uint128> Subnet::find_name(const std::string& name, const Range& within,
                                         const std::set<Uint128>& except) const {
  BestFormer former(table_, within, except);
  (void)table_.find_name(name, [&](Number number) { return former.visit(number); });
  return former.best();
}

bool Subnet::has_mac(const Mac& mac) const {
  return table_.find_mac(mac, [](Number) { return true; }) != 0;
}

bool Subnet::is_free_in(const Range& range, Uint128 offset) const {
  return range.is_open(offset) && offset >= range.first && offset <= range.last && !map_.taken(offset);
}

void Subnet::for_each(const std::function<void(Uint128, const Slot&)>& visit) const {
  table_.for_each([&](Number number) { visit(table_.offset_of(number), table_.at(number)); });
}

}  // namespace viaduct::ipam
