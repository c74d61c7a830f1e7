#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>
#include <utility>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam::testing {
namespace {

// A store that dies with its daemon: from some moment on nothing reaches it, or one commit more does, whose answer is lost.
class MortalStore final : public store::Store {
 public:
  enum class State { kAlive, kDiesAfterACommit, kDead };
  State state = State::kAlive;

  Status commit(const store::Transaction& transaction) override {
    const std::lock_guard lock(mutex_);  // the service writes in the background as well
    if (state == State::kDead) return unavailable("the daemon is dead");
    const auto committed = inner_.commit(transaction);
    if (state == State::kAlive) return committed;
    state = State::kDead;
    return unavailable("the daemon died");
  }
  Result<std::optional<std::string>> get(store::Table table, const std::string& key) override {
    return inner_.get(table, key);
  }
  Status scan(store::Table table, const std::function<void(const store::Row&)>& visit) override {
    return inner_.scan(table, visit);
  }
  void set(State next) {
    const std::lock_guard lock(mutex_);
    state = next;
  }

 private:
  std::mutex mutex_;
  store::MemoryStore inner_;
};

// The rules once more, naively: one pool 10.1.0.0/28 of the local space, and a visible engine.
struct Oracle {
  struct Held {
    OwnerClass owner = OwnerClass::kEndpoint;
    int mac = 0;
    int claims = 1;
    uint64_t epoch = 0;
    bool released = false;
  };
  int refs = 0;
  uint64_t pool_epoch = 0;
  uint64_t epoch = 1;
  struct Rest {
    int mac = 0;        // that had the address last; 0: none
    int64_t since = 0;  // by `time`
  };
  std::map<int, Held> held;  // by last byte
  std::map<int, Rest> resting;
  std::set<int> bound;
  int64_t time = 0;  // seconds that passed for certain

  static bool usable(int host) { return host >= 1 && host <= 14; }

  // Whether an explicit request is granted. `mac` 0: none.
  bool explicit_request(int host, OwnerClass owner, int mac) {
    if (!usable(host)) return false;
    const bool bare = owner == OwnerClass::kAuxiliary;
    const auto found = held.find(host);
    if (found == held.end()) {
      if (const auto rest = resting.find(host); rest != resting.end()) return wake(rest, owner, mac);
      if (bound.contains(host) && !bare) return false;
      held[host] = {bound.contains(host) ? OwnerClass::kEndpoint : owner, mac, 1, epoch, false};
      return true;
    }
    Held& holder = found->second;
    const bool older = holder.epoch < epoch;
    // An endpoint that came back by a bare request has no MAC: nobody shares its key.
    const bool same = holder.owner == owner && (owner != OwnerClass::kEndpoint || holder.mac == mac);
    if (same) {
      if (owner != OwnerClass::kEndpoint) holder.claims = older ? 1 : holder.claims + 1;
    } else if (bare && older && (holder.owner == OwnerClass::kEndpoint || !bound.contains(host))) {
      holder.claims = 1;
    } else if (!bare && older && !bound.contains(host)) {
      holder = {owner, mac, 1, epoch, false};
    } else {
      return false;
    }
    holder.epoch = epoch;
    holder.released = false;
    return true;
  }

  // An explicit request for an address that rests: its former endpoint's replay, its own again, or another's.
  bool wake(std::map<int, Rest>::iterator rest, OwnerClass owner, int mac) {
    const int host = rest->first;
    const int former = rest->second.mac;
    const bool bare = owner == OwnerClass::kAuxiliary;
    const bool own = owner == OwnerClass::kEndpoint && mac != 0 && mac == former;
    if (bound.contains(host) && !bare && !own) return false;
    held[host] =
        bare ? Held{OwnerClass::kEndpoint, former, 1, epoch, false} : Held{owner, mac, 1, epoch, false};
    resting.erase(rest);
    return true;
  }

  void free(int host) {
    const Held& holder = held.at(host);
    if (holder.owner == OwnerClass::kEndpoint) resting[host] = {holder.mac, time};
    held.erase(host);
  }

