#include "net/host_setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "net/netns_lock.h"
#include "netns/netns_world.h"

namespace viaduct::net {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A /proc made of files.
class HostSetup : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "viaduct-proc-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    proc_ = folder_ / "proc";
    host_ = {proc_, folder_ / "again"};
    put("sys/net/ipv4/ip_forward", "0\n");
    put("sys/net/ipv6/conf/all/forwarding", "0\n");
    put("sys/net/ipv6/conf/all/accept_ra", "1\n");
    put("sys/net/ipv6/conf/eth0/accept_ra", "1\n");
    put("sys/net/ipv6/conf/eth1/accept_ra", "0\n");
  }
  void TearDown() override { fs::remove_all(folder_); }
  void put(const std::string& file, const std::string& text) {
    fs::create_directories((proc_ / file).parent_path());
    std::ofstream(proc_ / file) << text;
  }
  std::string get(const std::string& file) {
    std::string word;
    std::ifstream(proc_ / file) >> word;
    return word.substr(0, 1);
  }
  // As a managed plugin sees it: the same files read-only in /proc and writable at a mount of their own. In a
  // mount namespace that ends with the thread.
  void with_read_only_proc(const std::function<void()>& work) {
    fs::create_directory(host_.writable_net);
    std::thread([&] {
      ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
      ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
      ASSERT_EQ(::mount((proc_ / "sys/net").c_str(), host_.writable_net.c_str(), nullptr, MS_BIND, nullptr),
                0);
      ASSERT_EQ(::mount(proc_.c_str(), proc_.c_str(), nullptr, MS_BIND, nullptr), 0);
      ASSERT_EQ(::mount(nullptr, proc_.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr), 0);
      work();
    }).join();
  }
  fs::path folder_;
  fs::path proc_;
  HostFiles host_;
};

TEST_F(HostSetup, HostThatDoesNotForward_IsMadeToAndKeepsLearningRoutes) {
  EXPECT_THAT(set_up_host(host_), ElementsAre("set net.ipv6.conf.eth0.accept_ra from 1 to 2",
                                              "set net.ipv6.conf.all.forwarding from 0 to 1"));
  EXPECT_EQ(get("sys/net/ipv6/conf/all/forwarding"), "1");
  EXPECT_EQ(get("sys/net/ipv6/conf/eth0/accept_ra"), "2");
  EXPECT_EQ(get("sys/net/ipv6/conf/eth1/accept_ra"), "0");
}

TEST_F(HostSetup, LinksOfViaduct_BelieveNoRouter) {
  // Scenario 53: nor do those to come, which have what "default" says.
  put("sys/net/ipv6/conf/default/accept_ra", "1\n");
  put("sys/net/ipv6/conf/vd-a/accept_ra", "1\n");
  set_up_host(host_, {"vd-a"});
  EXPECT_EQ(get("sys/net/ipv6/conf/eth0/accept_ra"), "2");
  EXPECT_EQ(get("sys/net/ipv6/conf/default/accept_ra"), "1");
  EXPECT_EQ(get("sys/net/ipv6/conf/vd-a/accept_ra"), "1");
}

TEST_F(HostSetup, HostThatForwards_IsLeftAlone) {
  put("sys/net/ipv6/conf/all/forwarding", "1\n");
  EXPECT_THAT(set_up_host(host_), ElementsAre());
  EXPECT_EQ(get("sys/net/ipv6/conf/eth0/accept_ra"), "1");
}

TEST_F(HostSetup, HostWithoutIpv6_NeedsNone) {
  fs::remove_all(proc_ / "sys/net/ipv6");
  EXPECT_THAT(set_up_host(host_), ElementsAre());
}

TEST_F(HostSetup, Ipv4_IsLeftToTheEngineThatDropsWhatItThenForwards) {
  set_up_host(host_);
  EXPECT_EQ(get("sys/net/ipv4/ip_forward"), "0");
}

TEST_F(HostSetup, SettingThatCannotBeWritten_IsSaidWithItsRemedy) {
  fs::remove_all(proc_ / "sys/net/ipv6/conf");
  fs::create_directories(proc_ / "sys/net/ipv6/conf/all/forwarding");
  EXPECT_THAT(set_up_host(host_),
              ElementsAre("cannot set net.ipv6.conf.all.forwarding to 1: Is a directory; run sysctl -w "
                          "net.ipv6.conf.all.forwarding=1 on the host"));
}

TEST_F(HostSetup, ReadOnlySettings_AreWrittenWhereTheyAreMountedAgain) {
  with_read_only_proc([&] {
    EXPECT_THAT(set_up_host(host_), ElementsAre("set net.ipv6.conf.eth0.accept_ra from 1 to 2",
                                                "set net.ipv6.conf.all.forwarding from 0 to 1"));
  });
  EXPECT_EQ(get("sys/net/ipv6/conf/eth0/accept_ra"), "2");
  EXPECT_EQ(get("sys/net/ipv6/conf/all/forwarding"), "1");
}

TEST_F(HostSetup, ReadOnlySettingsMountedNowhereElse_AreSaidWithTheirRemedy) {
  put("sys/net/ipv6/conf/eth0/accept_ra", "2\n");
  with_read_only_proc([&] {
    EXPECT_THAT(
        set_up_host({proc_, folder_ / "nowhere"}),
        ElementsAre("cannot set net.ipv6.conf.all.forwarding to 1: Read-only file system; run sysctl -w "
                    "net.ipv6.conf.all.forwarding=1 on the host"));
  });
}

TEST_F(HostSetup, BridgeFilterAndLegacyTables_AreReported) {
  put("sys/net/ipv6/conf/all/forwarding", "1\n");
  put("sys/net/bridge/bridge-nf-call-iptables", "1\n");
  put("net/ip_tables_names", "nat\nfilter\n");
  EXPECT_THAT(set_up_host(host_), ElementsAre(HasSubstr("net.bridge.bridge-nf-call-iptables is 1"),
                                              HasSubstr("iptables-legacy -A FORWARD -i vd-+ -j ACCEPT")));
}

class NetnsLock : public netns::FreshNetns {};

TEST_F(NetnsLock, SecondDaemon_IsRefusedAndToldThePid) {
  auto first = lock_network_namespace();
  ASSERT_TRUE(first.ok());
  for (int tries = 0; tries < 50; ++tries) {
    auto second = lock_network_namespace();
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::kBusy);
    EXPECT_EQ(second.error().message, "another viaductd (pid " + std::to_string(::getpid()) +
                                          ") serves this network namespace; stop it first");
  }
  netns::Namespace other;
  other.enter([] { EXPECT_TRUE(lock_network_namespace().ok()); });
  first.value().reset();
  EXPECT_TRUE(lock_network_namespace().ok());
}

}  // namespace
}  // namespace viaduct::net
