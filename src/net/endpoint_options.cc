#include "net/endpoint_options.h"

#include <fmt/format.h>

#include <array>
#include <map>

#include "net/link_types.h"
#include "net/option_values.h"

namespace viaduct::net {

namespace {

constexpr std::string_view kViaductPrefix = "viaduct.";
constexpr std::string_view kLabelPrefix = "com.docker.network.";
constexpr std::string_view kDigits = "0123456789";
constexpr size_t kLongestKey = 256;

// One option: viaduct's word for it, Docker's label (empty if it has none), and what its value means.
struct KnownOfEndpoint {
  std::string_view word;
  std::string_view label;
  Status (*read)(const std::string& key, const std::string& value, EndpointOptions& out);
};

template <auto Reader, auto Member>
Status into_endpoint(const std::string& key, const std::string& value, EndpointOptions& out) {
  out.*Member = TRY(Reader(key, value));
  return {};
}

template <auto Reader, auto Member>
Status into_endpoint_rates(const std::string& key, const std::string& value, EndpointOptions& out) {
  out.rates.*Member = TRY(Reader(key, value));
  return {};
}

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
    KnownOfEndpoint{"route", "", into_endpoint<read_routes, &EndpointOptions::routes>},
    KnownOfEndpoint{"rate_in", "", into_endpoint_rates<read_rate, &Rates::in>},
    KnownOfEndpoint{"rate_out", "", into_endpoint_rates<read_rate, &Rates::out>},
    KnownOfEndpoint{"rate_burst", "", into_endpoint_rates<read_burst, &Rates::burst>},
    KnownOfEndpoint{"ifname", "com.docker.network.endpoint.ifname", interface_name},
    KnownOfEndpoint{"name", "com.docker.network.endpoint.name", endpoint_name},
};

// Null for a label of the engine's that means nothing here.
Result<const KnownOfEndpoint*> endpoint_option_of(std::string_view key) {
  const std::string_view bare = key.starts_with(kViaductPrefix) ? key.substr(kViaductPrefix.size()) : key;
  for (const KnownOfEndpoint& known : kOfEndpoints)
    if (bare == known.word || (!known.label.empty() && key == known.label)) return &known;
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

bool say_the_same(const KnownOfEndpoint& option, const std::string& a, const std::string& b) {
  EndpointOptions one;
  EndpointOptions other;
  return option.read("", a, one).ok() && option.read("", b, other).ok() && one == other;
}

}  // namespace

bool is_endpoint_label(std::string_view key) {
  for (const KnownOfEndpoint& known : kOfEndpoints)
    if (!known.label.empty() && key == known.label) return true;
  return false;
}

Result<EndpointOptions> read_endpoint_options(const Options& options) {
  EndpointOptions out;
  std::map<std::string_view, std::string> said;  // word to the key that said it
  for (const auto& [key, value] : options) {
    const KnownOfEndpoint* option = TRY(endpoint_option_of(key));
    if (option == nullptr) continue;
    TRY(option->read(key, value, out));
    const auto [first, fresh] = said.emplace(option->word, key);
    if (!fresh && !say_the_same(*option, options.at(first->second), value))
      return invalid_argument(
          fmt::format("endpoint options {}={} and {}={} contradict each other; give one of them",
                      first->second, shown(options.at(first->second)), key, shown(value)));
  }
  return out;
}

EndpointOptions understood_endpoint_options(const Options& options) {
  EndpointOptions out;
  for (const auto& [key, value] : options) {
    const auto option = endpoint_option_of(key);
    if (option.ok() && option.value() != nullptr) static_cast<void>(option.value()->read(key, value, out));
  }
  return out;
}

std::string prefix_of(const std::string& interface_name) {
  const size_t last = interface_name.find_last_not_of(kDigits);
  return last == std::string::npos ? std::string() : interface_name.substr(0, last + 1);
}

}  // namespace viaduct::net
