#include "server/engine_process.h"

#include <gtest/gtest.h>

namespace viaduct::server {
namespace {

// As the kernel writes it.
const std::string kHead = "Num       RefCount Protocol Flags    Type St Inode Path\n";
const std::string kEngine =
    "00000000db766469: 00000002 00000000 00010000 0001 01 16955961 "
    "/var/run/docker/libnetwork/c4a28a313a51.sock\n";
const std::string kOthers =
    "0000000002131c4f: 00000002 00000000 00010000 0001 01 16956439 /var/run/docker.sock\n"
    "0000000002131c50: 00000003 00000000 00000000 0001 03 16956440\n"
    "0000000002131c51: 00000003 00000000 00000000 0001 03 16956441 "
    "/var/run/docker/libnetwork/c4a28a313a51.sock\n"
    "0000000002131c52: 00000002 00000000 00010000 0001 01 16956442 "
    "/srv/libnetwork/deeper/c4a28a313a51.sock\n";

TEST(EngineListener, IsFoundAmongOtherSockets) {
  EXPECT_EQ(listener_in(kHead + kOthers + kEngine), "c4a28a313a51");
  EXPECT_EQ(listener_in(kHead + kEngine + kOthers), "c4a28a313a51");
}

TEST(EngineListener, WithoutOne_NoEngineListens) {
  EXPECT_EQ(listener_in(kHead + kOthers), "") << "connections to one, and what only looks like one";
  EXPECT_EQ(listener_in(""), "");
}

TEST(EngineListener, Several_CannotBeTold) {
  const std::string second =
      "00000000db766470: 00000002 00000000 00010000 0001 01 16955999 "
      "/srv/other/libnetwork/1f1843e071fb.sock\n";
  EXPECT_EQ(listener_in(kHead + kEngine + second), std::nullopt);
}

}  // namespace
}  // namespace viaduct::server
