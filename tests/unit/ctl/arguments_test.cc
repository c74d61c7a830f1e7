#include "tools/ctl/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace viaduct::ctl {
namespace {

using testing::HasSubstr;

ArgumentsOutcome read(std::vector<const char*> words) {
  words.insert(words.begin(), "viaductctl");
  return read_arguments(static_cast<int>(words.size()), words.data());
}

struct Case {
  std::vector<const char*> words;
  Command command;
  const char* id;
};

TEST(Arguments, EveryCommand_IsRead) {
  const std::vector<Case> cases = {
      {{"status"}, Command::kStatus, ""},
      {{"network", "ls"}, Command::kNetworkList, ""},
      {{"network", "show", "ab"}, Command::kNetworkShow, "ab"},
      {{"network", "rm", "ab"}, Command::kNetworkRemove, "ab"},
      {{"endpoint", "ls"}, Command::kEndpointList, ""},
      {{"endpoint", "ls", "--network", "ab"}, Command::kEndpointList, "ab"},
      {{"pool", "ls"}, Command::kPoolList, ""},
      {{"pool", "show", "local/10.0.0.0/24"}, Command::kPoolShow, "local/10.0.0.0/24"},
      {{"pool", "rm", "10.0.0.0/24", "--with-addresses"}, Command::kPoolRemove, "10.0.0.0/24"},
      {{"address", "ls"}, Command::kAddressList, ""},
      {{"address", "ls", "--pool", "10."}, Command::kAddressList, "10."},
      {{"address", "why", "10.0.0.2"}, Command::kAddressWhy, ""},
      {{"address", "reserve", "10.0.0.2", "--name", "db"}, Command::kAddressReserve, ""},
      {{"address", "reserve", "--file", "-"}, Command::kAddressReserve, ""},
      {{"address", "unreserve", "10.0.0.2"}, Command::kAddressUnreserve, ""},
      {{"address", "release", "10.0.0.2"}, Command::kAddressRelease, ""},
      {{"reservation", "ls"}, Command::kReservationList, ""},
      {{"export"}, Command::kExport, ""},
      {{"import", "-"}, Command::kImport, ""},
  };
  for (const auto& wanted : cases) {
    const auto outcome = read(wanted.words);
    ASSERT_TRUE(outcome.arguments.has_value()) << testing::PrintToString(wanted.words) << outcome.text;
    EXPECT_EQ(outcome.arguments->command, wanted.command) << testing::PrintToString(wanted.words);
    EXPECT_EQ(outcome.arguments->id, wanted.id);
    EXPECT_EQ(outcome.arguments->output, Output::kText);
    EXPECT_EQ(outcome.arguments->id_length, IdLength::kShort);
  }
}

TEST(Arguments, Options_MayStandBeforeAndAfterTheCommand) {
  const std::vector<std::vector<const char*>> orders = {
      {"--json", "--no-trunc", "--socket", "unix:///a", "network", "ls"},
      {"network", "ls", "--json", "--no-trunc", "--socket", "unix:///a"},
      {"network", "--json", "ls", "--socket=unix:///a", "--no-trunc"}};
  for (const auto& words : orders) {
    const auto outcome = read(words);
    ASSERT_TRUE(outcome.arguments.has_value()) << testing::PrintToString(words) << outcome.text;
    EXPECT_EQ(outcome.arguments->output, Output::kJson);
    EXPECT_EQ(outcome.arguments->id_length, IdLength::kWhole);
    EXPECT_EQ(outcome.arguments->socket, "unix:///a");
  }
}

TEST(Arguments, Mistakes_EndWithTwoAndAMessage) {
  const std::vector<std::vector<const char*>> mistakes = {{},
                                                          {"frob"},
                                                          {"network"},
                                                          {"network", "frob"},
                                                          {"network", "show"},
                                                          {"network", "rm"},
                                                          {"pool", "show"},
                                                          {"pool", "rm"},
                                                          {"status", "--frob"},
                                                          {"status", "more"},
                                                          {"endpoint", "ls", "--pool", "x"},
                                                          {"address", "why"},
                                                          {"address", "reserve"},
                                                          {"address", "reserve", "10.0.0.2"},
                                                          {"address", "reserve", "--name", "db"},
                                                          {"address", "reserve", "10.0.0.2", "--file", "f"},
                                                          {"address", "reserve", "--file", "f", "--mac", "m"},
                                                          {"address", "unreserve"},
                                                          {"address", "release"},
                                                          {"address", "release", "10.0.0.2", "--mac", "m"},
                                                          {"reservation"},
                                                          {"import"},
                                                          {"status", "--socket"}};
  for (const auto& words : mistakes) {
    const auto outcome = read(words);
    EXPECT_FALSE(outcome.arguments.has_value()) << testing::PrintToString(words);
    EXPECT_EQ(outcome.exit_code, 2) << testing::PrintToString(words);
    EXPECT_FALSE(outcome.text.empty()) << testing::PrintToString(words);
  }
}

TEST(Arguments, Reservation_HasItsOwnerItsNoteAndItsSpace) {
  const auto outcome = read({"address", "reserve", "10.0.0.2", "--mac", "02:42:00:00:00:01", "--name", "db",
                             "--note", "the database", "--space", "global"});
  ASSERT_TRUE(outcome.arguments.has_value()) << outcome.text;
  EXPECT_EQ(outcome.arguments->address, "10.0.0.2");
  EXPECT_EQ(outcome.arguments->mac, "02:42:00:00:00:01");
  EXPECT_EQ(outcome.arguments->name, "db");
  EXPECT_EQ(outcome.arguments->note, "the database");
  EXPECT_EQ(outcome.arguments->space, "global");
}

TEST(Arguments, WordThatIsNotUnderstood_IsNamed) {
  EXPECT_THAT(read({"frob"}).text, HasSubstr("frob"));
  EXPECT_THAT(read({"network", "frob"}).text, HasSubstr("frob"));
}

TEST(Arguments, HelpAndVersion_EndWell) {
  const auto help = read({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.text, HasSubstr("3 daemon not reachable"));
  const auto version = read({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.text, testing::StartsWith("viaductctl "));
}

}  // namespace
}  // namespace viaduct::ctl
