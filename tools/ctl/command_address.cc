#include "tools/ctl/command_address.h"

#include <fmt/format.h>

#include "base/ip.h"
#include "tools/ctl/fields.h"
#include "tools/ctl/view.h"

namespace viaduct::ctl {

namespace {

std::string space_of(const Arguments& arguments) {
  return arguments.space.empty() ? "local" : arguments.space;
}

// As the daemon writes it.
Result<std::string> canonical(const std::string& address) {
  return TRY(IpAddress::parse(address)).to_string();
}

// POSTs `body`; the answer is `done` to people.
Result<std::string> change(const Arguments& arguments, const Daemon& daemon, const std::string& path,
                           const std::string& body, const std::string& done) {
  const Json answer = TRY(daemon.post(path, body));
  return arguments.output == Output::kJson ? pretty(answer) : ascii(done) + "\n";
}

// "MAC 02:42:0a:80:00:02, name web"
std::string owner_of(const Arguments& arguments) {
  std::string owner = arguments.mac.empty() ? "" : "MAC " + arguments.mac;
  if (!arguments.name.empty()) owner += (owner.empty() ? "name " : ", name ") + arguments.name;
  return owner;
}

// The daemon reads it strictly; here only an array is told from an object.
std::string reservations_body(const std::string& input) {
  const size_t first = input.find_first_not_of(" \t\r\n");
  const bool is_array = first != std::string::npos && input[first] == '[';
  return is_array ? fmt::format("{{\"reservations\":{}}}", input) : input;
}

}  // namespace

Result<std::string> explain_address(const Arguments& arguments, const Daemon& daemon, size_t width) {
  const std::string address = TRY(canonical(arguments.address));
  Json answer = TRY(daemon.get("/v1/address/" + address));
  Json stories = Json::array();
  for (const auto& story : list_field(answer, "stories"))
    if (arguments.space.empty() || text_field(story, "space") == arguments.space) stories.push_back(story);
  answer["stories"] = std::move(stories);
  return arguments.output == Output::kJson ? pretty(answer) : address_story_view(answer, width);
}

Result<std::string> reserve_address(const Arguments& arguments, const Daemon& daemon,
                                    const std::string& input) {
  if (!arguments.file.empty())
    return change(arguments, daemon, "/v1/reservations", reservations_body(input),
                  fmt::format("the addresses of {} are reserved", arguments.file));
  const std::string address = TRY(canonical(arguments.address));
  const std::string space = space_of(arguments);
  Json one = {{"space", space}, {"address", address}};
  if (!arguments.mac.empty()) one["mac"] = arguments.mac;
  if (!arguments.name.empty()) one["name"] = arguments.name;
  if (!arguments.note.empty()) one["note"] = arguments.note;
  return change(arguments, daemon, "/v1/reservations", dump_json({{"reservations", Json::array({one})}}),
                fmt::format("{} of space {} is reserved for {}", address, space, owner_of(arguments)));
}

Result<std::string> unreserve_address(const Arguments& arguments, const Daemon& daemon) {
  const std::string address = TRY(canonical(arguments.address));
  const std::string space = space_of(arguments);
  return change(arguments, daemon, "/v1/reservations/remove",
                dump_json({{"space", space}, {"address", address}}),
                fmt::format("{} of space {} is not reserved any more", address, space));
}

Result<std::string> release_address(const Arguments& arguments, const Daemon& daemon) {
  const std::string address = TRY(canonical(arguments.address));
  const std::string space = space_of(arguments);
  return change(arguments, daemon, "/v1/addresses/release",
                dump_json({{"space", space}, {"address", address}}),
                fmt::format("{} of space {} is free", address, space));
}

Result<std::string> list_reservations(const Arguments& arguments, const Daemon& daemon) {
  const Json answer = TRY(daemon.get("/v1/reservations"));
  if (arguments.output == Output::kJson) return pretty(answer);
  return reservation_table(list_field(answer, "reservations"));
}

Result<std::string> export_state(const Daemon& daemon) {
  return pretty(TRY(daemon.get("/v1/export")));
}

Result<std::string> import_state(const Arguments& arguments, const Daemon& daemon, const std::string& input) {
  return change(arguments, daemon, "/v1/import", input, fmt::format("{} is imported", arguments.file));
}

}  // namespace viaduct::ctl
