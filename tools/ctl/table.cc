#include "tools/ctl/table.h"

#include <algorithm>
#include <cassert>

#include "tools/ctl/text.h"

namespace viaduct::ctl {

namespace {

constexpr size_t kColumnGap = 2;

void end_line(std::string& out) {
  while (!out.empty() && out.back() == ' ') out.pop_back();
  out += '\n';
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  assert(cells.size() == columns_.size());
  for (auto& cell : cells) cell = ascii(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::to_string() const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = columns_[i].title.size();
    for (const auto& row : rows_) width = std::max(width, row[i].size());
    widths.push_back(width);
  }
  std::string out;
  const auto put = [&](size_t i, const std::string& cell) {
    const std::string padding(widths[i] - cell.size(), ' ');
    if (i > 0) out.append(kColumnGap, ' ');
    out += columns_[i].align == Align::kRight ? padding + cell : cell + padding;
  };
  for (size_t i = 0; i < columns_.size(); ++i) put(i, columns_[i].title);
  end_line(out);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < columns_.size(); ++i) put(i, row[i]);
    end_line(out);
  }
  return out;
}

std::string to_string(const Properties& properties) {
  size_t width = 0;
  for (const auto& [name, value] : properties) width = std::max(width, name.size());
  std::string out;
  for (const auto& [name, value] : properties) {
    out += name;
    out.append(width - name.size() + kColumnGap, ' ');
    out += ascii(value);
    end_line(out);
  }
  return out;
}

}  // namespace viaduct::ctl
