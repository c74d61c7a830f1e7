// Measures the structures in memory that hold pools and addresses, without a store and a service. Prints a JSON
// object a line: what was measured, the size in bits of host, and nanoseconds an operation or bytes an address.
#include <fmt/format.h>
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "bench/run_list.h"
#include "ipam/free_map.h"
#include "ipam/pool_table.h"
#include "ipam/subnet.h"

namespace {

using namespace viaduct;
using namespace viaduct::ipam;

constexpr uint64_t kSeed = 20260131;

double processor_nanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Nanoseconds of the processor for each of `count` operations: others may be busy on the machine meanwhile.
double per_operation(uint64_t count, const std::function<void()>& work) {
  const double start = processor_nanoseconds();
  work();
  return (processor_nanoseconds() - start) / static_cast<double>(count);
}

void report(const std::string& what, int bits, double ns) {
  fmt::print("{{\"what\":\"{}\",\"size_bits\":{},\"ns\":{:.1f}}}\n", what, bits, ns);
  std::fflush(stdout);
}

Holder holder_of(uint64_t number) {
  Holder holder;
  holder.mac = Mac({2, 0x42, static_cast<uint8_t>(number >> 24), static_cast<uint8_t>(number >> 16),
                    static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)});
  holder.epoch = 3;
  holder.since = std::chrono::sys_seconds(std::chrono::seconds(1769860800));
  return holder;
}

// Offset 1 of 2^bits and so on, half of them at random; scattered over the whole range where it is wide.
std::vector<Uint128> half_at_random(int bits) {
  std::mt19937_64 random(kSeed);
  std::vector<Uint128> offsets;
  if (bits > 24) {
    for (int i = 0; i < 1 << 20; ++i) {
      const Uint128 wide = (Uint128{random()} << 64) | random();
      offsets.push_back(wide >> (128 - bits));
    }
    return offsets;
  }
  for (uint64_t at = 0; at < uint64_t{1} << bits; ++at)
    if (random() % 2 == 0) offsets.push_back(at);
  std::shuffle(offsets.begin(), offsets.end(), random);
  return offsets;
}

// Which of those in use goes next: any, without the search for it costing much. From where they are few by a quick random
// number; from where they do not fit a cache by walking along the list, which is in random order and no longer than that.
class Victims {
 public:
  explicit Victims(std::vector<Uint128>& held) : held_(held) {}
  // How many operations may follow each other, of those wanted.
  [[nodiscard]] uint64_t at_most(uint64_t wanted) const {
    return few() ? wanted : std::min<uint64_t>(wanted, held_.size());
  }
  Uint128& next() {
    if (!few()) return held_[at_++];
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return held_[((state_ >> 32) * held_.size()) >> 32];
  }

 private:
  [[nodiscard]] bool few() const { return held_.size() < (size_t{1} << 15); }

  std::vector<Uint128>& held_;
  size_t at_ = 0;
  uint64_t state_ = kSeed;
};

Uint128 last_of(int bits) {
  return ~Uint128{0} >> (128 - bits);
}

// What taking the next free address after the cursor and giving it back cost, and what giving one back at random and
// taking the next cost.
void measure_map(int bits) {
  FreeMap map(bits);
  const Uint128 last = last_of(bits);
  std::vector<Uint128> held;
  for (const Uint128 offset : half_at_random(bits))
    if (map.take(offset)) held.push_back(offset);
  constexpr uint64_t kCount = 2000000;
  Uint128 cursor = 0;
  const auto next = [&] {
    auto found = map.first_free(cursor == last ? 0 : cursor + 1, last);
    if (!found.has_value()) found = map.first_free(0, last);
    cursor = *found;
    return cursor;
  };
  report("map half full: request, release", bits, per_operation(kCount, [&] {
           for (uint64_t i = 0; i < kCount; ++i) {
             const Uint128 got = next();
             map.take(got);
             map.give_back(got);
           }
         }));
  Victims victims(held);
  const uint64_t count = victims.at_most(kCount);
  report("map half full: release at random, request", bits, per_operation(count, [&] {
           for (uint64_t i = 0; i < count; ++i) {
             Uint128& one = victims.next();
             map.give_back(one);
             one = next();
             map.take(one);
           }
         }));
}

