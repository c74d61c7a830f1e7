#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/network_types.h"
#include "net/options.h"

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
// "10.9.0.0/16 via 10.50.0.9, 10.8.0.0/16": with commas between them. Neither a default route nor one destination twice.
Result<std::vector<StaticRoute>> read_routes(const std::string& key, const std::string& value);
// "10.9.0.0/16 via 10.50.0.9".
std::string to_string(const StaticRoute& route);
// "100mbit", in bytes a second: a whole number and bit, kbit, mbit or gbit (powers of 1000), 8kbit to 100gbit.
Result<uint64_t> read_rate(const std::string& key, const std::string& value);
// "64kb", in bytes: a whole number and b, kb or mb (powers of 1024), 1kb to 64mb.
Result<uint32_t> read_burst(const std::string& key, const std::string& value);
Result<MacPolicy> read_mac_policy(const std::string& key, const std::string& value);
// 1 to 4094.
Result<uint16_t> read_vlan(const std::string& key, const std::string& value);
// The same, or "none", which is 0.
Result<uint16_t> read_native_vlan(const std::string& key, const std::string& value);
// "10,20-29".
Result<VlanSet> read_vlans(const std::string& key, const std::string& value);
// An IPv6 prefix with room for an IPv4 address: /32 to /96.
Result<Prefix> read_ipv6_prefix(const std::string& key, const std::string& value);
// "802.1Q" or "802.1ad", in any case.
Result<TagProtocol> read_tag_protocol(const std::string& key, const std::string& value);
// One address of that family.
Result<IpAddress> read_address(const std::string& key, const std::string& value, Family family);

}  // namespace viaduct::net
