#include "ipam/prefix_tree.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>
#include <vector>

#include "ipam/pool_table.h"

namespace viaduct::ipam {

namespace {

constexpr uint8_t kNoneFree = 255;

// The bit of the address behind the first `length` ones.
unsigned bit_at(const IpAddress& address, int length) {
  return static_cast<unsigned>(address.value() >> (address_bits(address.family()) - 1 - length)) & 1U;
}

// How many leading bits both prefixes share.
int common_length(const Prefix& left, const Prefix& right) {
  const Uint128 differ = left.first().value() ^ right.first().value();
  const auto high = static_cast<uint64_t>(differ >> 64);
  const auto low = static_cast<uint64_t>(differ);
  const int zeros = high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(low);
  const int same = zeros - (128 - address_bits(left.family()));
  return std::min({same, left.length(), right.length()});
}

Prefix half(const Prefix& region, unsigned side) {
  const Uint128 begin = side == 0 ? 0 : Uint128{1} << (region.host_bits() - 1);
  return {region.first().plus(begin), region.length() + 1};
}

}  // namespace

// Where the ways to two or more prefixes part. In one cache line, what must be known of the children included: one that is
// not on an operation's way is not looked at.
struct alignas(64) PrefixTree::Fork {
  Prefix prefix;
  std::array<Link, 2> children;
  // Length of the largest free prefix within each half.
  std::array<uint8_t, 2> free_in_half = {kNoneFree, kNoneFree};

  [[nodiscard]] Link& child(const Prefix& towards) {
    return children[bit_at(towards.first(), prefix.length())];
  }
  // After a change of the child on that side.
  void measure(const Link& child) {
    // Between this fork and a child further down, the first half that the way leaves is the largest free one.
    const bool gap = child.prefix().length() > prefix.length() + 1;
    const auto on_the_way = static_cast<uint8_t>(gap ? prefix.length() + 2 : kNoneFree);
    free_in_half[&child == &children[1] ? 1 : 0] = std::min(on_the_way, child.largest_free());
  }
};

const Prefix& PrefixTree::Link::prefix() const {
  return leaf() ? parent().subnet.prefix() : fork().prefix;
}

uint8_t PrefixTree::Link::largest_free() const {
  return leaf() ? kNoneFree : std::min(fork().free_in_half[0], fork().free_in_half[1]);
}

PrefixTree::PrefixTree() = default;

PrefixTree::~PrefixTree() {
  std::vector<Parent*> all;
  for_each([&](Parent* parent) { all.push_back(parent); });
  for (Parent* parent : all) remove(parent->subnet.prefix());
}

Parent& PrefixTree::insert(const Prefix& prefix, const std::string& space) {
  Parent& parent = parents_.make(space, prefix);
  insert_into(root(prefix.family()), Link(&parent));
  return parent;
}

void PrefixTree::insert_into(Link& link, Link leaf) {
  if (link.empty()) {
    link = leaf;
    return;
  }
  const Prefix& prefix = leaf.prefix();
  if (link.prefix().contains(prefix)) {
    Fork& fork = link.fork();
    Link& below = fork.child(prefix);
    insert_into(below, leaf);
    fork.measure(below);
    return;
  }
  Fork& fork = forks_.make();
  fork.prefix = Prefix(prefix.first(), common_length(prefix, link.prefix()));
  Link& old_place = fork.child(link.prefix());
  Link& new_place = fork.child(prefix);
  old_place = link;
  new_place = leaf;
  fork.measure(old_place);
  fork.measure(new_place);
  link = Link(&fork);
}

void PrefixTree::remove(const Prefix& prefix) {
  remove_from(root(prefix.family()), prefix);
}

void PrefixTree::remove_from(Link& link, const Prefix& prefix) {
  if (link.leaf()) {
    parents_.destroy(link.parent());
    link = {};
    return;
  }
  Fork& fork = link.fork();
  Link& child = fork.child(prefix);
  remove_from(child, prefix);
  if (!child.empty()) {
    fork.measure(child);
    return;
  }
  link = fork.children[0].empty() ? fork.children[1] : fork.children[0];
  forks_.destroy(fork);
}

Parent* PrefixTree::find(const Prefix& prefix) const {
  Link link = root(prefix.family());
  while (!link.empty() && !link.leaf() && link.prefix().contains(prefix) && link.prefix() != prefix)
    link = link.fork().child(prefix);
  return !link.empty() && link.leaf() && link.prefix() == prefix ? &link.parent() : nullptr;
}

Parent* PrefixTree::find_overlap(const Prefix& prefix) const {
  Link link = root(prefix.family());
  while (!link.empty()) {
    if (prefix.contains(link.prefix())) {
      while (!link.leaf()) link = link.fork().children[0];
      return &link.parent();
    }
    if (!link.prefix().contains(prefix)) return nullptr;
    if (link.leaf()) return &link.parent();
    link = link.fork().child(prefix);
  }
  return nullptr;
}

void PrefixTree::for_each(const std::function<void(Parent*)>& visit) const {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) visit_below(root(family), visit);
}

void PrefixTree::visit_below(Link link, const std::function<void(Parent*)>& visit) {
  if (link.empty()) return;
  if (link.leaf()) return visit(&link.parent());
  for (const Link child : link.fork().children) visit_below(child, visit);
}

std::optional<Prefix> PrefixTree::first_free(const Prefix& source, int length, const IpAddress& from) const {
  Link link = root(source.family());
  while (!link.empty() && !source.contains(link.prefix())) {
    if (!link.prefix().contains(source))
      link = {};
    else if (link.leaf())
      return std::nullopt;
    else
      link = link.fork().child(source);
  }
  return first_free(link, source, length, from);
}

// `link`: to all that is held within the region; empty: nothing.
std::optional<Prefix> PrefixTree::first_free(Link link, const Prefix& region, int length,
                                             const IpAddress& from) {
  if (length < region.length() || region.last() < from) return std::nullopt;
  if (link.empty()) {
    if (from <= region.first()) return Prefix(region.first(), length);
    const Prefix piece(from, length);
    if (piece.first() == from) return piece;
    if (piece.last() == region.last()) return std::nullopt;
    return Prefix(piece.last().plus(1), length);
  }
  const bool here = link.prefix() == region;
  if (here && link.leaf()) return std::nullopt;
  for (const unsigned side : {0U, 1U}) {
    if (here && link.fork().free_in_half[side] > length) continue;
    const Prefix part = half(region, side);
    const Link below = here ? link.fork().children[side] : part.contains(link.prefix()) ? link : Link();
    if (const auto found = first_free(below, part, length, from)) return found;
  }
  return std::nullopt;
}

}  // namespace viaduct::ipam