// The same two of the rival, for as long as it takes to tell: its cost grows with the pool.
void measure_rival(int bits) {
  std::vector<Uint128> held;
  std::vector<bool> taken(size_t{1} << bits);
  for (const Uint128 offset : half_at_random(bits)) {
    held.push_back(offset);
    taken[static_cast<size_t>(offset)] = true;
  }
  bench::RunList list(bits, [&](uint64_t offset) { return taken[offset]; });
  uint64_t cursor = 0;
  const auto next = [&] {
    auto found = list.first_free(cursor + 1);
    if (!found.has_value()) found = list.first_free(0);
    cursor = *found;
    return cursor;
  };
  Victims victims(held);
  const auto measure = [&](const std::string& what, const std::function<void()>& operation) {
    constexpr double kEnough = 2e8;
    const double start = processor_nanoseconds();
    uint64_t count = 0;
    do {
      for (int i = 0; i < 16; ++i) operation();
      count += 16;
    } while (processor_nanoseconds() - start < kEnough && count + 16 <= victims.at_most(~uint64_t{0}));
    report(what, bits, (processor_nanoseconds() - start) / static_cast<double>(count));
  };
  measure("runs half full: request, release", [&] {
    const uint64_t got = next();
    list.take(got);
    list.give_back(got);
  });
  measure("runs half full: release at random, request", [&] {
    Uint128& one = victims.next();
    list.give_back(static_cast<uint64_t>(one));
    one = next();
    list.take(static_cast<uint64_t>(one));
  });
}

Prefix prefix_for(int bits) {
  return bits <= 24 ? Prefix(IpAddress(Family::kIpv4, 0x0a000000U), 32 - bits)
                    : Prefix(IpAddress(Family::kIpv6, Uint128{0xfd00} << 112), 128 - bits);
}

void measure_subnet(int bits) {
  Subnet subnet(prefix_for(bits));
  Subnet::Range range;
  subnet.add_range(range, *usable_range(subnet.prefix(), std::nullopt), {});
  std::vector<Uint128> held;
  uint64_t number = 0;
  for (const Uint128 offset : half_at_random(bits)) {
    if (subnet.find(offset) != nullptr) continue;
    held.push_back(offset);
    subnet.insert(offset, holder_of(number++), SlotState::kSettled);
  }
  constexpr uint64_t kCount = 1000000;
  const auto request = [&] {
    range.cursor = subnet.propose(range, Policy::kSerial, 0);
    subnet.insert(*range.cursor, holder_of(number++), SlotState::kSettled);
    return *range.cursor;
  };
  report("subnet half full: request, release", bits, per_operation(kCount, [&] {
           for (uint64_t i = 0; i < kCount; ++i) subnet.erase(request());
         }));
  Victims victims(held);
  const uint64_t count = victims.at_most(kCount);
  report("subnet half full: release at random, request", bits, per_operation(count, [&] {
           for (uint64_t i = 0; i < count; ++i) {
             Uint128& one = victims.next();
             subnet.erase(one);
             one = request();
           }
         }));
}

void measure_fill(int bits) {
  Subnet subnet(prefix_for(bits));
  Subnet::Range range;
  subnet.add_range(range, *usable_range(subnet.prefix(), std::nullopt), {});
  const uint64_t count = std::min<uint64_t>((uint64_t{1} << std::min(bits, 30)) - 2, uint64_t{1} << 20);
  report("subnet dense fill: request", bits, per_operation(count, [&] {
           for (uint64_t i = 0; i < count; ++i) {
             range.cursor = subnet.propose(range, Policy::kSerial, 0);
             subnet.insert(*range.cursor, holder_of(i), SlotState::kSettled);
           }
         }));
}