  // Whether `host` was a right answer to an automatic request; 0: exhausted.
  bool automatic_answer(int host, int mac) {
    for (const auto& [at, holder] : held)
      if (holder.owner == OwnerClass::kEndpoint && holder.mac == mac && !bound.contains(at)) {
        if (held[host].owner != OwnerClass::kEndpoint || held[host].mac != mac || bound.contains(host))
          return false;
        held[host].epoch = epoch;
        held[host].released = false;
        return true;
      }
    const auto unused = [&](int at) { return !held.contains(at) && !bound.contains(at); };
    for (const auto& [at, rest] : resting)
      if (rest.mac == mac && !bound.contains(at) &&
          (host == 0 || !resting.contains(host) || resting[host].mac != mac))
        return false;  // its own former address comes first
    if (host == 0) {
      for (int at = 1; at <= 14; ++at)
        if (unused(at)) return false;
      return true;
    }
    if (!usable(host) || !unused(host)) return false;
    if (resting.contains(host) && resting[host].mac != mac)
      for (int at = 1; at <= 14; ++at) {
        if (!unused(at)) continue;
        if (!resting.contains(at)) return false;                    // one that was never used comes first
        if (resting[at].since < resting[host].since) return false;  // then what rested longest
      }
    resting.erase(host);
    held[host] = {OwnerClass::kEndpoint, mac, 1, epoch, false};
    return true;
  }

  void release(int host) {
    const auto found = held.find(host);
    if (found == held.end()) return;
    Held& holder = found->second;
    if (holder.owner != OwnerClass::kEndpoint && holder.claims > 1)
      --holder.claims;
    else if (bound.contains(host))
      holder.released = true;
    else
      free(host);
  }

  void endpoint_gone(int host) {
    const auto found = held.find(host);
    if (found != held.end() && (found->second.owner == OwnerClass::kEndpoint || found->second.released))
      free(host);
  }
};

class History {
 public:
  explicit History(uint64_t seed) : random_(seed) { world_.new_engine(kFirstEngine); }
  [[nodiscard]] uint64_t steps() const { return steps_; }

  void run(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFatalFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      ++steps_;
      one();
      compare();
    }
  }

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  static std::string text(int host) { return "10.1.0." + std::to_string(host); }

  void one() {
    const int what = below(100);
    if (what < 6) {
      request_pool();
    } else if (what < 9) {
      world_.release_pool(kId);
      if (oracle_.refs > 0 && --oracle_.refs == 0) {
        oracle_.held.clear();
        oracle_.resting.clear();
      }
    } else if (what < 35) {
      automatic();
    } else if (what < 60) {
      explicit_request();
    } else if (what < 80) {
      release();
    } else if (what < 92) {
      toggle_bound(below(14) + 1);
    } else if (what < 95) {
      const int host = below(16);
      ASSERT_TRUE(world_.service().endpoint_gone(prefix(kPool), ip(text(host)), soon()).ok());
      oracle_.endpoint_gone(host);
    } else if (what < 97) {
      engine_ = engine_ == kFirstEngine ? kSecondEngine : kFirstEngine;
      world_.new_engine(engine_);
      ++oracle_.epoch;
    } else if (what < 98) {
      pass_time();
    } else if (what < 99) {
      world_.reopen();
    } else {
      kill(below(2) == 0);
    }
  }

