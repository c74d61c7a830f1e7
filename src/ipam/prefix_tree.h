#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/ip.h"

namespace viaduct::ipam {

struct Parent;

// Prefixes of one space that do not overlap, each with the parent that it owns: a binary trie without nodes of one child,
// which knows below each node how large the largest free prefix is. Every operation takes at most a few steps for each
// bit of an address, however many prefixes there are. Not thread-safe.
class PrefixTree {
 public:
  PrefixTree();
  PrefixTree(PrefixTree&& other) noexcept;
  PrefixTree& operator=(PrefixTree&& other) noexcept;
  ~PrefixTree();

  [[nodiscard]] bool empty() const { return four_ == nullptr && six_ == nullptr; }

  // Precondition: none overlaps it. Returns the parent, which does not move.
  Parent& insert(const Prefix& prefix, std::unique_ptr<Parent> parent);
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
  struct Node;
  using Link = std::unique_ptr<Node>;
  Link& root(Family family) { return family == Family::kIpv4 ? four_ : six_; }
  [[nodiscard]] const Node* root(Family family) const {
    return family == Family::kIpv4 ? four_.get() : six_.get();
  }
  static void visit_below(const Node* node, const std::function<void(Parent*)>& visit);
  static void insert_into(Link& link, Link leaf);
  static void remove_from(Link& link, const Prefix& prefix);
  static std::optional<Prefix> first_free(const Node* node, const Prefix& region, int length,
                                          const IpAddress& from);

  Link four_;
  Link six_;
};

}  // namespace viaduct::ipam
