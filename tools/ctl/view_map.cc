#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "tools/ctl/fields.h"
#include "tools/ctl/table.h"
#include "tools/ctl/view.h"

namespace viaduct::ctl {

namespace {

constexpr size_t kRows = 16;
constexpr size_t kGap = 2;
constexpr size_t kLeastPerRow = 16;
constexpr size_t kMostPerRow = 256;
// Dotted quads of usual length; a longer label halves the cells of a row.
constexpr size_t kUsualLabel = 14;
// A share of addresses that are held in a cell of many: up to a fifth, two fifths and so on.
constexpr std::string_view kShades = ":-=+*";

struct Counts {
  uint64_t size = 0;
  uint64_t held = 0;
  uint64_t quarantined = 0;
  uint64_t retained = 0;
  uint64_t reserved = 0;
  uint64_t set_aside = 0;
  uint64_t excluded = 0;
  uint64_t free = 0;
};

Counts counts_of(const Json& cell) {
  return {count_field(cell, "size"),     count_field(cell, "held"),     count_field(cell, "quarantined"),
          count_field(cell, "retained"), count_field(cell, "reserved"), count_field(cell, "set_aside"),
          count_field(cell, "excluded"), count_field(cell, "free")};
}

// The daemon's largest number stands for itself and more, and stays.
void add_up(uint64_t& sum, uint64_t more) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  sum = more > kMost - sum ? kMost : sum + more;
}

Counts total_of(const Json& cells) {
  Counts total;
  for (const auto& cell : cells) {
    const Counts counts = counts_of(cell);
    total.size = std::max(total.size, counts.size);  // of the largest cell
    add_up(total.held, counts.held);
    add_up(total.quarantined, counts.quarantined);
    add_up(total.retained, counts.retained);
    add_up(total.reserved, counts.reserved);
    add_up(total.set_aside, counts.set_aside);
    add_up(total.excluded, counts.excluded);
    add_up(total.free, counts.free);
  }
  return total;
}

// One rule for cells of one address and of many: what is held comes first, then what keeps an address from others.
char mark_of(const Counts& cell) {
  if (cell.held > 0) {
    const uint64_t others = cell.quarantined + cell.retained + cell.reserved + cell.set_aside + cell.free;
    if (others == 0) return '#';
    const double share =
        static_cast<double>(cell.held) / (static_cast<double>(cell.held) + static_cast<double>(others));
    const auto step = static_cast<size_t>(share * static_cast<double>(kShades.size()));
    return kShades[std::min(step, kShades.size() - 1)];
  }
  if (cell.quarantined > 0) return 'q';
  if (cell.retained > 0) return 's';
  if (cell.reserved > 0) return 'r';
  if (cell.set_aside > 0) return 'f';
  return cell.free == 0 && cell.excluded > 0 ? 'x' : '.';
}

// Large powers of two are easier to read as such.
std::string shown_size(uint64_t size) {
  constexpr uint64_t kLarge = uint64_t{1} << 24;
  if (size < kLarge || (size & (size - 1)) != 0) return shown_count(size);
  int power = 0;
  while ((size >>= 1) != 0) ++power;
  return fmt::format("2^{}", power);
}

std::string legend(const Counts& total) {
  const bool many = total.size > 1;
  Properties lines = {{"one cell", many ? shown_size(total.size) + " addresses" : "1 address"}};
  const auto add = [&](const char* mark, uint64_t count, std::string_view meaning) {
    lines.emplace_back(mark, fmt::format("{} {}", shown_count(count), meaning));
  };
  if (many)
    add(":-=+*#", total.held, "held: up to 20, 40, 60, 80 % of the cell, more, all of it");
  else
    add("#", total.held, "held");
  add("q", total.quarantined, "in quarantine, released a moment ago");
  add("s", total.retained, "kept for their former owners, while others are free");
  add("r", total.reserved, "reserved, and not in use");
  add("f", total.set_aside, "set aside, for a foreign host answers there");
  add("x", total.excluded, "excluded, or never given");
  add(".", total.free, "free");
  if (many) lines.emplace_back("", "q, s, r, f: none of the cell is held, and some of it is so");
  return to_string(lines);
}

size_t cells_a_row(size_t label, size_t width) {
  size_t cells = kMostPerRow;
  while (cells > kLeastPerRow && label + kGap + cells > width) cells /= 2;
  return cells;
}

}  // namespace

size_t cells_for(size_t width) {
  return kRows * cells_a_row(kUsualLabel, width);
}

std::string pool_map_view(const Json& cells, size_t width) {
  size_t label = 0;
  for (const auto& cell : cells) label = std::max(label, text_field(cell, "first").size());
  const size_t a_row = cells_a_row(label, width);
  std::string out = legend(total_of(cells)) + "\n";
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i % a_row == 0) {
      const std::string first = ascii(text_field(cells[i], "first"));
      out += (i == 0 ? "" : "\n") + first + std::string(label - first.size() + kGap, ' ');
    }
    out += mark_of(counts_of(cells[i]));
  }
  return out + "\n";
}

}  // namespace viaduct::ctl