double bytes_in_use() {
  const struct mallinfo2 info = ::mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

enum class Names { kNone, kSixteen };

void measure_memory(int bits, Names names, Policy policy) {
  constexpr uint64_t kCount = 1000000;
  const double before = bytes_in_use();
  Subnet subnet(prefix_for(bits));
  Subnet::Range range;
  subnet.add_range(range, *usable_range(subnet.prefix(), std::nullopt), {});
  std::mt19937_64 random(kSeed);
  for (uint64_t i = 0; i < kCount; ++i) {
    Holder holder = holder_of(i);
    if (names == Names::kSixteen) holder.name = fmt::format("container-{:06}", i);
    range.cursor = subnet.propose(range, policy, random());
    subnet.insert(*range.cursor, holder, SlotState::kSettled);
  }
  fmt::print("{{\"what\":\"memory of 1000000 addresses with MAC{}{}\",\"size_bits\":{},\"bytes\":{:.1f}}}\n",
             names == Names::kSixteen ? " and name of 16" : "",
             policy == Policy::kRandom ? ", scattered" : "", bits, (bytes_in_use() - before) / kCount);
  std::fflush(stdout);
}

PoolRecord pool_record(const Prefix& prefix) {
  return {.id = pool_id("local", prefix, std::nullopt),
          .space = "local",
          .pool = prefix,
          .sub_pool = {},
          .options = {},
          .since = std::chrono::sys_seconds(std::chrono::seconds(1769860800))};
}

void measure_pools() {
  constexpr size_t kPools = 20000;
  const double before = bytes_in_use();
  PoolTable table;
  const std::vector<PoolSource> sources = {{Prefix(IpAddress(Family::kIpv4, 0x0a000000U), 8), 24}};
  std::vector<Prefix> held;
  const auto request = [&] {
    held.push_back(*table.plan("local", sources, Family::kIpv4, std::nullopt, {}));
    return &table.add(pool_record(held.back()), PoolSettings(), PoolState::kSettled);
  };
  report("pools: first 20000 requests", 20, per_operation(kPools, [&] {
           for (size_t i = 0; i < kPools; ++i) request();
         }));
  fmt::print("{{\"what\":\"memory of a pool\",\"size_bits\":8,\"bytes\":{:.1f}}}\n",
             (bytes_in_use() - before) / kPools);
  std::mt19937_64 random(kSeed);
  constexpr size_t kRounds = 200000;
  double released = 0;
  double requested = 0;
  std::vector<size_t> order(kPools);
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t round = 0; round < kRounds / kPools * 2; ++round) {
    // Half of them at random go and come again.
    std::shuffle(held.begin(), held.end(), random);
    std::vector<Pool*> going;
    for (size_t i = 0; i < kPools / 2; ++i) {
      going.push_back(table.find(pool_id("local", held.back(), std::nullopt)));
      held.pop_back();
    }
    released += per_operation(kRounds, [&] {
      for (Pool* pool : going) table.remove(*pool);
    });
    requested += per_operation(kRounds, [&] {
      for (size_t i = 0; i < kPools / 2; ++i) request();
    });
  }
  report("pools: release of 20000", 20, released);
  report("pools: request among 20000", 20, requested);
  size_t overlaps = 0;
  report("pools: overlap test among 20000", 20, per_operation(kRounds, [&] {
           for (size_t i = 0; i < kRounds; ++i) {
             const Prefix probe(IpAddress(Family::kIpv4, 0x0a000000U | (random() & 0xffffffU)), 26);
             overlaps += table.find_overlap("local", probe, std::nullopt) != nullptr ? 1 : 0;
           }
         }));
  std::vector<std::string> ids;
  for (const Prefix& prefix : held) ids.push_back(pool_id("local", prefix, std::nullopt));
  report("pools: find by id among 20000", 20, per_operation(kRounds, [&] {
           for (size_t i = 0; i < kRounds; ++i)
             overlaps += table.find(ids[random() % ids.size()]) == nullptr ? 1 : 0;
         }));
  if (overlaps == 0) std::fputs("no overlap was found\n", stderr);
}

}  // namespace

// Without arguments all of it; else the parts named: sizes, memory, pools.
int main(int count, char** words) {
  const std::vector<std::string_view> parts(words + 1, words + count);
  const auto wanted = [&](std::string_view part) {
    return parts.empty() || std::find(parts.begin(), parts.end(), part) != parts.end();
  };
  if (wanted("sizes"))
    for (const int bits : {4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 64, 128}) {
      measure_map(bits);
      if (bits <= 24) measure_rival(bits);
      if (bits <= 22 || bits == 64) measure_fill(bits);
      measure_subnet(bits);
    }
  if (wanted("memory"))
    for (const Names names : {Names::kNone, Names::kSixteen}) {
      measure_memory(24, names, Policy::kSerial);
      measure_memory(24, names, Policy::kRandom);
      measure_memory(64, names, Policy::kSerial);
      measure_memory(64, names, Policy::kRandom);
    }
  if (wanted("pools")) measure_pools();
}
