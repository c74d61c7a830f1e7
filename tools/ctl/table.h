#pragma once

#include <string>
#include <utility>
#include <vector>

// Aligned columns of ASCII. Pure.
namespace viaduct::ctl {

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;
};

// A heading and rows, two spaces apart; each column as wide as its widest cell, and no spaces at a line's
// end.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // Precondition: as many cells as columns. Empty cells of a row that goes on with the one above stay empty.
  void add(std::vector<std::string> cells);

  // Every line ends with a newline; without rows it is the heading alone.
  [[nodiscard]] std::string to_string() const;

 private:
  const std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// "name   value" lines with the values below each other. An empty name goes on with the value above.
using Properties = std::vector<std::pair<std::string, std::string>>;
std::string to_string(const Properties& properties);

}  // namespace viaduct::ctl
