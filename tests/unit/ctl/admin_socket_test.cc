#include "tools/ctl/admin_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace viaduct::ctl {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class ChooseSocket : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "viaduct-ctl-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    sources_.usual = folder_ / "admin.sock";
    sources_.plugins = folder_ / "plugins";
  }
  void TearDown() override { fs::remove_all(folder_); }

  static void touch(const fs::path& file) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << "";
  }
  fs::path plugin(const char* id) const { return sources_.plugins / id / "viaduct-admin.sock"; }

  fs::path folder_;
  SocketSources sources_;
};

TEST_F(ChooseSocket, Flag_WinsOverEnvironment) {
  sources_.flag = "unix:///flag";
  sources_.environment = "unix:///environment";
  EXPECT_EQ(choose_socket(sources_).value(), "/flag");
  sources_.flag.clear();
  EXPECT_EQ(choose_socket(sources_).value(), "/environment");
}

TEST_F(ChooseSocket, OtherForm_IsRefusedNamingItsSource) {
  for (const char* address : {"/run/x.sock", "unix://relative", "tcp://127.0.0.1:1", "unix:/x"}) {
    sources_.flag = address;
    const auto chosen = choose_socket(sources_);
    ASSERT_FALSE(chosen.ok()) << address;
    EXPECT_EQ(chosen.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(chosen.error().message, HasSubstr("--socket"));
  }
  sources_.flag.clear();
  sources_.environment = "x";
  EXPECT_THAT(choose_socket(sources_).error().message, HasSubstr("VIADUCT_ADMIN"));
}

TEST_F(ChooseSocket, NothingThere_IsTheUsualOne) {
  EXPECT_EQ(choose_socket(sources_).value(), sources_.usual.string());
}

TEST_F(ChooseSocket, OnePlugin_IsUsedUnlessTheUsualOneIsThere) {
  touch(plugin("one"));
  touch(sources_.plugins / "other" / "other.sock");
  EXPECT_EQ(choose_socket(sources_).value(), plugin("one").string());
  touch(sources_.usual);
  EXPECT_EQ(choose_socket(sources_).value(), sources_.usual.string());
}

TEST_F(ChooseSocket, SeveralPlugins_AskForTheFlag) {
  touch(plugin("one"));
  touch(plugin("two"));
  const auto chosen = choose_socket(sources_);
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().code, ErrorCode::kConflict);
  EXPECT_THAT(chosen.error().message, HasSubstr("unix://" + plugin("two").string()));
  EXPECT_THAT(chosen.error().message, HasSubstr("--socket"));
}

}  // namespace
}  // namespace viaduct::ctl
