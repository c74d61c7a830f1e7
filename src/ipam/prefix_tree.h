#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/ip.h"
#include "ipam/slab.h"

namespace viaduct::ipam {

struct Parent;

// Prefixes of one space that do not overlap, each with the parent that it owns: a binary trie without nodes of one child,
// which knows below each node how large the largest free prefix is. Every operation takes at most a few steps for each
// bit of an address, however many prefixes there are. Not thread-safe.
class PrefixTree {
 public:
  PrefixTree();
  PrefixTree(const PrefixTree&) = delete;
  PrefixTree& operator=(const PrefixTree&) = delete;
  ~PrefixTree();

  [[nodiscard]] bool empty() const { return four_.empty() && six_.empty(); }

  // Makes the parent, which does not move. Precondition: none overlaps it.
  Parent& insert(const Prefix& prefix, const std::string& space);
  // And the parent with it. Precondition: it is there.
  void remove(const Prefix& prefix);
  // Of exactly that prefix; null: none.
  [[nodiscard]] Parent* find(const Prefix& prefix) const;
  // The lowest that overlaps; null: none.
  [[nodiscard]] Parent* find_overlap(const Prefix& prefix) const;
  // IPv4 first, then by address.
  void for_each(const std::function<void(Parent*)>& visit) const;
  // The lowest free prefix of that length within `source` that does not begin before `from`. Precondition: length is
  // at least the source's own and at most the family's, and `from` is of the source's family.
  [[nodiscard]] std::optional<Prefix> first_free(const Prefix& source, int length,
                                                 const IpAddress& from) const;

 private:
  struct Fork;
  // To a parent, to a fork, or to nothing; a word.
  class Link {
   public:
    Link() = default;
    explicit Link(Parent* parent) : to_(reinterpret_cast<uintptr_t>(parent) | 1U) {}
    explicit Link(Fork* fork) : to_(reinterpret_cast<uintptr_t>(fork)) {}
    [[nodiscard]] bool empty() const { return to_ == 0; }
    [[nodiscard]] bool leaf() const { return (to_ & 1U) != 0; }
    // Precondition: leaf().
    [[nodiscard]] Parent& parent() const { return *reinterpret_cast<Parent*>(to_ & ~uintptr_t{1}); }
    // Precondition: neither empty() nor leaf().
    [[nodiscard]] Fork& fork() const { return *reinterpret_cast<Fork*>(to_); }
    // Precondition of the following: not empty().
    [[nodiscard]] const Prefix& prefix() const;
    // Length of the largest free prefix within it.
    [[nodiscard]] uint8_t largest_free() const;

   private:
    uintptr_t to_ = 0;
  };

  Link& root(Family family) { return family == Family::kIpv4 ? four_ : six_; }
  [[nodiscard]] Link root(Family family) const { return family == Family::kIpv4 ? four_ : six_; }
  static void visit_below(Link link, const std::function<void(Parent*)>& visit);
  void insert_into(Link& link, Link leaf);
  void remove_from(Link& link, const Prefix& prefix);
  static std::optional<Prefix> first_free(Link link, const Prefix& region, int length, const IpAddress& from);

  Slab<Parent> parents_;
  Slab<Fork> forks_;
  Link four_;
  Link six_;
};

}  // namespace viaduct::ipam
