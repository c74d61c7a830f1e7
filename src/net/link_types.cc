#include "net/link_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace viaduct::net {

namespace {

constexpr std::string_view kAliasStart = "viaduct/";
constexpr std::string_view kNetworkWord = "network";
constexpr std::string_view kEndpointWord = "endpoint";
constexpr std::string_view kShaperWord = "shaper";
constexpr std::string_view kSegmentWord = "segment";

std::string_view word_of(LinkMark::Kind kind) {
  switch (kind) {
    case LinkMark::Kind::kNetwork: return kNetworkWord;
    case LinkMark::Kind::kEndpoint: return kEndpointWord;
    case LinkMark::Kind::kShaper: return kShaperWord;
    case LinkMark::Kind::kSegment: break;
  }
  return kSegmentWord;
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_.@+=~,").find(c) != std::string_view::npos;
}

// Takes the text up to the next '/' off `rest`; empty if there is none.
std::string_view take_part(std::string_view& rest) {
  size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return {};
  std::string_view part = rest.substr(0, slash);
  rest.remove_prefix(slash + 1);
  return part;
}

}  // namespace

std::string to_alias(const LinkMark& mark) {
  return fmt::format("{}{}/{}/{}", kAliasStart, mark.instance, word_of(mark.kind), mark.id);
}

std::optional<LinkMark> mark_from_alias(const std::string& alias) {
  std::string_view rest = alias;
  if (!rest.starts_with(kAliasStart)) return std::nullopt;
  rest.remove_prefix(kAliasStart.size());
  std::string_view instance = take_part(rest);
  std::string_view kind = take_part(rest);
  if (instance.empty() || rest.empty() || rest.find('/') != std::string_view::npos) return std::nullopt;
  for (const auto known : {LinkMark::Kind::kNetwork, LinkMark::Kind::kEndpoint, LinkMark::Kind::kShaper,
                           LinkMark::Kind::kSegment})
    if (kind == word_of(known)) return LinkMark{std::string(instance), known, std::string(rest)};
  return std::nullopt;
}

const Link* link_in_service(const std::vector<Link>& links, const std::string& name) {
  const auto found = std::find_if(links.begin(), links.end(),
                                  [&](const Link& link) { return link.name == name && link.in_service(); });
  return found == links.end() ? nullptr : &*found;
}

Status check_link_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxLinkName) {
    return invalid_argument(
        fmt::format("link name \"{}\" has {} bytes; give it 1 to {}", name, name.size(), kMaxLinkName));
  }
  if (name == "." || name == ".." || !std::all_of(name.begin(), name.end(), is_name_character)) {
    return invalid_argument(
        fmt::format("link name \"{}\" is not one; use letters, digits and -_.@+=~, only", name));
  }
  return {};
}

Error not_our_link(const std::string& name) {
  return {
      ErrorCode::kPermission,
      fmt::format(
          "link {} does not carry viaduct's mark and is left alone; remove it by hand if it is in the way",
          name)};
}

}  // namespace viaduct::net
