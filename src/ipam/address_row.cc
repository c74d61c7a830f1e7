#include "ipam/address_row.h"

#include <algorithm>
#include <array>
#include <limits>

namespace viaduct::ipam {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The number that `text` is, written as we write numbers: digits alone, no zero before them.
std::optional<int64_t> whole_number(std::string_view text, int64_t most) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return {};
  // So many digits cannot overflow; what has more is left to the other way.
  if (text.size() > std::numeric_limits<int64_t>::digits10) return {};
  int64_t number = 0;
  for (const char c : text) {
    if (!is_digit(c)) return {};
    number = number * 10 + (c - '0');
  }
  if (number > most) return {};
  return number;
}

// Takes `text` apart from the front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  // What stands before the next quote, which is taken, too. It may hold anything else, also the first half of an escape.
  std::optional<std::string_view> until_quote() {
    const size_t length = rest_.find('"');
    if (length == std::string_view::npos) return {};
    const std::string_view content = rest_.substr(0, length);
    rest_.remove_prefix(length + 1);
    return content;
  }
  // A number or a word, up to what ends it in an object.
  std::string_view bare() {
    size_t length = 0;
    while (length < rest_.size() && rest_[length] != ',' && rest_[length] != '}') ++length;
    const std::string_view word = rest_.substr(0, length);
    rest_.remove_prefix(word.size());
    return word;
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// The members as they stand in the row.
struct Members {
  std::optional<std::string_view> space, pool, address, owner, mac, name, since;
  std::optional<std::string_view> claims, epoch, released, rest;
};

// How a member begins, up to its value.
struct Place {
  std::string_view head;
  std::optional<std::string_view> Members::*member;
};
// In the order in which to_text() writes them. Text ends with the next quote, a number or a word with the member.
constexpr std::array kPlaces = {
    Place{R"("address":")", &Members::address}, Place{R"("claims":)", &Members::claims},
    Place{R"("epoch":)", &Members::epoch},      Place{R"("mac":")", &Members::mac},
    Place{R"("name":")", &Members::name},       Place{R"("owner":")", &Members::owner},
    Place{R"("pool":")", &Members::pool},       Place{R"("released":)", &Members::released},
    Place{R"("rest":)", &Members::rest},        Place{R"("since":")", &Members::since},
    Place{R"("space":")", &Members::space}};

// Members may be missing; none comes twice or out of order. `next`: the first place that the member may have.
bool take_member(Scanner& scanner, Members& members, size_t& next) {
  while (next < kPlaces.size() && !scanner.take(kPlaces[next].head)) ++next;
  if (next == kPlaces.size()) return false;
  const Place& place = kPlaces[next++];
  auto& member = members.*place.member;
  member = place.head.back() == '"' ? scanner.until_quote() : scanner.bare();
  return member.has_value();
}

std::optional<Members> take_apart(std::string_view value) {
  Scanner scanner(value);
  Members members;
  if (!scanner.take('{')) return {};
  size_t next = 0;
  do {
    if (!take_member(scanner, members, next)) return {};
  } while (scanner.take(','));
  if (!scanner.take('}') || !scanner.at_end()) return {};
  if (!members.space || members.space->empty() || !members.pool || !members.address || !members.owner ||
      !members.claims || !members.epoch || !members.since)
    return {};
  // The others have forms of their own.
  if (!is_plain_text(*members.space) || (members.name.has_value() && !is_plain_text(*members.name)))
    return {};
  return members;
}

std::optional<IpAddress> dotted_quad(std::string_view text) {
  uint32_t value = 0;
  for (int part = 0; part < 4; ++part) {
    const size_t dot = part < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return {};
    const auto number = whole_number(text.substr(0, dot), 255);
    if (!number.has_value()) return {};
    value = value << 8 | static_cast<uint32_t>(*number);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return IpAddress(Family::kIpv4, value);
}

// Only in the one spelling that to_string() gives, so that keys can be compared as text.
std::optional<IpAddress> plain_address(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return dotted_quad(text);
  const auto parsed = IpAddress::parse(text);
  if (!parsed.ok() || parsed.value().to_string() != text) return {};
  return parsed.value();
}

std::optional<Prefix> plain_prefix(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  const auto address = plain_address(text.substr(0, slash));
  if (!address.has_value()) return {};
  const auto length = whole_number(text.substr(slash + 1), address_bits(address->family()));
  if (!length.has_value()) return {};
  const Prefix prefix(*address, static_cast<int>(*length));
  if (prefix.first() != *address) return {};
  return prefix;
}

std::optional<OwnerClass> owner_of(std::string_view text) {
  for (const OwnerClass owner :
       {OwnerClass::kEndpoint, OwnerClass::kGateway, OwnerClass::kAuxiliary, OwnerClass::kSwarm})
    if (text == to_string(owner)) return owner;
  return {};
}

// As address_key() writes it.
bool is_key(std::string_view key, const Members& members) {
  const size_t space = members.space->size();
  const size_t pool = members.pool->size();
  return key.size() == space + pool + members.address->size() + 2 && key.substr(0, space) == *members.space &&
         key[space] == '/' && key.substr(space + 1, pool) == *members.pool && key[space + 1 + pool] == '/' &&
         key.substr(space + pool + 2) == *members.address;
}

}  // namespace

std::optional<AddressRecord> read_plain_address_row(std::string_view key, std::string_view value) {
  const auto members = take_apart(value);
  if (!members.has_value() || !is_key(key, *members)) return {};
  const auto pool = plain_prefix(*members->pool);
  const auto address = plain_address(*members->address);
  const auto owner = owner_of(*members->owner);
  const auto claims = whole_number(*members->claims, std::numeric_limits<int>::max());
  const auto epoch = whole_number(*members->epoch, std::numeric_limits<int64_t>::max());
  const auto since = read_plain_time(*members->since);
  if (!pool || !address || !owner || !claims || *claims < 1 || !epoch || !pool->contains(*address) || !since)
    return {};
  if (members->released.has_value() && *members->released != "true" && *members->released != "false")
    return {};
  AddressRecord record;
  if (members->rest.has_value()) {
    // A negative one is rare enough to be left to the other way.
    record.rest = whole_number(*members->rest, kMostLasting);
    if (!record.rest.has_value()) return {};
  }
  if (members->mac.has_value()) {
    const auto mac = Mac::parse(*members->mac);
    if (!mac.ok()) return {};
    record.mac = mac.value();
  }
  record.space = *members->space;
  record.pool = *pool;
  record.address = *address;
  record.owner = *owner;
  record.name = members->name.value_or("");
  record.claims = static_cast<int>(*claims);
  record.epoch = static_cast<uint64_t>(*epoch);
  record.since = *since;
  record.released = members->released == "true";
  return record;
}

std::optional<std::chrono::sys_seconds> read_plain_time(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:ddZ";
  if (text.size() != kForm.size()) return {};
  for (size_t i = 0; i < kForm.size(); ++i)
    if (kForm[i] == 'd' ? !is_digit(text[i]) : text[i] != kForm[i]) return {};
  const auto number = [text](size_t at, size_t digits) {
    unsigned value = 0;
    for (const char c : text.substr(at, digits)) value = value * 10 + static_cast<unsigned>(c - '0');
    return value;
  };
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(number(0, 4))),
                                         std::chrono::month(number(5, 2)), std::chrono::day(number(8, 2))};
  const unsigned hour = number(11, 2);
  const unsigned minute = number(14, 2);
  const unsigned second = number(17, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return {};
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace viaduct::ipam
