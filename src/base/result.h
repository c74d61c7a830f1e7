#pragma once

#include <cassert>
#include <optional>
#include <utility>
#include <variant>

#include "base/error.h"

// A value or an Error. The names are a subset of std::expected's spirit, so that a later compiler can take over.
namespace viaduct {

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit on purpose

  [[nodiscard]] bool ok() const { return content_.index() == 0; }

  // Precondition: ok(). Terminates otherwise.
  T& value() & { return std::get<0>(content_); }
  const T& value() const& { return std::get<0>(content_); }
  T&& value() && { return std::get<0>(std::move(content_)); }

  // Precondition: !ok(). Terminates otherwise.
  const Error& error() const& { return std::get<1>(content_); }
  Error&& error() && { return std::get<1>(std::move(content_)); }

 private:
  std::variant<T, Error> content_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  void value() const { assert(ok()); }
  const Error& error() const& { return error_.value(); }
  Error&& error() && { return std::move(error_).value(); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace viaduct

// Evaluates to the value of a Result, or returns its error from the calling function.
// Use it as a statement, as an initialiser or as what is assigned; do not nest one in another, and never put it beside other
// parts of an expression, as in Json{{"Key", TRY(…)}}: what those have made is not destroyed when it returns (GCC manual,
// "Statement Exprs").
#define TRY(...)                                                                \
  __extension__({                                                               \
    auto viaduct_try_result = (__VA_ARGS__);                                    \
    if (!viaduct_try_result.ok()) return std::move(viaduct_try_result).error(); \
    std::move(viaduct_try_result).value();                                      \
  })
