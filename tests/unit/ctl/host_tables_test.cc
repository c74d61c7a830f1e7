#include "tools/ctl/host_tables.h"

#include <gmock/gmock.h>

namespace viaduct::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

HostRoute route(const char* destination, const char* link) {
  return {Prefix::parse(destination).value(), link};
}

TEST(HostTables, Ipv4Routes_WithoutRefusals) {
  const auto routes = read_ipv4_routes(
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
      "eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
      "vd-a\t0000010A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
      "*\t0000020A\t00000000\t0201\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
      "cut\t0000\n");
  EXPECT_THAT(routes, ElementsAre(route("0.0.0.0/0", "eth0"), route("10.1.0.0/24", "vd-a")));
  EXPECT_THAT(uplinks_of(routes), ElementsAre("eth0"));
}

TEST(HostTables, Ipv6Routes_WithoutOwnAddressesAndLinkLocal) {
  const std::string none(32, '0');
  const auto line = [&](const std::string& destination, const char* length, const char* flags,
                        const char* link) {
    return destination + " " + length + " " + none + " 00 " + none + " 00000100 00000001 00000000 " + flags +
           "     " + link + "\n";
  };
  const std::string subnet = "fd000000000000010000000000000000";
  const auto routes = read_ipv6_routes(
      line(subnet, "40", "00000001", "vd-a") + line(subnet, "80", "80200001", "vd-a") +
      line(subnet, "80", "00100001", "vd-a") + line(none, "00", "00000003", "eth0") +
      line(none, "00", "00200200", "lo") + line("fe80" + none.substr(4), "40", "00000001", "eth0") +
      line("ff00" + none.substr(4), "08", "00000001", "eth0") + "short 40\n");
  EXPECT_THAT(routes, ElementsAre(route("fd00:0:0:1::/64", "vd-a"), route("::/0", "eth0")));
}

TEST(HostTables, SocketsWithoutListener) {
  const std::string text =
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 20001 /run/docker/plugins/viaduct.sock\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 20002 /run/docker/plugins/connected.sock\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 20003\n";
  EXPECT_THAT(without_listener({"/run/docker/plugins/viaduct.sock"}, text), IsEmpty());
  EXPECT_THAT(without_listener({"/run/docker/plugins/connected.sock", "/run/docker/plugins/gone.sock"}, text),
              ElementsAre("/run/docker/plugins/connected.sock", "/run/docker/plugins/gone.sock"));
}

TEST(HostTables, ModulesLoadedBuiltInAndLoadable) {
  const std::string loaded = "bridge 311296 1 br_netfilter, Live 0x0000000000000000\n";
  const std::string builtin = "kernel/net/netfilter/nf_tables.ko\n";
  const std::string loadable = "kernel/drivers/net/veth.ko.zst:\nkernel/net/sched/sch-tbf.ko: kernel/a.ko\n";
  EXPECT_THAT(without_module({"bridge", "nf_tables", "veth", "sch_tbf", "ifb"}, loaded, builtin, loadable),
              ElementsAre("ifb"));
}

}  // namespace
}  // namespace viaduct::ctl
