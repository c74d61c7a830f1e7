#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>

#include "net/network_types.h"
#include "net/option_values.h"

// How a table of options is read into a structure `Out` with a member for each. Pure.
namespace viaduct::net {

// One option: viaduct's word for it, Docker's label (empty if it has none), and what its value means.
template <class Out>
struct KnownOption {
  std::string_view word;
  std::string_view label;
  Status (*read)(const std::string& key, const std::string& value, Out& out);

  [[nodiscard]] bool is_named(std::string_view bare, std::string_view key) const {
    return bare == word || (!label.empty() && key == label);
  }
};

// Reads a value with `Reader` into one member of Out.
template <class Out, auto Reader, auto Member>
Status into(const std::string& key, const std::string& value, Out& out) {
  out.*Member = TRY(Reader(key, value));
  return {};
}

// Likewise into a member of a member.
template <class Out, auto Reader, auto Group, auto Member>
Status into(const std::string& key, const std::string& value, Out& out) {
  out.*Group.*Member = TRY(Reader(key, value));
  return {};
}

// `find`: the option that a key names, null for one that is to be passed over, or an error. `what`: "option", for sentences.
// Errors: find's; a value that is none; one option under two of its names that says two things, compared as meant, so that
// "1" and "true" agree.
template <class Out, class Find>
Result<Out> read_by_table(const Options& options, const Find& find, std::string_view what) {
  Out out;
  std::map<std::string_view, std::string> said;  // word to the key that said it
  for (const auto& [key, value] : options) {
    const KnownOption<Out>* option = TRY(find(key));
    if (option == nullptr) continue;
    TRY(option->read(key, value, out));
    const auto [first, fresh] = said.emplace(option->word, key);
    if (fresh) continue;
    const std::string& other = options.at(first->second);
    Out one;
    Out two;
    if (option->read("", other, one).ok() && option->read("", value, two).ok() && one == two) continue;
    return invalid_argument(fmt::format("{}s {}={} and {}={} contradict each other; give one of them", what,
                                        first->second, shown(other), key, shown(value)));
  }
  return out;
}

// The same of options that were accepted once, perhaps by a viaduct that knew others: what is not understood is passed over.
template <class Out, class Find>
Out understood_by_table(const Options& options, const Find& find) {
  Out out;
  for (const auto& [key, value] : options) {
    const auto option = find(key);
    if (option.ok() && option.value() != nullptr) static_cast<void>(option.value()->read(key, value, out));
  }
  return out;
}

}  // namespace viaduct::net
