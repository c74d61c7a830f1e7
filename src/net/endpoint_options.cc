#include "net/endpoint_options.h"

#include <fmt/format.h>

#include <array>

#include "net/link_types.h"
#include "net/option_table.h"
#include "net/option_values.h"

namespace viaduct::net {

namespace {

constexpr std::string_view kViaductPrefix = "viaduct.";
constexpr std::string_view kLabelPrefix = "com.docker.network.";
constexpr std::string_view kDigits = "0123456789";
constexpr size_t kLongestKey = 256;

using KnownOfEndpoint = KnownOption<EndpointOptions>;

template <auto Reader, auto Member>
constexpr auto kIntoEndpoint = into<EndpointOptions, Reader, Member>;
template <auto Reader, auto Member>
constexpr auto kIntoEndpointRates = into<EndpointOptions, Reader, &EndpointOptions::rates, Member>;

Status interface_name(const std::string& key, const std::string& value, EndpointOptions& out) {
  out.interface_name = TRY(read_link_name(key, value));
  if (prefix_of(value).empty())
    return bad_value(key, value, "a name that does not consist of digits alone, such as lan0");
  return {};
}

Status endpoint_name(const std::string&, const std::string& value, EndpointOptions& out) {
  out.name = value;
  return {};
}

constexpr std::array kOfEndpoints = {
    KnownOfEndpoint{"route", "", kIntoEndpoint<read_routes, &EndpointOptions::routes>},
    KnownOfEndpoint{"rate_in", "", kIntoEndpointRates<read_rate, &Rates::in>},
    KnownOfEndpoint{"rate_out", "", kIntoEndpointRates<read_rate, &Rates::out>},
    KnownOfEndpoint{"rate_burst", "", kIntoEndpointRates<read_burst, &Rates::burst>},
    KnownOfEndpoint{"trunk", "", kIntoEndpoint<read_vlans, &EndpointOptions::trunk>},
    KnownOfEndpoint{"native", "", kIntoEndpoint<read_native_vlan, &EndpointOptions::native>},
    KnownOfEndpoint{"ifname", "com.docker.network.endpoint.ifname", interface_name},
    KnownOfEndpoint{"name", "com.docker.network.endpoint.name", endpoint_name},
};

// Null for a label of the engine's that means nothing here.
Result<const KnownOfEndpoint*> endpoint_option_of(std::string_view key) {
  const std::string_view bare = key.starts_with(kViaductPrefix) ? key.substr(kViaductPrefix.size()) : key;
  for (const KnownOfEndpoint& known : kOfEndpoints)
    if (known.is_named(bare, key)) return &known;
  if (key.starts_with(kLabelPrefix)) return static_cast<const KnownOfEndpoint*>(nullptr);
  if (key.size() > kLongestKey)
    return invalid_argument(
        fmt::format("an endpoint option's name has {} characters; none that viaduct knows is longer than 60",
                    key.size()));
  std::vector<std::string_view> words;
  for (const KnownOfEndpoint& known : kOfEndpoints) words.push_back(known.word);
  return invalid_argument(fmt::format("endpoint option {} is not known; the nearest known one is {}",
                                      shown(key), nearest_word(bare, words)));
}

}  // namespace

bool is_endpoint_label(std::string_view key) {
  for (const KnownOfEndpoint& known : kOfEndpoints)
    if (!known.label.empty() && key == known.label) return true;
  return false;
}

Result<EndpointOptions> read_endpoint_options(const Options& options) {
  return read_by_table<EndpointOptions>(options, endpoint_option_of, "endpoint option");
}

EndpointOptions understood_endpoint_options(const Options& options) {
  return understood_by_table<EndpointOptions>(options, endpoint_option_of);
}

std::string prefix_of(const std::string& interface_name) {
  const size_t last = interface_name.find_last_not_of(kDigits);
  return last == std::string::npos ? std::string() : interface_name.substr(0, last + 1);
}

}  // namespace viaduct::net
