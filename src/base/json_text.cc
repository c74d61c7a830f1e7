#include "base/json_text.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace viaduct {

bool is_plain_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
}

void ObjectText::begin(std::string_view name) {
  if (out_.size() > 1) out_ += ',';
  out_ += '"';
  out_ += name;
  out_ += "\":";
}

ObjectText& ObjectText::text(std::string_view name, std::string_view value) {
  if (!is_plain_text(value)) return json(name, Json(std::string(value)));
  begin(name);
  out_ += '"';
  out_ += value;
  out_ += '"';
  return *this;
}

ObjectText& ObjectText::number(std::string_view name, int64_t value) {
  begin(name);
  fmt::format_to(std::back_inserter(out_), FMT_COMPILE("{}"), value);
  return *this;
}

ObjectText& ObjectText::flag(std::string_view name, bool value) {
  begin(name);
  out_ += value ? "true" : "false";
  return *this;
}

ObjectText& ObjectText::json(std::string_view name, const Json& value) {
  begin(name);
  out_ += dump_json(value);
  return *this;
}

std::string ObjectText::take() && {
  out_ += '}';
  return std::move(out_);
}

}  // namespace viaduct
