#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/network_types.h"

// Values of options, each from the text a user wrote. Pure. Errors: kInvalidArgument, one sentence that names the option (`key`, as
// it was given), the value and what would be one.
namespace viaduct::net {

// strconv.ParseBool of Go, by which the engine's bridge driver reads the same labels; empty if it is neither.
std::optional<bool> parse_go_bool(std::string_view text);
// A whole decimal number that fits.
std::optional<int> parse_number(std::string_view text);

// What a user wrote, short enough for a sentence.
std::string shown(std::string_view text);
Error bad_value(std::string_view key, std::string_view value, std::string_view wanted);

Result<bool> read_bool(const std::string& key, const std::string& value);
Result<int> read_mtu(const std::string& key, const std::string& value);
// The beginning of a link's name in a container; the engine appends a number, so that it leaves room for that.
Result<std::string> read_interface_prefix(const std::string& key, const std::string& value);
// The name of a link on the host.
Result<std::string> read_link_name(const std::string& key, const std::string& value);
// Names of links, separated by colons as Docker's bridge driver has them, or by commas.
Result<std::vector<std::string>> read_link_names(const std::string& key, const std::string& value);
Result<GatewayMode> read_gateway_mode(const std::string& key, const std::string& value);
// One address of that family.
Result<IpAddress> read_address(const std::string& key, const std::string& value, Family family);

}  // namespace viaduct::net
