#include "ipam/pool_settings.h"

#include <gtest/gtest.h>

#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::ip;
using testing::prefix;

TEST(PoolSettings, WithoutOptions_HaveTheDefaults) {
  EXPECT_EQ(read_pool_settings({}).value(), PoolSettings());
  EXPECT_EQ(PoolSettings().quarantine, seconds(60));
}

TEST(PoolSettings, EveryOption_IsRead) {
  const auto read = read_pool_settings({{"policy", "random"},
                                        {"quarantine", "5m"},
                                        {"sticky", "7d"},
                                        {"probe", "on"},
                                        {"size", "26"},
                                        {"slice", "2/3"},
                                        {"space", "lab"},
                                        {"exclude", "10.1.0.5,10.1.0.8-10.1.0.9,fd00::/120"},
                                        {"spill", "10.2.0.0/24,10.3.0.0/24"},
                                        {"com.docker.network.ipam.serial", "true"}});
  ASSERT_TRUE(read.ok()) << read.error().message;
  const PoolSettings& settings = read.value();
  EXPECT_EQ(settings.policy, Policy::kRandom);
  EXPECT_EQ(settings.quarantine, seconds(300));
  EXPECT_EQ(settings.retention, hours(7 * 24));
  EXPECT_EQ(settings.probe, Probe::kOn);
  EXPECT_EQ(settings.size, 26);
  EXPECT_EQ(settings.slice, (PoolSettings::Slice{2, 3}));
  EXPECT_EQ(settings.space, "lab");
  ASSERT_EQ(settings.exclude.size(), 3U);
  EXPECT_EQ(settings.exclude[1], (AddressSpan{ip("10.1.0.8"), ip("10.1.0.9")}));
  EXPECT_EQ(settings.exclude[2].last, ip("fd00::ff"));
  EXPECT_EQ(settings.spill, (std::vector<Prefix>{prefix("10.2.0.0/24"), prefix("10.3.0.0/24")}));
}

TEST(PoolSettings, BadValues_AreRefusedNamingTheOption) {
  const std::pair<std::string, std::string> bad[] = {{"policy", "first"},
                                                     {"quarantine", "60"},
                                                     {"quarantine", "-1s"},
                                                     {"quarantine", "5w"},
                                                     {"sticky", "99999999d"},
                                                     {"sticky", ""},
                                                     {"exclude", "10.1.0.9-10.1.0.8"},
                                                     {"exclude", "10.1.0.1-fd00::1"},
                                                     {"exclude", "10.1.0.1,"},
                                                     {"spill", "10.2.0.1"},
                                                     {"size", "0"},
                                                     {"slice", "0/3"},
                                                     {"slice", "4/3"},
                                                     {"slice", "1"},
                                                     {"slice", "1/1025"},
                                                     {"slice", "1/3x"},
                                                     {"probe", "yes"},
                                                     {"space", "A"}};
  for (const auto& [key, value] : bad) {
    const auto read = read_pool_settings({{key, value}});
    ASSERT_FALSE(read.ok()) << key << "=" << value;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(read.error().message.find(key), std::string::npos) << read.error().message;
  }
}

}  // namespace
}  // namespace viaduct::ipam
