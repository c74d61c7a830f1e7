#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "ipam/records.h"

// A state may hold a million addresses, and a start reads them all.
namespace viaduct::ipam {

// Reads a row of table address some twenty times as quickly as a JSON library, if it has the form that to_text() gives
// it: known members in the order of their names, no blanks, no escapes, text in ASCII, key and content
// spelt the same. Empty for any other row, good or bad: address_from_json() then reads it in full, and says what is
// wrong with it. Pure.
std::optional<AddressRecord> read_plain_address_row(std::string_view key, std::string_view value);

// "2026-01-31T12:00:00Z" with a date that exists. Empty for any other text. Pure.
std::optional<std::chrono::sys_seconds> read_plain_time(std::string_view text);

}  // namespace viaduct::ipam
