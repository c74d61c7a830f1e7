#include "tools/ctl/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/ctl/command_doctor.h"

namespace viaduct::ctl {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Json chain(const char* family, const char* name, bool lets_pass, bool jumps) {
  return {{"family", family}, {"table", "filter"},      {"chain", name},
          {"refuses", true},  {"lets_pass", lets_pass}, {"jumps", jumps}};
}

// A host where nothing is amiss.
HostFacts healthy() {
  HostFacts facts;
  facts.ctl_version = "0.1.0";
  facts.status = Json{{"version", "0.1.0"}};
  facts.check = Json{{"findings", Json::array()}};
  facts.engine = Json{{"Version", "28.5.2"}};
  facts.ip_forward = 1;
  facts.ipv6_forwarding = 1;
  facts.bridge_netfilter = 0;
  facts.conntrack_count = 10;
  facts.conntrack_max = 1000;
  facts.clock_synchronized = true;
  facts.state_free_bytes = uint64_t{1} << 30;
  facts.plugin_files = {"/run/docker/plugins/viaduct.sock"};
  facts.uplink_mtu = 1500;
  facts.networks = Json::array({{{"id", std::string(64, 'a')},
                                 {"mtu", 1500},
                                 {"bridge", "vd-aaaaaaaaaaaa"},
                                 {"subnets", Json::array({{{"pool", "10.1.0.0/24"}}})}}});
  facts.uplinks = {{"eth0", 2, 2}};
  facts.route_localnet = 0;
  facts.files_open = 30;
  facts.files_most = 1024;
  facts.state_folder = "/var/lib/viaduct";
  facts.state_mode = 0700;
  facts.routes = {{Prefix::parse("0.0.0.0/0").value(), "eth0"},
                  {Prefix::parse("10.1.0.0/24").value(), "vd-aaaaaaaaaaaa"}};
  facts.engine_networks =
      Json::array({{{"Name", "demo"}, {"IPAM", {{"Config", Json::array({{{"Subnet", "10.1.0.7/24"}}})}}}}});
  facts.pools = Json::array({{{"id", "local/10.1.0.0/24"},
                              {"space", "local"},
                              {"pool", "10.1.0.0/24"},
                              {"since", "2026-11-01T10:00:00Z"}}});
  facts.a_minute_ago = "2026-11-27T10:00:00Z";
  facts.chains = Json::array({chain("ip", "FORWARD", true, true)});
  return facts;
}

// "level: text" of all that is not ok.
std::vector<std::string> amiss(const HostFacts& facts) {
  std::vector<std::string> all;
  for (const Advice& one : examine(facts)) {
    if (one.level == Level::kOk) continue;
    EXPECT_FALSE(one.remedy.empty()) << one.text;
    all.push_back(std::string(name_of(one.level)) + ": " + one.text);
  }
  return all;
}

TEST(Doctor, HealthyHost_HasNothingToSayButWhatIsWell) {
  EXPECT_TRUE(amiss(healthy()).empty());
  EXPECT_EQ(doctor_answer({}, healthy(), 80).exit_code, kExitWell);
}

TEST(Doctor, EachThingAmiss_IsSaidWithItsLevelAndARemedy) {
  struct Harm {
    void (*harm)(HostFacts&);
    const char* said;
  };
  const Harm cases[] = {
      {[](HostFacts& f) {
         f.status.reset();
         f.daemon_error = "no daemon";
       },
       "trouble: viaductd does not answer: no daemon"},
      {[](HostFacts& f) { f.ctl_version = "0.2.0"; }, "note: viaductctl is 0.2.0, viaductd 0.1.0"},
      {[](HostFacts& f) {
         f.check = Json{{"findings", Json::array({Json::object(), Json::object()})}};
       },
       "trouble: state, kernel and rules differ in 2 points"},
      {[](HostFacts& f) { f.engine.reset(); }, "warning: the engine's socket does not answer"},
      {[](HostFacts& f) {
         f.engine = Json{{"Version", "19.03.1"}};
       },
       "warning: engine 19.03.1 is older"},
      {[](HostFacts& f) { f.vip_services = {"web"}; }, "warning: service web has a virtual address"},
      {[](HostFacts& f) { f.ip_forward = 0; }, "trouble: the host does not forward IPv4"},
      {[](HostFacts& f) { f.ipv6_forwarding = 0; }, "warning: the host does not forward IPv6"},
      {[](HostFacts& f) { f.bridge_netfilter = 1; }, "note: net.bridge.bridge-nf-call-iptables is 1"},
      {[](HostFacts& f) { f.legacy_iptables = true; }, "warning: tables of iptables-legacy are in use"},
      {[](HostFacts& f) { f.firewalld = true; }, "note: firewalld runs"},
      {[](HostFacts& f) { f.ufw = true; }, "note: ufw is enabled"},
      {[](HostFacts& f) { f.conntrack_count = 900; }, "warning: 900 of 1000 connections"},
      {[](HostFacts& f) { f.clock_synchronized = false; }, "note: the clock is not synchronized"},
      {[](HostFacts& f) { f.state_free_bytes = 5 << 20; }, "warning: 5 MiB are free"},
      {[](HostFacts& f) { f.plugin_files.push_back("/etc/docker/plugins/viaduct.spec"); },
       "warning: the engine finds viaduct in several places"},
      {[](HostFacts& f) { f.dead_sockets = {"/run/docker/plugins/viaduct.sock"}; },
       "warning: nobody listens at /run/docker/plugins/viaduct.sock"},
      {[](HostFacts& f) { f.socket_unit_missing = true; }, "note: systemd has no viaduct.socket"},
      {[](HostFacts& f) { f.missing_modules = {"veth"}; }, "trouble: the kernel has no veth"},
      {[](HostFacts& f) { f.missing_modules = {"ifb"}; }, "note: the kernel has no ifb, which rate_in"},
      {[](HostFacts& f) { f.uplinks[0].accept_ra = 1; }, "warning: eth0 believes no router any more"},
      {[](HostFacts& f) { f.uplinks[0].rp_filter = 1; }, "note: eth0 drops packets whose way back"},
      {[](HostFacts& f) { f.route_localnet = 1; }, "note: net.ipv4.conf.all.route_localnet is 1"},
      {[](HostFacts& f) { f.files_open = 900; }, "warning: viaductd has 900 of the 1024 files open"},
      {[](HostFacts& f) { f.state_file_system = "NFS"; },
       "warning: the state lies on NFS: locks and flushes may not hold there"},
      {[](HostFacts& f) { f.state_file_system = "tmpfs"; },
       "warning: the state lies on tmpfs: after a reboot viaduct knows no network"},
      {[](HostFacts& f) { f.state_mode = 0775; },
       "warning: others may write to the state folder (mode 0775)"},
      {[](HostFacts& f) {
         f.routes.push_back({Prefix::parse("10.1.0.128/25").value(), "tun0"});
       },
       "warning: the host's route to 10.1.0.128/25 by tun0 overlaps 10.1.0.0/24 of network aaaaaaaaaaaa: "
       "containers"},
      {[](HostFacts& f) {
         f.routes.push_back({Prefix::parse("10.0.0.0/8").value(), "tun0"});
       },
       "note: the host's route to 10.0.0.0/8 by tun0 overlaps 10.1.0.0/24 of network aaaaaaaaaaaa: what is"},
      {[](HostFacts& f) { f.engine_networks = Json::array(); },
       "warning: pool local/10.1.0.0/24 is held since 2026-11-01T10:00:00Z, and the engine has no network"},
      {[](HostFacts& f) { f.chains.push_back(chain("inet", "forward", false, false)); },
       "warning: chain inet filter forward refuses to forward what no rule of it accepts: nothing gets out"},
      {[](HostFacts& f) { f.chains.push_back(chain("inet", "forward", false, true)); },
       "note: chain inet filter forward refuses to forward what no rule of it accepts, and accepts "
       "viaduct's"},
      {[](HostFacts& f) { (*f.status)["clock_set_by_seconds"] = -3600; },
       "note: the clock was set back by 3600 s since viaductd started"},
      {[](HostFacts& f) {
         (*f.status)["clock_set_by_seconds"] = 60;
         (*f.status)["uptime_seconds"] = 86400;
       },
       "note: the clock was set forward by 60 s since viaductd started"},
      {[](HostFacts& f) { f.uplink_mtu = 1400; },
       "note: network aaaaaaaaaaaa has MTU 1500, its way out 1400"},
  };
  for (const Harm& one : cases) {
    HostFacts facts = healthy();
    one.harm(facts);
    const auto said = amiss(facts);
    EXPECT_THAT(said, Contains(StartsWith(one.said)));
    EXPECT_EQ(said.size(), 1U) << one.said;
    const bool trouble = !std::string(one.said).starts_with("note");
    EXPECT_EQ(doctor_answer({}, facts, 80).exit_code, trouble ? kExitTrouble : kExitWell) << one.said;
  }
}

TEST(Doctor, WhatIsInOrderThough_ItLooksOtherwise_IsLeftAlone) {
  HostFacts facts = healthy();
  // A pool whose network is being made, one of a Swarm's, a clock that an NTP client slews, a chain that refuses nothing.
  facts.pools.push_back({{"id", "local/10.2.0.0/24"},
                         {"space", "local"},
                         {"pool", "10.2.0.0/24"},
                         {"since", "2026-11-27T10:00:30Z"}});
  facts.pools.push_back({{"id", "global/10.3.0.0/24"}, {"space", "global"}, {"pool", "10.3.0.0/24"}});
  (*facts.status)["clock_set_by_seconds"] = 40;
  (*facts.status)["uptime_seconds"] = 86400;
  Json open = chain("inet", "forward", false, false);
  open["refuses"] = false;
  facts.chains.push_back(open);
  EXPECT_TRUE(amiss(facts).empty());
}

TEST(Doctor, UnknownFacts_AreNotTakenForTrouble) {
  HostFacts facts = healthy();
  facts.conntrack_max.reset();
  facts.bridge_netfilter.reset();
  facts.ipv6_forwarding.reset();
  facts.uplink_mtu.reset();
  facts.state_free_bytes.reset();
  facts.state_mode.reset();
  facts.files_most.reset();
  facts.route_localnet.reset();
  facts.uplinks = {{"eth0", {}, {}}};
  facts.ip_forward.reset();
  facts.engine_networks.reset();
  EXPECT_TRUE(amiss(facts).empty());
  for (const Advice& one : examine(facts)) EXPECT_NE(one.text, "the host forwards IPv4") << "nobody knows";
}

TEST(Doctor, Json_HasEveryAdvice) {
  Arguments arguments;
  arguments.output = Output::kJson;
  const Json answer = Json::parse(doctor_answer(arguments, healthy(), 80).text);
  EXPECT_EQ(answer.at("advice").size(), examine(healthy()).size());
  EXPECT_EQ(answer.at("advice").at(0).at("level"), "ok");
}

}  // namespace
}  // namespace viaduct::ctl
