#include "tools/ctl/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/ctl/answers.h"

namespace viaduct::ctl {
namespace {

using testing::HasSubstr;

Json elsewhere() {
  Json out = story("free");
  out["space"] = "global";
  return out;
}

Result<Json> answer(const std::string& path) {
  if (path == "/v1/status") return status();
  if (path == "/v1/networks") return Json{{"networks", networks()}};
  if (path == "/v1/endpoints") return Json{{"endpoints", endpoints()}};
  if (path == "/v1/pools") return Json{{"pools", pools()}};
  if (path == "/v1/addresses") return Json{{"addresses", addresses()}};
  if (path == "/v1/reservations") return Json{{"reservations", reservations()}};
  if (path == "/v1/pool-map/1024/local/10.128.0.0/24")
    return Json{{"pool", pools()[0]}, {"cells", small_cells()}};
  if (path == "/v1/pool-map/1024/local/fd00:1::/64")
    return Json{{"pool", pools()[2]}, {"cells", Json::array()}};
  if (path == "/v1/address/fd00::2")
    return Json{{"address", "fd00::2"}, {"stories", {story("free"), elsewhere()}}};
  if (path == "/v1/export") return Json{{"pools", Json::array()}};
  return not_found(path);
}

// A daemon that remembers what was posted to it, and agrees.
struct FakeDaemon {
  std::string path;
  Json body;
  Daemon seam() {
    return {answer, [this](const std::string& to, const std::string& text) -> Result<Json> {
              path = to;
              body = Json::parse(text, nullptr, false);
              return Json::object();
            }};
  }
};

Result<std::string> run(const Arguments& arguments, const std::string& input = "") {
  FakeDaemon daemon;
  return run_command(arguments, daemon.seam(), Surroundings{80, input});
}

Arguments arguments(Command command, const std::string& id = "", Output output = Output::kText) {
  Arguments out;
  out.command = command;
  out.id = id;
  out.output = output;
  return out;
}

Json json_of(Command command, const std::string& id = "") {
  const auto text = run(arguments(command, id, Output::kJson));
  return text.ok() ? Json::parse(text.value(), nullptr, false) : Json(text.error().message);
}

TEST(Command, JsonOfLists_IsTheDaemonsAnswer) {
  EXPECT_EQ(json_of(Command::kStatus), status());
  EXPECT_EQ(json_of(Command::kNetworkList), (Json{{"networks", networks()}}));
  EXPECT_EQ(json_of(Command::kEndpointList), (Json{{"endpoints", endpoints()}}));
  EXPECT_EQ(json_of(Command::kPoolList), (Json{{"pools", pools()}}));
  EXPECT_EQ(json_of(Command::kAddressList), (Json{{"addresses", addresses()}}));
  EXPECT_EQ(json_of(Command::kReservationList), (Json{{"reservations", reservations()}}));
  EXPECT_EQ(json_of(Command::kExport), (Json{{"pools", Json::array()}}));
}

TEST(Command, JsonOfShow_IsTheOneObject) {
  EXPECT_EQ(json_of(Command::kNetworkShow, "bb"), networks()[1]);
  Json pool = pools()[0];
  pool["cells"] = small_cells();
  EXPECT_EQ(json_of(Command::kPoolShow, "local/10.128.0.0/24"), pool);
}

TEST(Command, Filters_LeaveTheRestOut) {
  EXPECT_EQ(json_of(Command::kEndpointList, "bb"), (Json{{"endpoints", Json::array()}}));
  EXPECT_EQ(json_of(Command::kEndpointList, "aa")["endpoints"].size(), 2U);
  EXPECT_EQ(json_of(Command::kAddressList, "local/fd00:1::/64"), (Json{{"addresses", {addresses()[4]}}}));
}

TEST(Command, EveryCommand_HasATextOfItsOwn) {
  const auto text = [](Command command, const std::string& id = "") {
    const auto outcome = run(arguments(command, id));
    return outcome.ok() ? outcome.value() : outcome.error().message;
  };
  EXPECT_THAT(text(Command::kStatus), HasSubstr("0badcafe"));
  EXPECT_THAT(text(Command::kNetworkList), HasSubstr("NETWORK ID"));
  EXPECT_THAT(text(Command::kNetworkShow, "a"), HasSubstr("auxiliary router"));
  EXPECT_THAT(text(Command::kEndpointList), HasSubstr("HOST LINK"));
  EXPECT_THAT(text(Command::kPoolList), HasSubstr("CAPACITY"));
  EXPECT_THAT(text(Command::kPoolShow, "local/10.128.0.0/24"), HasSubstr("12 of 254"));
  EXPECT_THAT(text(Command::kPoolShow, "local/10.128.0.0/24"), HasSubstr("10.128.0.0  x##qsr..\n"));
  EXPECT_THAT(text(Command::kAddressList), HasSubstr("CLASS"));
  EXPECT_THAT(text(Command::kReservationList), HasSubstr("the database"));
}

TEST(Command, UnknownAndAmbiguousIds_AreTrouble) {
  for (const Command command : {Command::kNetworkShow, Command::kNetworkRemove, Command::kEndpointList,
                                Command::kPoolShow, Command::kPoolRemove, Command::kAddressList}) {
    const auto outcome = run(arguments(command, "zz"));
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(exit_code_of(outcome.error()), 1);
  }
  const auto outcome = run(arguments(Command::kPoolShow, "local/"));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(exit_code_of(outcome.error()), 1);
}

TEST(Command, Why_AsksForTheAddressInItsUsualFormAndFiltersBySpace) {
  Arguments why = arguments(Command::kAddressWhy, "", Output::kJson);
  why.address = "FD00:0::2";
  EXPECT_EQ(Json::parse(run(why).value())["stories"].size(), 2U);
  why.space = "global";
  EXPECT_EQ(Json::parse(run(why).value())["stories"], Json::array({elsewhere()}));
  why.address = "10.0.0.0/8";
  EXPECT_EQ(exit_code_of(run(why).error()), 2);
}

struct Posted {
  std::string path;
  Json body;
};

Posted posted(const Arguments& arguments, const std::string& input = "") {
  FakeDaemon daemon;
  const auto text = run_command(arguments, daemon.seam(), Surroundings{80, input});
  EXPECT_TRUE(text.ok() && text.value().ends_with("\n"));
  return {daemon.path, daemon.body};
}

TEST(Command, Reserve_PostsWhatWasGivenAndTheLocalSpace) {
  Arguments one = arguments(Command::kAddressReserve);
  one.address = "10.128.0.9";
  one.name = "db";
  const Posted plain = posted(one);
  EXPECT_EQ(plain.path, "/v1/reservations");
  EXPECT_EQ(plain.body,
            (Json{{"reservations", {{{"space", "local"}, {"address", "10.128.0.9"}, {"name", "db"}}}}}));
  one.mac = "02:42:0a:80:00:09";
  one.note = "n";
  one.space = "global";
  EXPECT_EQ(posted(one).body["reservations"][0], (Json{{"space", "global"},
                                                       {"address", "10.128.0.9"},
                                                       {"mac", "02:42:0a:80:00:09"},
                                                       {"name", "db"},
                                                       {"note", "n"}}));
  EXPECT_EQ(run(one).value(), "10.128.0.9 of space global is reserved for MAC 02:42:0a:80:00:09, name db\n");
}

TEST(Command, ReserveFromAFile_TakesAnArrayOrAnObject) {
  Arguments file = arguments(Command::kAddressReserve);
  file.file = "-";
  const Json list = {{{"address", "10.128.0.9"}, {"name", "db"}}};
  EXPECT_EQ(posted(file, "\n " + list.dump()).body, (Json{{"reservations", list}}));
  EXPECT_EQ(posted(file, Json{{"reservations", list}}.dump()).body, (Json{{"reservations", list}}));
}

TEST(Command, OtherChanges_GoToTheirPaths) {
  Arguments one = arguments(Command::kAddressUnreserve);
  one.address = "10.128.0.9";
  const Json place = {{"space", "local"}, {"address", "10.128.0.9"}};
  EXPECT_EQ(posted(one).path, "/v1/reservations/remove");
  EXPECT_EQ(posted(one).body, place);
  one.command = Command::kAddressRelease;
  EXPECT_EQ(posted(one).path, "/v1/addresses/release");
  EXPECT_EQ(posted(one).body, place);
  Arguments state = arguments(Command::kImport);
  state.file = "backup.json";
  EXPECT_EQ(posted(state, "{\"a\": 1}").path, "/v1/import");
  EXPECT_EQ(posted(state, "{\"a\": 1}").body, (Json{{"a", 1}}));
}

TEST(Command, NetworkRemove_PostsTheWholeId) {
  const Arguments one = arguments(Command::kNetworkRemove, "bb");
  EXPECT_EQ(posted(one).path, "/v1/networks/remove");
  EXPECT_EQ(posted(one).body, (Json{{"id", std::string(64, 'b')}}));
  EXPECT_EQ(run(one).value(), "network bbbbbbbbbbbb is removed\n");
}

TEST(Command, PoolRemove_AsksTheEngineFirst) {
  const Arguments one = arguments(Command::kPoolRemove, "local/10.128.0.0/24");
  EXPECT_EQ(posted(one).path, "/v1/pools/remove");
  EXPECT_EQ(posted(one).body, (Json{{"id", "local/10.128.0.0/24"}, {"with_addresses", false}}));
  EXPECT_EQ(run(one).value(), "pool local/10.128.0.0/24 is removed\n");
  FakeDaemon daemon;
  Daemon with_engine = daemon.seam();
  const auto outcome = [&](const char* subnet) {
    with_engine.engine = [subnet](const std::string& path) -> Result<Json> {
      EXPECT_EQ(path, "/networks");
      return Json::array({{{"Name", "demo"}, {"IPAM", {{"Config", Json::array({{{"Subnet", subnet}}})}}}}});
    };
    return run_command(one, with_engine, Surroundings{80, ""});
  };
  EXPECT_EQ(outcome("10.128.0.0/24").error().code, ErrorCode::kConflict);
  EXPECT_NE(outcome("10.128.0.9/24").error().message.find("network demo of the engine stands on"),
            std::string::npos);
  EXPECT_EQ(daemon.path, "") << "nothing was changed";
  EXPECT_TRUE(outcome("10.129.0.0/24").ok());
}

TEST(Command, JsonOfChanges_IsTheDaemonsAnswer) {
  Arguments one = arguments(Command::kAddressRelease, "", Output::kJson);
  one.address = "10.128.0.9";
  EXPECT_EQ(run(one).value(), "{}\n");
}

TEST(Command, DaemonAway_IsPassedOnByEveryCommand) {
  const Daemon away{
      [](const std::string&) -> Result<Json> { return unavailable("nobody there"); },
      [](const std::string&, const std::string&) -> Result<Json> { return unavailable("nobody there"); }};
  for (const Command command :
       {Command::kStatus, Command::kNetworkList, Command::kNetworkShow, Command::kEndpointList,
        Command::kPoolList, Command::kPoolShow, Command::kAddressList, Command::kAddressWhy,
        Command::kAddressReserve, Command::kAddressUnreserve, Command::kAddressRelease,
        Command::kReservationList, Command::kExport, Command::kImport, Command::kNetworkRemove,
        Command::kPoolRemove}) {
    Arguments any = arguments(command, "x");
    any.address = "10.0.0.2";
    const auto outcome = run_command(any, away, {});
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(exit_code_of(outcome.error()), 3);
  }
}

TEST(ExitCode, Errors_MapToTheDocumentedOnes) {
  EXPECT_EQ(exit_code_of(invalid_argument("")), 2);
  EXPECT_EQ(exit_code_of(not_found("")), 1);
  EXPECT_EQ(exit_code_of(conflict("")), 1);
  EXPECT_EQ(exit_code_of(unavailable("")), 3);
  EXPECT_EQ(exit_code_of(internal("")), 1);
}

}  // namespace
}  // namespace viaduct::ctl
