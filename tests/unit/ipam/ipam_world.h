#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ipam/ipam_service.h"
#include "store/memory_store.h"

// A service on a store in memory, and the two neighbours that it asks: routes of the host, endpoints of the
// other half.
namespace viaduct::ipam::testing {

inline Prefix prefix(const std::string& text) {
  return Prefix::parse(text).value();
}
inline IpAddress ip(const std::string& text) {
  return IpAddress::parse(text).value();
}
inline Mac mac(int number) {
  return Mac({0x02, 0, 0, static_cast<uint8_t>(number >> 16), static_cast<uint8_t>(number >> 8),
              static_cast<uint8_t>(number)});
}
inline Deadline soon() {
  return Deadline::in(std::chrono::seconds(10));
}

inline const EngineIdentity kFirstEngine{100, 7, "boot-1"};
inline const EngineIdentity kSecondEngine{200, 9, "boot-1"};
inline const EngineIdentity kInvisible{};

class World {
 public:
  explicit World(store::Store* over = nullptr) : store_(over != nullptr ? over : &memory_) { reopen(); }

  // The daemon ends; the next thing to call is reopen().
  void close() { service_.reset(); }
  // The daemon starts anew on what the store holds.
  void reopen() {
    close();
    IpamEnvironment environment{
        .host_prefixes = [this]() -> Result<std::vector<Prefix>> {
          if (routes_fail) return unavailable("netlink is away");
          return host_prefixes;
        },
        .bound_to =
            [this](const Prefix& pool, const IpAddress& address) {
              const std::lock_guard lock(bound_mutex_);
              const auto found = bound_.find({pool, address});
              return found == bound_.end() ? std::nullopt : std::optional(found->second);
            },
        .network_on =
            [this](const Prefix& pool) { return networks.contains(pool) ? std::string("network n") : ""; },
        .remove_unjoined =
            [this](const Prefix&, const IpAddress& address, Deadline) {
              const std::lock_guard lock(bound_mutex_);
              unjoined_removed.push_back(address.to_string());
              return Status();
            },
        .engine_alive = [this](const EngineIdentity&) { return engine_alive; },
        .engine_began_in_sight = [this](const EngineIdentity&) { return in_sight; },
    };
    environment.look_at_wire = look_at_wire;
    environment.engine_listener = [this] { return listener; };
    environment.leader_has_replayed = [this] { ++replays_over; };
    environment.unsure_gift = [this](const UnsureGift& gift) {
      unsure_gifts.push_back(gift.address.to_string() + (gift.answered_by.has_value()
                                                             ? " answered by " + gift.answered_by->to_string()
                                                             : " unheard"));
    };
    auto opened = IpamService::open(*store_, clock, IpamConfig{sources, avoid, boot}, std::move(environment));
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    service_ = std::move(opened).value();
  }

  IpamService& service() { return *service_; }
  store::Store& store() { return *store_; }

  void bind(const std::string& pool, const std::string& address,
            const std::string& what = "endpoint e of network n",
            const std::optional<Mac>& with = std::nullopt) {
    const std::lock_guard lock(bound_mutex_);
    bound_[{prefix(pool), ip(address)}] = {what, with};
  }
  void unbind(const std::string& pool, const std::string& address) {
    const std::lock_guard lock(bound_mutex_);
    bound_.erase({prefix(pool), ip(address)});
  }

  // A new engine, whose predecessor is gone.
  void new_engine(const EngineIdentity& engine) {
    engine_alive = false;
    service().registered(engine);
  }

  Result<PoolReply> request_pool(const std::string& pool, const std::string& sub_pool = "",
                                 const std::string& space = kLocalSpace, const Options& options = {}) {
    PoolRequest request{.space = space, .pool = {}, .sub_pool = {}, .options = options};
    if (!pool.empty()) request.pool = prefix(pool);
    if (!sub_pool.empty()) request.sub_pool = prefix(sub_pool);
    return service().request_pool(request, soon());
  }
  // The id of a pool that must be given.
  std::string pool(const std::string& pool, const std::string& sub_pool = "",
                   const std::string& space = kLocalSpace, const Options& options = {}) {
    auto reply = request_pool(pool, sub_pool, space, options);
    EXPECT_TRUE(reply.ok()) << reply.error().message;
    return reply.ok() ? reply.value().id : "";
  }

