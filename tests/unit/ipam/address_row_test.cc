#include "ipam/address_row.h"

#include <gtest/gtest.h>

#include <random>

#include "base/clock.h"
#include "unit/ipam/ipam_world.h"

namespace viaduct::ipam {
namespace {

using testing::ip;
using testing::mac;
using testing::prefix;

struct Row {
  std::string key;
  std::string value;
};

Row row_of(const AddressRecord& record) {
  return {address_key(record.space, record.pool, record.address), to_text(record).take()};
}

std::vector<Row> samples() {
  AddressRecord plain;
  plain.space = "local";
  plain.pool = prefix("10.1.0.0/16");
  plain.address = ip("10.1.2.3");
  plain.epoch = 4;
  plain.since = parse_since("2026-01-31T12:34:56Z").value();
  AddressRecord full = plain;
  full.owner = OwnerClass::kGateway;
  full.mac = mac(7);
  full.name = "web.1";
  full.claims = 3;
  full.released = true;
  AddressRecord resting = plain;
  resting.mac = mac(8);
  resting.rest = 86400;
  AddressRecord wide = full;
  wide.space = "global";
  wide.pool = prefix("fd00:1::/48");
  wide.address = ip("fd00:1::2:0:7");
  wide.owner = OwnerClass::kSwarm;
  return {row_of(plain), row_of(full), row_of(resting), row_of(wide)};
}

// The same row in a spelling that only the JSON library reads: a blank before the end.
Result<AddressRecord> read_in_full(const Row& row) {
  return address_from_json(row.key, row.value + " ");
}

std::string spelt(const AddressRecord& record) {
  return to_text(record).take();
}

TEST(AddressRow, OurOwnForm_IsReadTheQuickWay) {
  for (const Row& row : samples()) {
    const auto quick = read_plain_address_row(row.key, row.value);
    ASSERT_TRUE(quick.has_value()) << row.value;
    EXPECT_EQ(spelt(*quick), row.value);
    EXPECT_FALSE(read_plain_address_row(row.key, row.value + " ").has_value())
        << "the other way is not compared";
    EXPECT_TRUE(read_in_full(row).ok());
  }
}

TEST(AddressRow, ChangedAtRandom_IsReadAsTheJsonLibraryReadsItOrLeftToIt) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string alphabet = "0123456789abcdefz.:/-+,{}[]\"\\ \t\neE\x7f\xc3\xa9" + std::string(1, '\0');
  const auto below = [&random](size_t bound) { return random() % bound; };
  int quick_ones = 0;
  for (int round = 0; round < 200'000; ++round) {
    const auto rows = samples();
    Row row = rows[below(rows.size())];
    const std::string donor = rows[below(rows.size())].value;
    for (size_t changes = 1 + below(3); changes > 0; --changes) {
      std::string& text = below(8) == 0 ? row.key : row.value;
      if (text.empty()) continue;
      const size_t at = below(text.size());
      const size_t length = 1 + below(6);
      switch (below(5)) {
        case 0: text[at] = alphabet[below(alphabet.size())]; break;
        case 1: text.insert(at, 1, alphabet[below(alphabet.size())]); break;
        case 2: text.erase(at, length); break;
        case 3: text.insert(at, text.substr(below(text.size()), length)); break;
        default: text.replace(at, length, donor.substr(below(donor.size()), length));
      }
    }
    const auto quick = read_plain_address_row(row.key, row.value);
    if (!quick.has_value()) continue;
    ++quick_ones;
    const auto full = read_in_full(row);
    ASSERT_TRUE(full.ok()) << row.key << " " << row.value << ": " << full.error().message;
    ASSERT_EQ(spelt(*quick), spelt(full.value())) << row.key << " " << row.value;
  }
  EXPECT_GT(quick_ones, 1000) << "the changes spoil every row, so nothing was compared";
}

TEST(AddressRow, MembersInAnotherOrder_AreLeftToTheJsonLibraryWhichReadsThemAlike) {
  const std::string value =
      R"({"space":"local","since":"2026-01-31T12:34:56Z","pool":"10.1.0.0/16","owner":"swarm","epoch":0,"claims":1,"address":"10.1.2.3"})";
  EXPECT_FALSE(read_plain_address_row("local/10.1.0.0/16/10.1.2.3", value).has_value());
  const auto record = address_from_json("local/10.1.0.0/16/10.1.2.3", value);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record.value().owner, OwnerClass::kSwarm);
  EXPECT_FALSE(address_from_json("local/10.1.0.0/16/10.1.2.4", value).ok()) << "another key";
}

TEST(AddressRow, WhatIsNotOurForm_IsLeftToTheJsonLibrary) {
  const Row row = samples()[1];
  const std::vector<std::pair<std::string, std::string>> changes = {
      {R"("claims":3)", R"("claims":3.0)"},
      {R"("claims":3)", R"("claims":0)"},
      {R"("epoch":4)", R"("epoch":04)"},
      {R"("epoch":4)", R"("epoch":4,"epoch":5)"},
      {R"("name":"web.1")", R"("name":"\u0077eb")"},
      {R"("released":true)", R"("released":1)"},
      {R"("owner":"gateway")", R"("owner":"nobody")"},
      {R"("name":"web.1")", R"("extra":"web.1")"},
      {"2026-01-31T12", "2026-02-31T12"},
      {"2026-01-31T12", "2026-01-31T24"}};
  for (const auto& [from, to] : changes) {
    std::string value = row.value;
    value.replace(value.find(from), from.size(), to);
    EXPECT_FALSE(read_plain_address_row(row.key, value).has_value()) << value;
  }
}

TEST(PlainTime, EveryKindOfDay_IsReadAsItIsWritten) {
  for (const std::string text : {"1970-01-01T00:00:00Z", "2028-02-29T23:59:59Z", "9999-12-31T00:00:00Z"})
    EXPECT_EQ(format_time(read_plain_time(text).value()), text);
  for (const std::string text :
       {"", "2027-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
        "2026-01-01 00:00:00Z", "2026-01-01T00:00:00Zx", "+026-01-01T00:00:00Z"})
    EXPECT_FALSE(read_plain_time(text).has_value()) << text;
}

}  // namespace
}  // namespace viaduct::ipam
