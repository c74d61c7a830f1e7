#include "tools/ctl/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "tools/ctl/fields.h"
#include "tools/ctl/text.h"

namespace viaduct::ctl {

namespace {

constexpr size_t kNamedMatches = 4;

std::string_view after_first_slash(std::string_view id) {
  const size_t slash = id.find('/');
  return slash == std::string_view::npos ? std::string_view() : id.substr(slash + 1);
}

Error ambiguous(const std::string& id, const std::vector<const Json*>& matches, const Wanted& wanted) {
  std::string names;
  for (size_t i = 0; i < std::min(matches.size(), kNamedMatches); ++i)
    names += (i == 0 ? "" : ", ") + text_field(*matches[i], "id");
  return conflict(fmt::format("{} {} ids begin with \"{}\" ({}{}); give more of the one you mean",
                              matches.size(), wanted.noun, ascii(id), ascii(names),
                              matches.size() > kNamedMatches ? ", ..." : ""));
}

// The matches of `id` among what `key_of` makes of the ids: the exact ones if there are any, else those that
// begin so.
template <class KeyOf>
std::vector<const Json*> matches_of(const Json& objects, const std::string& id, KeyOf key_of) {
  std::vector<const Json*> exact;
  std::vector<const Json*> beginning;
  for (const auto& object : objects) {
    const std::string whole = text_field(object, "id");
    const std::string_view key = key_of(whole);
    if (key == id) exact.push_back(&object);
    if (key.starts_with(id)) beginning.push_back(&object);
  }
  return exact.empty() ? beginning : exact;
}

}  // namespace

Result<const Json*> resolve(const Json& objects, const std::string& id, const Wanted& wanted) {
  auto matches = matches_of(objects, id, [](std::string_view whole) { return whole; });
  if (matches.empty()) matches = matches_of(objects, id, after_first_slash);
  if (matches.size() == 1) return matches.front();
  if (!matches.empty()) return ambiguous(id, matches, wanted);
  return not_found(fmt::format("no {} has an id that begins with \"{}\"; viaductctl {} lists them",
                               wanted.noun, ascii(id), wanted.lister));
}

}  // namespace viaduct::ctl
