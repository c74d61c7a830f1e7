#include "tools/ctl/view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "unit/ctl/answers.h"

namespace viaduct::ctl {
namespace {

using testing::HasSubstr;

size_t widest_line(const std::string& text) {
  size_t widest = 0;
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    widest = std::max(widest, end - start);
    start = end + 1;
  }
  return widest;
}

TEST(NetworkTable, Networks_HaveTheirEndpointsCountedAndEverySubnet) {
  EXPECT_EQ(network_table(networks(), endpoints(), IdLength::kShort),
            "NETWORK ID    MODE    BRIDGE            MTU  ENDPOINTS  SUBNET\n"
            "aaaaaaaaaaaa  bridge  vd-aaaaaaaaaaaa  1500          2  10.128.0.0/24\n"
            "                                                        fd00:1::/64\n"
            "bbbbbbbbbbbb  bridge  vd-bbbbbbbbbbbb  1400          0  10.128.1.0/24\n");
}

TEST(EndpointTable, Endpoint_FitsEightyColumnsAndHasASecondLineForIpv6) {
  const std::string table = endpoint_table(endpoints(), IdLength::kShort);
  EXPECT_EQ(table,
            "ENDPOINT ID   NETWORK ID    ADDRESS     MAC                HOST LINK\n"
            "eeeeeeeeeeee  aaaaaaaaaaaa  10.128.0.2  02:42:0a:80:00:02  veeeeeeeeeeeeee\n"
            "                            fd00:1::2\n"
            "ffffffffffff  aaaaaaaaaaaa  10.128.0.3  02:42:0a:80:00:03  veffffffffffff\n");
  EXPECT_LE(widest_line(table), 80U);
  EXPECT_THAT(endpoint_table(endpoints(), IdLength::kWhole), HasSubstr(std::string(64, 'e')));
}

TEST(NetworkView, Network_ShowsSubnetsOptionsAndEndpoints) {
  const std::string view = network_view(networks()[0], endpoints(), IdLength::kShort);
  EXPECT_THAT(view, HasSubstr("id         " + std::string(64, 'a') + "\n"));
  EXPECT_THAT(view, HasSubstr("subnet     10.128.0.0/24, gateway 10.128.0.1, space local\n"
                              "           auxiliary router 10.128.0.9\n"));
  EXPECT_THAT(view, HasSubstr("options    icc=false\n           mtu=1500\n"));
  EXPECT_THAT(view, HasSubstr("internal   yes\n"));
  EXPECT_THAT(view, HasSubstr("endpoints  2\n\nENDPOINT ID"));
  EXPECT_LE(widest_line(view), 80U);
}

TEST(PoolTable, Pools_HaveABarOfUse) {
  const std::string table = pool_table(pools());
  EXPECT_EQ(
      table,
      "POOL ID                             CHOSEN BY    REFS  USED      CAPACITY  USE\n"
      "local/10.128.0.0/24                 viaduct         1    12           254  [#-----------] 4.7 %\n"
      "local/10.128.0.0/24/10.128.0.64/26  the request     1     0            64  [------------] 0.0 %\n"
      "local/fd00:1::/64                   viaduct         1     2  2^64 or more  [#-----------] <0.1 %\n");
}

TEST(PoolView, Pool_ShowsUseClassesAndOptions) {
  const std::string view = pool_view(pools()[0]);
  EXPECT_THAT(view, HasSubstr("use        [##--------------------------------------] 12 of 254, 4.7 %\n"));
  EXPECT_THAT(view, HasSubstr("held       11 endpoint, 1 gateway\n"));
  EXPECT_THAT(view, HasSubstr("resting    3 released, "));
  EXPECT_THAT(view, HasSubstr("reserved   1 kept "));
  EXPECT_THAT(view, HasSubstr("excluded   6 "));
  EXPECT_THAT(view, HasSubstr("options    exclude=10.128.0.200-10.128.0.205\n           policy=lowest\n"));
  EXPECT_LE(widest_line(view), 80U);
}

// Scenario 31.
TEST(PoolView, ForeignHosts_AreNamed) {
  Json pool = pools()[0];
  pool["watch"] = "watched";
  pool["watch_detail"] = "eth0";
  pool["set_aside"] = 3;
  pool["disbelieved"] = Json::array({"52:54:00:00:00:01"});
  const std::string view = pool_view(pool);
  EXPECT_THAT(view, HasSubstr("probe      foreign hosts are looked for on eth0\n"
                              "           52:54:00:00:00:01 answers for many (proxy ARP?)"));
  EXPECT_THAT(view, HasSubstr("set aside  3 "));
  EXPECT_LE(widest_line(view), 80U);
  pool["watch"] = "none";
  pool["watch_detail"] = "probe=off";
  EXPECT_THAT(pool_view(pool), HasSubstr("probe      none: probe=off\n"));
}

TEST(PoolView, EmptyPoolWithARange_NamesItAndHoldsNothing) {
  const std::string view = pool_view(pools()[1]);
  EXPECT_THAT(view, HasSubstr("sub-pool   10.128.0.64/26\n"));
  EXPECT_THAT(view, HasSubstr("held       none\n"));
  EXPECT_THAT(view, testing::Not(HasSubstr("resting")));
}

TEST(AddressTable, Addresses_NameTheirPoolAndOwner) {
  EXPECT_EQ(address_table(addresses_of(addresses(), pools()[0])),
            "ADDRESS     STATE  CLASS     MAC                POOL                 NAME\n"
            "10.128.0.1  held   gateway                      local/10.128.0.0/24\n"
            "10.128.0.2  held   endpoint  02:42:0a:80:00:02  local/10.128.0.0/24  web\n"
            "10.128.0.3  held   endpoint  02:42:0a:80:00:03  local/10.128.0.0/24\n");
}

TEST(ReservationTable, Reservations_NameTheirOwner) {
  EXPECT_EQ(reservation_table(reservations()),
            "ADDRESS     SPACE  MAC                NAME  NOTE\n"
            "10.128.0.9  local  02:42:0a:80:00:09  db    the database\n");
}

TEST(StatusView, Status_ShowsCountsNotesAndMethods) {
  const std::string view = status_view(status());
  EXPECT_THAT(view, HasSubstr("started    2026-01-02T03:04:05Z, 1 h 2 min ago\n"));
  EXPECT_THAT(view, HasSubstr("listen     unix:///a\n           unix:///b\n"));
  EXPECT_THAT(view, HasSubstr("addresses  5 held, 2 resting, 1 reserved\n"));
  EXPECT_THAT(view, HasSubstr("calls      7, 1 failed\n"));
  EXPECT_THAT(view, HasSubstr("notes      something was repaired\n"));
  EXPECT_THAT(view, HasSubstr("NetworkDriver.Join      7       1   2.5 ms\n"));
}

TEST(StatusView, Orphans_HaveALineWhenThereAreSome) {
  Json one = status();
  one["orphans"] = 0;
  EXPECT_THAT(status_view(one), testing::Not(HasSubstr("orphaned")));
  one["orphans"] = 3;
  EXPECT_THAT(status_view(one),
              HasSubstr("addresses  5 held, 2 resting, 1 reserved\n"
                        "           3 orphaned: their endpoints are gone (see viaductctl address why)\n"));
  EXPECT_LE(widest_line(status_view(one)), 80U);
}

TEST(Views, AnswersOfAnotherVersion_AreShownAsFarAsTheyGo) {
  const Json odd =
      Json::array({Json::object(), Json::array(), "text", Json{{"id", 7}, {"subnets", "x"}, {"used", -1}}});
  for (const auto& view : {network_table(odd, odd, IdLength::kShort), endpoint_table(odd, IdLength::kShort),
                           pool_table(odd), address_table(odd), reservation_table(odd)})
    EXPECT_EQ(std::count(view.begin(), view.end(), '\n'), 5) << view;
  EXPECT_THAT(pool_map_view(odd, 80), HasSubstr("...."));
  for (const auto& one : odd) {
    EXPECT_THAT(network_view(one, odd, IdLength::kShort), HasSubstr("endpoints"));
    EXPECT_THAT(pool_view(one), HasSubstr("use"));
    EXPECT_FALSE(address_story_view(Json{{"address", one}, {"stories", odd}}, 80).empty());
    EXPECT_THAT(status_view(one), HasSubstr("calls"));
  }
}

}  // namespace
}  // namespace viaduct::ctl
