#include "server/config.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "server/engine_process.h"

namespace viaduct::server {
namespace {

ConfigOutcome read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "viaductd");
  return read_config(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Config, WithoutArguments_HasTheDocumentedDefaults) {
  const auto outcome = read({});
  ASSERT_TRUE(outcome.config.has_value()) << outcome.text;
  EXPECT_EQ(outcome.config->listen, std::vector<std::string>{"unix:///run/docker/plugins/viaduct.sock"});
  EXPECT_EQ(outcome.config->admin, "unix:///run/viaduct/admin.sock");
  EXPECT_EQ(outcome.config->state_folder, "/var/lib/viaduct");
  EXPECT_EQ(outcome.config->scope, "local");
  EXPECT_FALSE(outcome.config->pools.empty());
}

TEST(Config, FlagsAndEnvironment_TheFlagWinsAndAnEmptyVariableIsUnset) {
  ::setenv("VIADUCT_SCOPE", "global", 1);
  ::setenv("VIADUCT_LOG_FORMAT", "", 1);
  EXPECT_EQ(read({}).config->scope, "global");
  EXPECT_EQ(read({"--scope", "local"}).config->scope, "local");
  EXPECT_EQ(read({}).config->log_format, LogFormat::kText);
  ::unsetenv("VIADUCT_SCOPE");
  ::unsetenv("VIADUCT_LOG_FORMAT");
}

TEST(Config, RepeatedListen_GivesSeveral) {
  const auto outcome = read({"--listen", "unix:///run/a.sock", "--listen", "fd://"});
  ASSERT_TRUE(outcome.config.has_value()) << outcome.text;
  EXPECT_EQ(outcome.config->listen, (std::vector<std::string>{"unix:///run/a.sock", "fd://"}));
}

TEST(Config, ListenOfAScope_IsSortedByIt) {
  const auto outcome = read({"--scope", "global", "--listen", "unix:///run/a.sock", "--listen",
                             "local=unix:///run/b.sock", "--listen", "global=unix:///run/c=d.sock"});
  ASSERT_TRUE(outcome.config.has_value()) << outcome.text;
  EXPECT_EQ(outcome.config->listen, (std::vector<std::string>{"unix:///run/a.sock", "unix:///run/c=d.sock"}));
  EXPECT_EQ(outcome.config->other_listen, std::vector<std::string>{"unix:///run/b.sock"});
}

TEST(Config, Mistakes_ExitWithTwoAndNameTheFlag) {
  const std::vector<std::pair<std::vector<const char*>, const char*>> mistakes = {
      {{"--scope", "planet"}, "--scope"},
      {{"--listen", "tcp://1.2.3.4:5"}, "--listen"},
      {{"--listen", "unix://relative"}, "--listen"},
      {{"--pools", "10.0.0.0/8"}, "--pools"},
      {{"--pools", "10.0.0.0/8:4"}, "--pools"},
      {{"--state", "here"}, "--state"},
      {{"--log-level", "loud"}, "--log-level"},
      {{"--colour"}, "--colour"},
      {{"--admin", "fd://"}, "--admin"},
      {{"--listen", "fd://", "--listen", "fd://"}, "--listen"},
      {{"--listen", "global=unix:///run/a.sock"}, "--scope global"},
      {{"--listen", "unix:///run/a.sock", "--listen", "global=fd://"}, "--listen"},
  };
  for (const auto& [arguments, flag] : mistakes) {
    const auto outcome = read(arguments);
    EXPECT_FALSE(outcome.config.has_value()) << flag;
    EXPECT_EQ(outcome.exit_code, 2) << flag;
    EXPECT_NE(outcome.text.find(flag), std::string::npos) << outcome.text;
  }
}

TEST(Config, HelpAndVersion_ExitWithZero) {
  EXPECT_EQ(read({"--version"}).exit_code, 0);
  EXPECT_NE(read({"--help"}).text.find("--listen"), std::string::npos);
}

TEST(EngineProcess, ThisProcess_IsVisibleAndAlive) {
  const auto engine = identify_engine(::getpid(), "boot");
  EXPECT_TRUE(engine.visible());
  EXPECT_GT(engine.start_ticks, 0U);
  EXPECT_TRUE(engine_alive(engine, "boot"));
}

TEST(EngineProcess, SamePidOfAnotherStartOrBoot_IsNotAlive) {
  auto engine = identify_engine(::getpid(), "boot");
  EXPECT_FALSE(engine_alive(engine, "after the reboot"));
  engine.start_ticks += 1;
  EXPECT_FALSE(engine_alive(engine, "boot"));
}

TEST(EngineProcess, PidThatIsNotVisible_HasNoIdentity) {
  EXPECT_FALSE(identify_engine(0, "boot").visible());
  EXPECT_FALSE(identify_engine(-1, "boot").visible());
}

}  // namespace
}  // namespace viaduct::server