  void pass_time() {
    const std::chrono::seconds span(below(100));
    world_.clock.advance(span);
    oracle_.time += span.count();
    world_.clock.jump(std::chrono::seconds(below(200'000) - 100'000));
  }

  // kill -9, alone or with the whole machine, whose clock may have lost its time.
  void kill(bool machine) {
    store_.set(MortalStore::State::kDead);
    world_.close();
    store_.set(MortalStore::State::kAlive);
    if (machine) {
      world_.clock.reboot(std::chrono::seconds(below(200'000) - 100'000));
      world_.boot += "+";
    }
    world_.reopen();
  }

  // Now and then the daemon is killed between a call's commit and its answer; the engine asks again.
  void call(const std::function<void()>& ask) {
    if (below(30) == 0) {
      store_.set(MortalStore::State::kDiesAfterACommit);
      ask();
      kill(false);
    }
  }

  void release() {
    const int host = below(16);
    call([&] {
      (void)world_.service().release_address(kId, ip(text(host)), soon());
      if (oracle_.refs > 0) oracle_.release(host);
    });
    world_.release(kId, text(host));
    if (oracle_.refs > 0) oracle_.release(host);
  }

  void request_pool() {
    ASSERT_TRUE(world_.request_pool(kPool).ok());
    oracle_.refs = oracle_.refs > 0 && oracle_.pool_epoch == oracle_.epoch ? oracle_.refs + 1 : 1;
    oracle_.pool_epoch = oracle_.epoch;
  }

  void automatic() {
    const int number = below(8) + 1;
    call([&] {
      (void)world_.endpoint(kId, number);
      repeated_ = number;
    });
    if (std::exchange(repeated_, 0) != 0) adopt_epochs_of(number);
    const auto reply = world_.endpoint(kId, number);
    if (oracle_.refs == 0) {
      ASSERT_FALSE(reply.ok());
      return;
    }
    const int host = reply.ok() ? static_cast<int>(reply.value().address.address.value() & 0xff) : 0;
    ASSERT_TRUE(oracle_.automatic_answer(host, number)) << World::text(reply);
  }

  // Where one MAC holds several addresses, the lost answer may have been another of them than the next one is.
  void adopt_epochs_of(int number) {
    for (const AddressView& view : world_.service().addresses()) {
      const auto held = oracle_.held.find(static_cast<int>(view.address.value() & 0xff));
      if (held == oracle_.held.end() || view.mac != mac(number) || view.epoch != oracle_.epoch) continue;
      held->second.epoch = oracle_.epoch;
      held->second.released = false;
    }
  }

  void explicit_request() {
    const int host = below(16);
    const int number = below(8) + 1;
    const int kind = below(3);
    const auto owner = kind == 0   ? OwnerClass::kGateway
                       : kind == 1 ? OwnerClass::kAuxiliary
                                   : OwnerClass::kEndpoint;
    const auto ask = [&] {
      return kind == 0   ? world_.gateway(kId, text(host))
             : kind == 1 ? world_.bare_at(kId, text(host))
                         : world_.endpoint_at(kId, text(host), number);
    };
    const auto expected = [&] {
      return oracle_.refs > 0 && oracle_.explicit_request(host, owner, kind == 2 ? number : 0);
    };
    call([&] {
      (void)ask();
      (void)expected();
    });
    const auto reply = ask();
    const bool granted = expected();
    ASSERT_EQ(reply.ok(), granted) << text(host) << " kind " << kind << ": " << World::text(reply);
  }

  void toggle_bound(int host) {
    if (oracle_.bound.erase(host) == 1) {
      world_.unbind(kPool, text(host));
    } else {
      oracle_.bound.insert(host);
      world_.bind(kPool, text(host));
    }
  }

  void compare() {
    std::map<std::string, std::string> expected;
    for (const auto& [host, holder] : oracle_.held)
      expected[text(host)] = std::string(to_string(holder.owner)) +
                             (holder.mac == 0 ? "" : " " + mac(holder.mac).to_string()) + " " +
                             std::to_string(holder.epoch);
    std::map<std::string, std::string> seen;
    std::map<std::string, std::string> rests;
    for (const auto& [host, rest] : oracle_.resting)
      rests[text(host)] = rest.mac == 0 ? "" : mac(rest.mac).to_string();
    std::map<std::string, std::string> seen_rests;
    for (const AddressView& view : world_.service().addresses())
      if (view.state == AddressState::kResting)
        seen_rests[view.address.to_string()] = view.mac.has_value() ? view.mac->to_string() : "";
    ASSERT_EQ(seen_rests, rests);
    for (const AddressView& view : world_.service().addresses())
      if (view.state == AddressState::kHeld)
        seen[view.address.to_string()] = std::string(to_string(view.owner)) +
                                         (view.mac.has_value() ? " " + view.mac->to_string() : "") + " " +
                                         std::to_string(view.epoch);
    ASSERT_EQ(seen, expected);
    ASSERT_EQ(world_.refs(kId), oracle_.refs);
    for (const PoolView& view : world_.service().pools()) ASSERT_TRUE(view.used == expected.size());
  }

  static constexpr const char* kPool = "10.1.0.0/28";
  static constexpr const char* kId = "local/10.1.0.0/28";
  std::mt19937_64 random_;
  uint64_t steps_ = 0;
  int repeated_ = 0;  // the MAC whose automatic request lost its answer
  MortalStore store_;
  World world_{&store_};
  Oracle oracle_;
  EngineIdentity engine_ = kFirstEngine;
};

uint64_t number_from(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// For a long run: VIADUCT_HISTORY_SECONDS; for one history again: VIADUCT_HISTORY_SEED.
TEST(Model, RandomHistories_AgreeWithTheRulesWrittenNaively) {
  constexpr uint64_t kMostSeconds = 3600;
  const std::chrono::seconds span(std::min(number_from("VIADUCT_HISTORY_SECONDS", 3), kMostSeconds));
  const auto end = std::chrono::steady_clock::now() + span;
  uint64_t seed = number_from("VIADUCT_HISTORY_SEED", std::random_device()());
  uint64_t histories = 0;
  uint64_t steps = 0;
  for (; std::chrono::steady_clock::now() < end; ++seed, ++histories) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(seed);
    history.run(60);
    steps += history.steps();
    if (HasFailure()) return;
  }
  std::cout << histories << " histories of " << steps << " steps, the last with seed " << seed - 1 << "\n";
}

}  // namespace
}  // namespace viaduct::ipam::testing
