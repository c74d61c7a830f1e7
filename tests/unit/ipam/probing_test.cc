#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "unit/ipam/ipam_world.h"

// Foreign hosts on the subnet of a pool: which addresses are looked for, and what an answer changes.
namespace viaduct::ipam {
namespace {

using testing::ip;
using testing::mac;
using testing::soon;
using testing::Strings;
using testing::World;

Mac host(int number) {
  return Mac({0x52, 0x54, 0, 0, 0, static_cast<uint8_t>(number)});
}

// A service whose pools are on a wire, with somebody who looks whenever he is woken.
class OnTheWire : public ::testing::Test {
 protected:
  OnTheWire() {
    world.look_at_wire = [this] { look(); };
    world.reopen();
  }

  void look() {
    ++looks;
    if (blind) return;
    for (const ProbedPool& pool : world.service().pools_to_survey(Survey::kNew))
      world.service().set_watch(pool.id, on_wire ? Watch{WatchState::kWatched, "eth0"}
                                                 : Watch{WatchState::kNone, "no link reaches it"});
    for (const ProbeTarget& target : world.service().probe_targets()) {
      std::vector<ProbeAnswer> answers;
      for (const IpAddress& address : target.addresses) {
        asked.push_back(address.to_string());
        if (const auto found = hosts.find(address.to_string()); found != hosts.end())
          answers.push_back({address, found->second});
      }
      for (const Mac& proxy : world.service().probed(target, answers).proxies)
        proxies.push_back(proxy.to_string());
    }
  }

  std::string give(const std::string& pool, int number) { return World::bare(world.endpoint(pool, number)); }

  AddressStory story(const std::string& address) {
    const auto stories = world.service().why(ip(address));
    EXPECT_EQ(stories.size(), 1U);
    return stories.empty() ? AddressStory{} : stories.front();
  }

