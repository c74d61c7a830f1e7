#include "net/nft_listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

namespace viaduct::net {

namespace {

using Json = nlohmann::json;

// The objects of one kind ("set", "rule") in a listing; empty if it is no listing.
std::vector<Json> objects_of(const std::string& listing, const char* kind) {
  std::vector<Json> found;
  Json parsed = Json::parse(listing, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("nftables") || !parsed["nftables"].is_array()) return found;
  for (Json& entry : parsed["nftables"]) {
    if (entry.is_object() && entry.contains(kind)) found.push_back(std::move(entry[kind]));
  }
  return found;
}

std::string text_of(const Json& object, const char* member) {
  auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// 0 unless it is a number.
int number_of(const Json& object, const char* member) {
  auto found = object.find(member);
  return found != object.end() && found->is_number_integer() ? found->get<int>() : 0;
}

// The interface name that a match looks at: "iifname", "oifname", or empty for other matches.
std::string interface_key(const Json& match) {
  const Json* left = &match;
  for (const char* member : {"left", "meta"}) {
    auto found = left->find(member);
    if (found == left->end() || !found->is_object()) return {};
    left = &*found;
  }
  std::string key = text_of(*left, "key");
  return key == "iifname" || key == "oifname" ? key : std::string();
}

// RFC 5952, whatever the C library of nft writes.
std::string address_text(const std::string& text) {
  Result<IpAddress> address = IpAddress::parse(text);
  return address.ok() ? address.value().to_string() : text;
}

// The number, where nft finds a name for it in /etc/protocols; an address as above.
std::string value_text(const std::string& text) {
  for (const auto& [name, number] : {std::pair("tcp", "6"), std::pair("udp", "17"), std::pair("sctp", "132")})
    if (text == name) return number;
  return address_text(text);
}

// As sets_of() writes it; text that no element has for what viaduct never puts in. `part`: which of a concatenation's it is.
std::string element_text(const Json& element, const std::string& set, size_t part = 0) {
  if (element.is_string()) {
    std::string text = element.get<std::string>();
    return is_link_name(set, part) ? fmt::format("\"{}\"", text) : value_text(text);
  }
  if (element.is_number_integer()) return std::to_string(element.get<int64_t>());
  // Of a map: key and value.
  if (element.is_array() && element.size() == 2)
    return element_text(element[0], set) + " : " + element_text(element[1], set);
  if (element.is_object() && element.contains("prefix") && element["prefix"].is_object()) {
    const Json& prefix = element["prefix"];
    return fmt::format("{}/{}", address_text(text_of(prefix, "addr")), number_of(prefix, "len"));
  }
  if (element.is_object() && element.contains("concat") && element["concat"].is_array()) {
    std::string text;
    size_t at = 0;
    for (const Json& one : element["concat"])
      text += (text.empty() ? "" : " . ") + element_text(one, set, at++);
    return text;
  }
  return "?";
}

std::set<std::string> elements_of(const Json& set) {
  std::set<std::string> elements;
  auto listed = set.find("elem");
  if (listed == set.end() || !listed->is_array()) return elements;
  for (const Json& element : *listed) elements.insert(element_text(element, text_of(set, "name")));
  return elements;
}

// A rule that accepts by names of interfaces alone.
struct AcceptRule {
  std::string in;   // what iifname equals; empty if it is not asked
  std::string out;  // likewise oifname
  int handle = 0;
  bool has_own_comment = false;
  bool has_foreign_comment = false;  // of iptables, its text is not known
};

std::optional<AcceptRule> accept_rule_from(const Json& rule) {
  AcceptRule found;
  bool accepts = false;
  found.handle = number_of(rule, "handle");
  found.has_own_comment = text_of(rule, "comment") == "viaduct";
  auto expressions = rule.find("expr");
  if (expressions == rule.end() || !expressions->is_array()) return std::nullopt;
  for (const Json& expression : *expressions) {
    if (!expression.is_object()) return std::nullopt;
    if (expression.contains("match")) {
      const Json& match = expression["match"];
      if (!match.is_object() || text_of(match, "op") != "==") return std::nullopt;
      const std::string key = interface_key(match);
      std::string pattern = text_of(match, "right");
      std::string& side = key == "iifname" ? found.in : found.out;
      if (key.empty() || pattern.empty() || !side.empty()) return std::nullopt;
      side = std::move(pattern);
    } else if (expression.contains("xt")) {
      if (!expression["xt"].is_object() || text_of(expression["xt"], "name") != "comment")
        return std::nullopt;
      found.has_foreign_comment = true;
    } else if (expression.contains("accept")) {
      accepts = true;
    } else if (!expression.contains("counter")) {
      return std::nullopt;
    }
  }
  if (!accepts || (found.in.empty() && found.out.empty())) return std::nullopt;
  return found;
}

bool has_any(const Json& expression, std::initializer_list<const char*> kinds) {
  return std::any_of(kinds.begin(), kinds.end(), [&](const char* kind) { return expression.contains(kind); });
}

// What a rule does with whatever comes to it.
enum class Verdict {
  kPasses,   // some, or nothing
  kAccepts,  // everything
  kRefuses,  // likewise
  kLeads,    // some, or everything, to another chain
};

Verdict verdict_of(const Json& rule) {
  const auto expressions = rule.find("expr");
  if (expressions == rule.end() || !expressions->is_array()) return Verdict::kPasses;
  bool conditional = false;
  Verdict verdict = Verdict::kPasses;
  for (const Json& expression : *expressions) {
    if (!expression.is_object()) return Verdict::kPasses;
    if (has_any(expression, {"jump", "goto", "vmap"})) return Verdict::kLeads;
    if (has_any(expression, {"drop", "reject"}))
      verdict = Verdict::kRefuses;
    else if (expression.contains("accept"))
      verdict = Verdict::kAccepts;
    else if (expression.contains("xt") && text_of(expression["xt"], "name") == "REJECT")
      verdict = Verdict::kRefuses;
    else if (expression.contains("xt") && text_of(expression["xt"], "name") == "comment")
      continue;
    else if (!has_any(expression, {"counter", "log"}))
      conditional = true;
  }
  return conditional ? Verdict::kPasses : verdict;
}

// Of letters that need no quotes.
bool is_plain(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

bool is_ours(const AcceptRule& rule) {
  return rule.has_own_comment || (rule.has_foreign_comment && rule.in + rule.out == "vd-*");
}

}  // namespace

std::vector<std::string> differences_of(const std::vector<std::string>& listings, const TableSets& wanted) {
  std::vector<std::string> found;
  if (listings.empty()) return {"table inet viaduct is missing"};
  TableSets listed;
  std::map<std::string, size_t> rules;
  for (const std::string& listing : listings) {
    for (const char* kind : {"set", "map"})
      for (const Json& set : objects_of(listing, kind)) {
        std::set<std::string>* target = elements_of_set(listed, text_of(set, "name"));
        if (target != nullptr) *target = elements_of(set);
      }
    for (const Json& rule : objects_of(listing, "rule")) ++rules[text_of(rule, "chain")];
  }
  // nft has several ways to write a target down, but there is one for each address.
  if (listed.guard_targets.size() == wanted.guard_targets.size()) listed.guard_targets = wanted.guard_targets;
  TableSets all = wanted;
  for (const std::string& name : names_of_sets()) {
    const std::set<std::string>& is = *elements_of_set(listed, name);
    const std::set<std::string>& should = *elements_of_set(all, name);
    for (const std::string& element : should)
      if (!is.contains(element)) found.push_back(fmt::format("set {} lacks {}", name, element));
    for (const std::string& element : is)
      if (!should.contains(element))
        found.push_back(fmt::format("set {} holds {}, which is not viaduct's", name, element));
  }
  std::map<std::string, size_t> counts = rule_counts(wanted);
  for (const auto& [chain, count] : counts)
    if (rules[chain] != count)
      found.push_back(fmt::format("chain {} has {} rules, not {}", chain, rules[chain], count));
  for (const auto& [chain, count] : rules)
    if (!counts.contains(chain))
      found.push_back(fmt::format("chain {} has {} rules and is not viaduct's", chain, count));
  return found;
}

std::string accept_rule_changes(const std::string& family, const std::string& listing,
                                const std::set<std::string>& matches) {
  std::string text;
  std::set<std::string> missing = matches;
  for (const Json& rule : objects_of(listing, "rule")) {
    auto found = accept_rule_from(rule);
    if (!found || !is_ours(*found)) continue;
    // The first of its kind stays.
    if (missing.erase(accept_match(found->in, found->out)) > 0) continue;
    text += fmt::format("delete rule {} filter FORWARD handle {}\n", family, found->handle);
  }
  for (const std::string& match : missing)
    text += fmt::format("add rule {} filter FORWARD {} counter accept comment \"viaduct\"\n", family, match);
  return text;
}

std::vector<ForwardChain> forward_chains_in(const std::string& listing) {
  std::vector<ForwardChain> found;
  for (const Json& chain : objects_of(listing, "chain")) {
    ForwardChain one{text_of(chain, "family"), text_of(chain, "table"), text_of(chain, "name")};
    const bool routed = one.family == "ip" || one.family == "ip6" || one.family == "inet";
    const bool own = one.family == "inet" && one.table == "viaduct";
    if (text_of(chain, "hook") == "forward" && routed && !own && is_plain(one.table) && is_plain(one.name))
      found.push_back(std::move(one));
  }
  return found;
}

void judge(ForwardChain& chain, const std::string& listing, std::set<std::string> matches) {
  for (const Json& rule : objects_of(listing, "rule")) {
    if (text_of(rule, "chain") != chain.name) continue;
    if (const auto accepted = accept_rule_from(rule))
      matches.erase(accept_match(accepted->in, accepted->out));
    const Verdict verdict = verdict_of(rule);
    chain.jumps |= verdict == Verdict::kLeads;
    chain.refuses |= verdict == Verdict::kRefuses;
    if (verdict != Verdict::kAccepts && verdict != Verdict::kRefuses) continue;
    // What comes after it does not matter, the policy included.
    chain.lets_pass = verdict == Verdict::kAccepts || matches.empty();
    return;
  }
  for (const Json& itself : objects_of(listing, "chain"))
    chain.refuses |= text_of(itself, "policy") == "drop";
  chain.lets_pass = matches.empty();
}

}  // namespace viaduct::net