  // Whether a pool that was made by then is held; without a time, whenever.
  bool holds(const std::string& pool, const std::string& by = "9999") {
    return service().claim_on(prefix(pool), by, 0) != PoolClaim::kReleased;
  }

  // The text of the address, or of the error.
  static std::string text(const Result<AddressReply>& reply) {
    return reply.ok() ? reply.value().address.to_string() : reply.error().message;
  }
  // The same without its prefix length.
  static std::string bare(const Result<AddressReply>& reply) {
    return reply.ok() ? reply.value().address.address.to_string() : reply.error().message;
  }
  Result<AddressReply> ask(const AddressRequest& request) {
    return service().request_address(request, soon());
  }
  Result<AddressReply> endpoint(const std::string& pool_id, int mac_number) {
    return ask({.pool_id = pool_id, .address = {}, .mac = mac(mac_number), .name = ""});
  }
  Result<AddressReply> endpoint_at(const std::string& pool_id, const std::string& address, int mac_number) {
    return ask({.pool_id = pool_id, .address = ip(address), .mac = mac(mac_number), .name = ""});
  }
  // Neither MAC nor name: an auxiliary address, or a replay.
  Result<AddressReply> bare_at(const std::string& pool_id, const std::string& address) {
    return ask({.pool_id = pool_id, .address = ip(address), .mac = {}, .name = ""});
  }
  Result<AddressReply> gateway(const std::string& pool_id, const std::string& address = "") {
    AddressRequest request{.pool_id = pool_id, .address = {}, .gateway = true, .mac = {}, .name = ""};
    if (!address.empty()) request.address = ip(address);
    return ask(request);
  }
  Result<AddressReply> swarm(const std::string& pool_id, const std::string& address = "") {
    AddressRequest request{.pool_id = pool_id, .address = {}, .serial = true, .mac = {}, .name = ""};
    if (!address.empty()) request.address = ip(address);
    return ask(request);
  }
  void release(const std::string& pool_id, const std::string& address) {
    auto status = service().release_address(pool_id, ip(address), soon());
    EXPECT_TRUE(status.ok()) << status.error().message;
  }
  void release_pool(const std::string& pool_id) {
    auto status = service().release_pool(pool_id, soon());
    EXPECT_TRUE(status.ok()) << status.error().message;
  }

  // "gateway 10.1.0.1" and so on, one an address of all spaces.
  std::vector<std::string> held() { return in_state(AddressState::kHeld); }
  std::vector<std::string> resting() { return in_state(AddressState::kResting); }
  std::vector<std::string> in_state(AddressState state) {
    std::vector<std::string> out;
    for (const AddressView& view : service().addresses())
      if (view.state == state)
        out.push_back(std::string(to_string(view.owner)) + " " + view.address.to_string());
    return out;
  }
  PoolView view_of(const std::string& id) {
    for (const PoolView& view : service().pools())
      if (view.id == id) return view;
    ADD_FAILURE() << "no pool " << id;
    return {};
  }
  int refs(const std::string& id) {
    for (const PoolView& view : service().pools())
      if (view.id == id) return view.refs;
    return 0;
  }

  ManualClock clock{std::chrono::sys_days(std::chrono::year(2026) / 1 / 31)};
  std::vector<Prefix> host_prefixes;
  std::vector<Prefix> avoid;
  std::set<Prefix> networks;  // subnets of networks of the other half
  std::string boot = "boot-1";
  bool routes_fail = false;
  std::vector<std::string> unjoined_removed;  // that the other half was asked to remove
  int replays_over = 0;
  EngineListener listener;
  std::function<void()> look_at_wire;     // of the next reopen(); empty: nobody looks
  std::vector<std::string> unsure_gifts;  // "10.1.0.2 answered by 02:…", "10.1.0.2 unheard"
  bool in_sight = true;
  bool engine_alive = true;
  std::vector<PoolSource> sources = {{prefix("10.200.0.0/16"), 24}};

 private:
  store::MemoryStore memory_;
  store::Store* store_;
  std::mutex bound_mutex_;
  std::map<std::pair<Prefix, IpAddress>, BoundTo> bound_;
  std::unique_ptr<IpamService> service_;
};

using Strings = std::vector<std::string>;

}  // namespace viaduct::ipam::testing