  World world;
  std::map<std::string, Mac> hosts;
  bool on_wire = true;
  bool blind = false;
  int looks = 0;
  Strings asked;
  Strings proxies;
};

// Scenario 31: the candidate answers, so it is declined and the next one chosen; what is put aside can be seen.
TEST_F(OnTheWire, ForeignHostAtTheCandidate_TheNextIsGiven) {
  hosts = {{"10.1.0.1", host(1)}, {"10.1.0.3", host(3)}};
  const std::string pool = world.pool("10.1.0.0/24");
  EXPECT_EQ(give(pool, 1), "10.1.0.2");
  EXPECT_EQ(give(pool, 2), "10.1.0.4");
  EXPECT_EQ(world.view_of(pool).set_aside, 2U);
  EXPECT_EQ(world.view_of(pool).watch, WatchState::kWatched);
  EXPECT_EQ(world.service().counts().set_aside, 2U);
  const AddressStory told = story("10.1.0.3");
  EXPECT_EQ(told.answered_by, host(3));
  EXPECT_EQ(told.answered_at, "2026-01-31T00:00:00Z");
  EXPECT_EQ(told.set_aside_until, "2026-01-31T00:10:00Z");
  EXPECT_EQ(told.address.state, AddressState::kAside);
  std::string listed;
  for (const AddressView& view : world.service().addresses())
    if (view.state == AddressState::kAside)
      listed += view.address.to_string() + " " + view.mac->to_string() + " ";
  EXPECT_EQ(listed, "10.1.0.1 52:54:00:00:00:01 10.1.0.3 52:54:00:00:00:03 ");
}

// When it answered does not change with the wall clock, and is told the same at every reading.
TEST_F(OnTheWire, WallClockJumps_TheAnswerKeepsItsTime) {
  hosts = {{"10.1.0.1", host(1)}};
  give(world.pool("10.1.0.0/24"), 1);
  world.clock.advance(std::chrono::seconds(60));
  world.clock.jump(std::chrono::hours(1));
  EXPECT_EQ(story("10.1.0.1").answered_at, "2026-01-31T00:00:00Z");
  EXPECT_EQ(story("10.1.0.1").address.since, "2026-01-31T00:00:00Z");
  EXPECT_EQ(story("10.1.0.1").set_aside_until, "2026-01-31T01:10:00Z");
}

TEST_F(OnTheWire, LooksAheadOfRequests) {
  const std::string pool = world.pool("10.1.0.0/24");
  EXPECT_EQ(asked.size(), kLookAhead);
  EXPECT_EQ(asked.front(), "10.1.0.1");
  give(pool, 1);
  EXPECT_EQ(asked.size(), kLookAhead + 1);
  EXPECT_EQ(asked.back(), "10.1.0.17");
}

// Scenario 31: after its time aside the address is looked for again.
TEST_F(OnTheWire, AfterTenMinutes_ItIsLookedForAgain) {
  hosts = {{"10.1.0.1", host(1)}};
  const std::string pool = world.pool("10.1.0.0/24", "", kLocalSpace, {{"policy", "lowest"}});
  EXPECT_EQ(give(pool, 1), "10.1.0.2");
  world.clock.advance(std::chrono::seconds(599));
  EXPECT_EQ(give(pool, 2), "10.1.0.3");
  world.clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(give(pool, 3), "10.1.0.4");
  hosts.clear();
  world.clock.advance(std::chrono::seconds(600));
  EXPECT_EQ(give(pool, 4), "10.1.0.1");
}

TEST_F(OnTheWire, OldSilence_IsNotBelieved) {
  const std::string pool = world.pool("10.1.0.0/24");
  world.clock.advance(std::chrono::seconds(60));
  hosts = {{"10.1.0.1", host(1)}};
  EXPECT_EQ(give(pool, 1), "10.1.0.2");
}

// Scenario 31: whoever names an address decides; the log says what answers there.
TEST_F(OnTheWire, ExplicitAddress_IsGivenAndTold) {
  hosts = {{"10.1.0.3", host(3)}};
  const std::string pool = world.pool("10.1.0.0/24");
  EXPECT_EQ(World::bare(world.endpoint_at(pool, "10.1.0.3", 1)), "10.1.0.3");
  EXPECT_EQ(world.unsure_gifts, Strings{"10.1.0.3 answered by " + host(3).to_string()});
  EXPECT_EQ(world.view_of(pool).set_aside, 0U);
  EXPECT_EQ(story("10.1.0.3").address.state, AddressState::kHeld);
  EXPECT_EQ(story("10.1.0.3").answered_by, host(3));
}

// Scenario 31: the gateway of a pool on a LAN is the LAN's router, which answers.
TEST_F(OnTheWire, Gateway_IsNotDeclined) {
  hosts = {{"10.1.0.1", host(1)}};
  const std::string pool = world.pool("10.1.0.0/24");
  EXPECT_EQ(World::bare(world.gateway(pool)), "10.1.0.1");
  EXPECT_EQ(give(pool, 1), "10.1.0.2");
  EXPECT_EQ(world.unsure_gifts, Strings{"10.1.0.1 answered by " + host(1).to_string()});
}

TEST_F(OnTheWire, HeldAddressThatAForeignHostHas_StaysItsOwners) {
  hosts = {{"10.1.0.3", host(3)}};
  const std::string pool = world.pool("10.1.0.0/24");
  EXPECT_EQ(World::bare(world.endpoint_at(pool, "10.1.0.3", 1)), "10.1.0.3");
  EXPECT_EQ(give(pool, 1), "10.1.0.3");
}

TEST_F(OnTheWire, FullPool_LooksAheadAtWhatRestedLongest) {
  const std::string pool = world.pool("10.1.0.0/29");
  for (int number = 1; number <= 6; ++number) give(pool, number);
  for (const char* address : {"10.1.0.4", "10.1.0.2"}) {
    world.release(pool, address);
    world.clock.advance(std::chrono::seconds(100));
  }
  hosts = {{"10.1.0.4", host(4)}};
  EXPECT_EQ(give(pool, 9), "10.1.0.2");
  EXPECT_EQ(world.view_of(pool).set_aside, 1U);
}

TEST_F(OnTheWire, ReservedAddress_IsGivenAndTold) {
  hosts = {{"10.1.0.7", host(7)}};
  ASSERT_TRUE(world.service()
                  .reserve({{.space = kLocalSpace,
                             .address = ip("10.1.0.7"),
                             .mac = mac(1),
                             .name = "",
                             .note = "",
                             .since = ""}})
                  .ok());
  const std::string pool = world.pool("10.1.0.0/24");
  EXPECT_EQ(give(pool, 1), "10.1.0.7");
}

// Scenario 31: an answer of one of our own endpoints is none of a foreign host.
TEST_F(OnTheWire, OwnEndpoints_AreNoForeignHosts) {
  const std::string pool = world.pool("10.1.0.0/24");
  EXPECT_EQ(give(pool, 1), "10.1.0.1");
  hosts = {{"10.1.0.18", mac(1)}, {"10.1.0.1", host(1)}};
  for (int number = 2; number <= 17; ++number) give(pool, number);
  EXPECT_EQ(give(pool, 18), "10.1.0.18");
  EXPECT_EQ(world.view_of(pool).set_aside, 0U);
  const auto outcome =
      world.service().probed({pool, {ip("10.1.0.1")}}, {ProbeAnswer{ip("10.1.0.1"), host(1)}});
  EXPECT_TRUE(outcome.set_aside.empty());
}

TEST_F(OnTheWire, FormerOwnerWithinAMinute_NeedsNoLook) {
  const std::string pool = world.pool("10.1.0.0/24");
  EXPECT_EQ(give(pool, 1), "10.1.0.1");
  world.release(pool, "10.1.0.1");
  world.clock.advance(std::chrono::seconds(30));
  blind = true;
  EXPECT_EQ(give(pool, 1), "10.1.0.1");
}

TEST_F(OnTheWire, FormerOwner_LosesAnAddressThatSomebodyTook) {
  const std::string pool = world.pool("10.1.0.0/24");
  EXPECT_EQ(give(pool, 1), "10.1.0.1");
  world.release(pool, "10.1.0.1");
  world.clock.advance(std::chrono::seconds(90));
  hosts = {{"10.1.0.1", host(1)}};
  EXPECT_EQ(give(pool, 1), "10.1.0.2");
  EXPECT_EQ(world.view_of(pool).set_aside, 1U);
  hosts.clear();
  world.clock.advance(std::chrono::seconds(601));
  world.release(pool, "10.1.0.2");
  EXPECT_EQ(give(pool, 1), "10.1.0.2");
}

// Scenario 31: a router that answers for every address must not empty the pool.
TEST_F(OnTheWire, ProxyArp_IsNotBelieved) {
  for (int number = 1; number < 255; ++number) hosts["10.1.0." + std::to_string(number)] = host(1);
  const std::string pool = world.pool("10.1.0.0/24");
  EXPECT_EQ(give(pool, 1), "10.1.0.1");
  EXPECT_EQ(proxies, Strings{host(1).to_string()});
  EXPECT_EQ(world.view_of(pool).proxies, std::vector<Mac>{host(1)});
  EXPECT_EQ(world.view_of(pool).set_aside, 0U);
}

// Scenario 31: full of foreign hosts.
TEST_F(OnTheWire, FullPool_NamesWhatIsSetAsideAndTheRemedy) {
  for (int number = 1; number < 5; ++number) hosts["10.1.0." + std::to_string(number)] = host(number);
  const std::string pool = world.pool("10.1.0.0/29");
  EXPECT_EQ(give(pool, 1), "10.1.0.5");
  EXPECT_EQ(give(pool, 2), "10.1.0.6");
  const std::string message = give(pool, 3);
  EXPECT_NE(message.find("2 of 6 are held"), std::string::npos) << message;
  EXPECT_NE(message.find("4 set aside because foreign hosts answer there"), std::string::npos) << message;
  EXPECT_NE(message.find("probe=off"), std::string::npos) << message;
}

// Scenario 31: an operator ends the time aside.
TEST_F(OnTheWire, ReleasedByHand_IsLookedForAtOnce) {
  hosts = {{"10.1.0.1", host(1)}};
  const std::string pool = world.pool("10.1.0.0/24", "", kLocalSpace, {{"policy", "lowest"}});
  EXPECT_EQ(give(pool, 1), "10.1.0.2");
  hosts.clear();
  EXPECT_TRUE(world.service().release_by_operator(kLocalSpace, ip("10.1.0.1"), soon()).ok());
  EXPECT_FALSE(world.service().release_by_operator(kLocalSpace, ip("10.1.0.1"), soon()).ok());
  EXPECT_EQ(give(pool, 2), "10.1.0.1");
}

TEST_F(OnTheWire, ProbeOff_AsksNobody) {
  hosts = {{"10.1.0.1", host(1)}};
  const std::string pool = world.pool("10.1.0.0/24", "", kLocalSpace, {{"probe", "off"}});
  EXPECT_EQ(give(pool, 1), "10.1.0.1");
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(world.view_of(pool).watch, WatchState::kNone);
}

TEST_F(OnTheWire, SwarmLeadersPool_AsksNobody) {
  const std::string pool = world.pool("10.1.0.0/24", "", kGlobalSpace);
  EXPECT_EQ(World::bare(world.swarm(pool)), "10.1.0.1");
  EXPECT_TRUE(asked.empty());
}

TEST_F(OnTheWire, PoolThatNoLinkReaches_GivesAtOnceAndSaysWhy) {
  on_wire = false;
  const std::string pool = world.pool("10.1.0.0/24", "", kLocalSpace, {{"probe", "on"}});
  EXPECT_EQ(give(pool, 1), "10.1.0.1");
  EXPECT_EQ(world.view_of(pool).watch_detail, "no link reaches it");
  const int before = looks;
  give(pool, 2);
  EXPECT_EQ(looks, before);
}

// Scenario 31: who looks is stuck: the call ends in time, and the log says that nobody could be asked.
TEST_F(OnTheWire, NoVerdictInTime_IsGivenAndTold) {
  const std::string pool = world.pool("10.1.0.0/24");
  world.clock.advance(std::chrono::seconds(60));
  blind = true;
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(give(pool, 1), "10.1.0.1");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kVerdictPatience + std::chrono::milliseconds(600));
  EXPECT_EQ(world.unsure_gifts, Strings{"10.1.0.1 unheard"});
}

TEST_F(OnTheWire, RandomPolicy_ChoosesAmongWhatWasLookedAt) {
  const std::string pool = world.pool("10.0.0.0/8", "", kLocalSpace, {{"policy", "random"}});
  EXPECT_GE(asked.size(), kLookAhead);
  for (int number = 1; number <= 40; ++number) {
    const std::string given = give(pool, number);
    EXPECT_NE(std::find(asked.begin(), asked.end(), given), asked.end()) << given;
  }
}

TEST_F(OnTheWire, PoolsOfTheStore_AreSurveyedAfterARestart) {
  hosts = {{"10.1.0.1", host(1)}};
  const std::string pool = world.pool("10.1.0.0/24");
  world.reopen();
  EXPECT_EQ(world.view_of(pool).watch, WatchState::kUnknown);
  EXPECT_EQ(give(pool, 1), "10.1.0.2");
  EXPECT_EQ(world.view_of(pool).watch, WatchState::kWatched);
}

TEST_F(OnTheWire, MapShowsWhatIsSetAside) {
  hosts = {{"10.1.0.1", host(1)}, {"10.1.0.2", host(2)}};
  const std::string pool = world.pool("10.1.0.0/24");
  give(pool, 1);
  const PoolMap map = world.service().map_of(pool, 1).value();
  EXPECT_EQ(map.cells[0].set_aside, 2U);
  EXPECT_EQ(map.cells[0].held, 1U);
}

// Scenario 31, with calls side by side and somebody who looks on a thread of his own: no address twice, none of a foreign
// host.
TEST(OnTheWireThreads, ManyCalls_GetNoForeignHostsAddress) {
  World world;
  std::atomic<bool> woken{false};
  std::atomic<bool> ends{false};
  world.look_at_wire = [&] {
    woken = true;
    woken.notify_one();
  };
  world.reopen();
  const auto is_foreign = [](const IpAddress& address) {
    return static_cast<uint64_t>(address.value()) % 3 == 0;
  };
  std::thread watch([&] {
    while (!ends) {
      woken.wait(false);
      woken = false;
      for (const ProbedPool& pool : world.service().pools_to_survey(Survey::kNew))
        world.service().set_watch(pool.id, {WatchState::kWatched, "eth0"});
      for (const ProbeTarget& target : world.service().probe_targets()) {
        std::vector<ProbeAnswer> answers;
        for (const IpAddress& address : target.addresses)
          if (is_foreign(address))
            answers.push_back({address, Mac({0x52, 0x54, 0, 0, static_cast<uint8_t>(address.bytes()[2]),
                                             static_cast<uint8_t>(address.bytes()[3])})});
        (void)world.service().probed(target, answers);
      }
    }
  });
  const std::string pool = world.pool("10.1.0.0/16");
  std::mutex mutex;
  std::set<std::string> given;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&, caller] {
      for (int i = 0; i < 50; ++i) {
        const auto reply = world.endpoint(pool, caller * 1000 + i);
        const std::lock_guard lock(mutex);
        ASSERT_TRUE(reply.ok()) << reply.error().message;
        EXPECT_FALSE(is_foreign(reply.value().address.address)) << World::bare(reply);
        EXPECT_TRUE(given.insert(World::bare(reply)).second) << World::bare(reply);
      }
    });
  for (auto& caller : callers) caller.join();
  ends = true;
  world.look_at_wire();
  watch.join();
  EXPECT_EQ(given.size(), 200U);
}

}  // namespace
}  // namespace viaduct::ipam
