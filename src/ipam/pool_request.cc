#include "ipam/pool_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/clip.h"
#include "ipam/pool_planner.h"

namespace viaduct::ipam {

namespace {

constexpr std::array<std::string_view, 2> kKnownOptions = {"size", "space"};
constexpr size_t kLongestSpaceName = 32;

bool mixed_in_by_engine(std::string_view key) {
  return key == "RequestAddressType" || key.starts_with("com.docker.network.");
}

Error unknown_option(const std::string& key) {
  const auto nearest = *std::min_element(
      kKnownOptions.begin(), kKnownOptions.end(),
      [&](auto left, auto right) { return edit_distance(key, left) < edit_distance(key, right); });
  const bool close = edit_distance(key, nearest) <= 2;
  return invalid_argument(fmt::format("unknown IPAM option \"{}\"; {}the known ones are {}", clipped(key),
                                      close ? fmt::format("did you mean \"{}\"? ", nearest) : "",
                                      fmt::join(kKnownOptions, ", ")));
}

Status check_space_name(const std::string& name) {
  const bool fits = !name.empty() && name.size() <= kLongestSpaceName;
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (fits && plain) return {};
  return invalid_argument(
      fmt::format("IPAM option space=\"{}\" is no name of a space; use 1 to {} of a-z, 0-9 and '-'",
                  clipped(name), kLongestSpaceName));
}

Result<int> read_size(const std::string& text) {
  int size = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (problem == std::errc() && end == text.data() + text.size() && size >= 1 && size <= 128) return size;
  return invalid_argument(
      fmt::format("IPAM option size=\"{}\" is no prefix length; use 1 to 32 for IPv4, 33 to 128 for IPv6",
                  clipped(text)));
}

bool concerns(int size, Family family) {
  return (size <= 32) == (family == Family::kIpv4);
}

Status read_options(const Options& options, PoolWish& wish) {
  for (const auto& [key, value] : options) {
    if (mixed_in_by_engine(key)) continue;
    if (key == "space") {
      TRY(check_space_name(value));
      wish.space += "." + value;
    } else if (key == "size") {
      const int size = TRY(read_size(value));
      if (concerns(size, wish.family)) wish.length = size;
    } else {
      return unknown_option(key);
    }
  }
  return {};
}

// "0.0.0.0/27": an automatic pool of that length (engine 29 passes it on as it stands).
Status read_length_wish(const Prefix& unspecified, PoolWish& wish) {
  if (unspecified.length() == 0)
    return invalid_argument(
        fmt::format("pool {} is the whole address space; choose a --subnet", unspecified.to_string()));
  if (wish.length.has_value() && *wish.length != unspecified.length())
    return invalid_argument(
        fmt::format("pool {} and IPAM option size={} ask for different lengths; give one of them",
                    unspecified.to_string(), *wish.length));
  wish.length = unspecified.length();
  return {};
}

Status check_explicit(const PoolWish& wish) {
  // A replay of an automatic pool brings its options along, so that an equal size is no contradiction.
  if (wish.length.has_value() && *wish.length != wish.pool->length())
    return invalid_argument(
        fmt::format("pool {} and IPAM option size={} ask for different lengths; give one of them",
                    wish.pool->to_string(), *wish.length));
  if (!wish.sub_pool.has_value()) return {};
  if (!wish.pool->contains(*wish.sub_pool))
    return invalid_argument(
        fmt::format("sub-pool {} is not inside pool {}; choose an --ip-range within --subnet",
                    wish.sub_pool->to_string(), wish.pool->to_string()));
  if (!usable_range(*wish.pool, wish.sub_pool).has_value())
    return invalid_argument(
        fmt::format("sub-pool {} of pool {} holds no address that a host may carry; "
                    "choose a wider --ip-range",
                    wish.sub_pool->to_string(), wish.pool->to_string()));
  return {};
}

}  // namespace

Result<PoolWish> check_pool_request(const PoolRequest& request) {
  if (request.space != kLocalSpace && request.space != kGlobalSpace)
    return invalid_argument(fmt::format("unknown address space \"{}\"; the known ones are {} and {}",
                                        clipped(request.space), kLocalSpace, kGlobalSpace));
  PoolWish wish;
  wish.space = request.space;
  wish.family = request.pool.has_value() ? request.pool->family() : request.family;
  wish.options = request.options;
  TRY(read_options(request.options, wish));
  const bool length_only = request.pool.has_value() && request.pool->first().value() == 0;
  if (length_only) TRY(read_length_wish(*request.pool, wish));
  if (request.pool.has_value() && !length_only) wish.pool = request.pool;
  wish.sub_pool = request.sub_pool;
  if (wish.pool.has_value()) {
    TRY(check_explicit(wish));
  } else if (wish.sub_pool.has_value()) {
    return invalid_argument(fmt::format("sub-pool {} comes without a pool; give --subnet with --ip-range",
                                        wish.sub_pool->to_string()));
  }
  return wish;
}

SpaceKind kind_of_space(const std::string& space) {
  const bool global = space == kGlobalSpace || space.starts_with(std::string(kGlobalSpace) + ".");
  return global ? SpaceKind::kGlobal : SpaceKind::kLocal;
}

size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  for (size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= from.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= to.size(); ++j) {
      const size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[to.size()];
}

}  // namespace viaduct::ipam
