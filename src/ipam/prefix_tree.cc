#include "ipam/prefix_tree.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

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

// A leaf is a prefix that is held; any other node has two children. In one cache line, what must be known of the children
// included: one that is not on an operation's way is not looked at.
struct PrefixTree::Node {
  Prefix prefix;
  std::unique_ptr<Parent> parent;
  std::array<Link, 2> children;
  // Length of the largest free prefix within each half.
  std::array<uint8_t, 2> free_in_half = {kNoneFree, kNoneFree};

  [[nodiscard]] bool leaf() const { return children[0] == nullptr; }
  [[nodiscard]] uint8_t largest_free() const { return std::min(free_in_half[0], free_in_half[1]); }
  [[nodiscard]] Link& child(const Prefix& towards) {
    return children[bit_at(towards.first(), prefix.length())];
  }
  [[nodiscard]] const Node* child(const Prefix& towards) const {
    return children[bit_at(towards.first(), prefix.length())].get();
  }
  // After a change of the child on that side.
  void measure(const Link& child) {
    // Between this node and a child further down, the first half that the way leaves is the largest free one.
    const bool gap = child->prefix.length() > prefix.length() + 1;
    const auto on_the_way = static_cast<uint8_t>(gap ? prefix.length() + 2 : kNoneFree);
    free_in_half[&child == &children[1] ? 1 : 0] = std::min(on_the_way, child->largest_free());
  }
};

PrefixTree::PrefixTree() = default;
PrefixTree::PrefixTree(PrefixTree&& other) noexcept = default;
PrefixTree& PrefixTree::operator=(PrefixTree&& other) noexcept = default;
PrefixTree::~PrefixTree() = default;

Parent& PrefixTree::insert(const Prefix& prefix, std::unique_ptr<Parent> parent) {
  Parent& inserted = *parent;
  auto leaf = std::make_unique<Node>();
  leaf->prefix = prefix;
  leaf->parent = std::move(parent);
  insert_into(root(prefix.family()), std::move(leaf));
  return inserted;
}

void PrefixTree::insert_into(Link& link, Link leaf) {
  if (link == nullptr) {
    link = std::move(leaf);
    return;
  }
  if (link->prefix.contains(leaf->prefix)) {
    Link& below = link->child(leaf->prefix);
    insert_into(below, std::move(leaf));
    link->measure(below);
  } else {
    auto fork = std::make_unique<Node>();
    fork->prefix = Prefix(leaf->prefix.first(), common_length(leaf->prefix, link->prefix));
    Link& old_place = fork->child(link->prefix);
    Link& new_place = fork->child(leaf->prefix);
    old_place = std::move(link);
    new_place = std::move(leaf);
    fork->measure(old_place);
    fork->measure(new_place);
    link = std::move(fork);
  }
}

void PrefixTree::remove(const Prefix& prefix) {
  remove_from(root(prefix.family()), prefix);
}

void PrefixTree::remove_from(Link& link, const Prefix& prefix) {
  if (link->leaf()) {
    link = nullptr;
    return;
  }
  Link& child = link->child(prefix);
  remove_from(child, prefix);
  if (child != nullptr) {
    link->measure(child);
    return;
  }
  Link other = std::move(link->children[0] == nullptr ? link->children[1] : link->children[0]);
  link = std::move(other);
}

Parent* PrefixTree::find(const Prefix& prefix) const {
  const Node* node = root(prefix.family());
  while (node != nullptr && !node->leaf() && node->prefix.contains(prefix) && node->prefix != prefix)
    node = node->child(prefix);
  return node != nullptr && node->leaf() && node->prefix == prefix ? node->parent.get() : nullptr;
}

Parent* PrefixTree::find_overlap(const Prefix& prefix) const {
  const Node* node = root(prefix.family());
  while (node != nullptr) {
    if (prefix.contains(node->prefix)) {
      while (!node->leaf()) node = node->children[0].get();
      return node->parent.get();
    }
    if (!node->prefix.contains(prefix)) return nullptr;
    if (node->leaf()) return node->parent.get();
    node = node->child(prefix);
  }
  return nullptr;
}

void PrefixTree::for_each(const std::function<void(Parent*)>& visit) const {
  for (const Family family : {Family::kIpv4, Family::kIpv6}) visit_below(root(family), visit);
}

void PrefixTree::visit_below(const Node* node, const std::function<void(Parent*)>& visit) {
  if (node == nullptr) return;
  if (node->leaf()) return visit(node->parent.get());
  for (const Link& link : node->children) visit_below(link.get(), visit);
}

std::optional<Prefix> PrefixTree::first_free(const Prefix& source, int length, const IpAddress& from) const {
  const Node* node = root(source.family());
  while (node != nullptr && !source.contains(node->prefix)) {
    if (!node->prefix.contains(source))
      node = nullptr;
    else if (node->leaf())
      return std::nullopt;
    else
      node = node->child(source);
  }
  return first_free(node, source, length, from);
}

// `node`: all that is held within the region; null: nothing.
std::optional<Prefix> PrefixTree::first_free(const Node* node, const Prefix& region, int length,
                                             const IpAddress& from) {
  if (length < region.length() || region.last() < from) return std::nullopt;
  if (node == nullptr) {
    if (from <= region.first()) return Prefix(region.first(), length);
    const Prefix piece(from, length);
    if (piece.first() == from) return piece;
    if (piece.last() == region.last()) return std::nullopt;
    return Prefix(piece.last().plus(1), length);
  }
  const bool fork = node->prefix == region;
  if (fork && (node->leaf() || node->largest_free() > length)) return std::nullopt;
  for (const unsigned side : {0U, 1U}) {
    const Prefix part = half(region, side);
    const Node* below = fork ? node->children[side].get() : part.contains(node->prefix) ? node : nullptr;
    if (const auto found = first_free(below, part, length, from)) return found;
  }
  return std::nullopt;
}

}  // namespace viaduct::ipam
