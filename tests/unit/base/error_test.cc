#include "base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <set>

#include "base/result.h"

namespace viaduct {
namespace {

constexpr ErrorCode kAllCodes[] = {
    ErrorCode::kInvalidArgument, ErrorCode::kNotFound,  ErrorCode::kAlreadyExists, ErrorCode::kOverlap,
    ErrorCode::kConflict,        ErrorCode::kExhausted, ErrorCode::kBusy,          ErrorCode::kUnavailable,
    ErrorCode::kPermission,      ErrorCode::kCorrupt,   ErrorCode::kUnsupported,   ErrorCode::kInternal};

TEST(ErrorCode, EveryCode_HasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const ErrorCode code : kAllCodes) names.insert(to_string(code));
  EXPECT_EQ(names.size(), std::size(kAllCodes));
}

struct Row {
  int sys_errno;
  ErrorCode code;
};

class FromErrno : public testing::TestWithParam<Row> {};

TEST_P(FromErrno, KnownErrno_HasItsCodeAndKeepsTheNumber) {
  const Error error = from_errno(GetParam().sys_errno, "create link \"x\"");
  EXPECT_EQ(to_string(error.code), to_string(GetParam().code));
  EXPECT_EQ(error.sys_errno, GetParam().sys_errno);
  EXPECT_THAT(error.message, testing::StartsWith("create link \"x\": "));
}

INSTANTIATE_TEST_SUITE_P(
    Table, FromErrno,
    testing::Values(Row{EINVAL, ErrorCode::kInvalidArgument}, Row{ERANGE, ErrorCode::kInvalidArgument},
                    Row{ENAMETOOLONG, ErrorCode::kInvalidArgument}, Row{ENOENT, ErrorCode::kNotFound},
                    Row{ENODEV, ErrorCode::kNotFound}, Row{ENXIO, ErrorCode::kNotFound},
                    Row{ESRCH, ErrorCode::kNotFound}, Row{EADDRNOTAVAIL, ErrorCode::kNotFound},
                    Row{EEXIST, ErrorCode::kAlreadyExists}, Row{EADDRINUSE, ErrorCode::kAlreadyExists},
                    Row{EBUSY, ErrorCode::kBusy}, Row{EAGAIN, ErrorCode::kBusy},
                    Row{ETIMEDOUT, ErrorCode::kBusy}, Row{EPERM, ErrorCode::kPermission},
                    Row{EACCES, ErrorCode::kPermission}, Row{EROFS, ErrorCode::kPermission},
                    Row{EOPNOTSUPP, ErrorCode::kUnsupported}, Row{EPROTONOSUPPORT, ErrorCode::kUnsupported},
                    Row{EAFNOSUPPORT, ErrorCode::kUnsupported}, Row{ENOSPC, ErrorCode::kUnavailable},
                    Row{EIO, ErrorCode::kUnavailable}));

TEST(Error, WithContext_PutsItInFrontAndKeepsTheRest) {
  const Error error = from_errno(ENOSPC, "write").with_context("create network \"db\"");
  EXPECT_EQ(error.message, "create network \"db\": write: No space left on device");
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_EQ(error.sys_errno, ENOSPC);
}

TEST(Error, ShortConstructors_HaveTheCodeOfTheirName) {
  EXPECT_EQ(invalid_argument("m").code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(not_found("m").code, ErrorCode::kNotFound);
  EXPECT_EQ(conflict("m").code, ErrorCode::kConflict);
  EXPECT_EQ(unavailable("m").code, ErrorCode::kUnavailable);
  EXPECT_EQ(unsupported("m").code, ErrorCode::kUnsupported);
  EXPECT_EQ(internal("m").code, ErrorCode::kInternal);
  EXPECT_EQ(conflict("m").message, "m");
}

Result<std::unique_ptr<int>> half(int number) {
  if (number % 2 != 0) return invalid_argument("odd");
  return std::make_unique<int>(number / 2);
}

Result<int> quarter(int number) {
  const auto first = TRY(half(number));
  const auto second = TRY(half(*first));
  return *second;
}

Status divisible(int number) {
  TRY(quarter(number));
  return {};
}

TEST(Try, Success_GivesTheValueOfAMoveOnlyType) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_TRUE(divisible(12).ok());
}

TEST(Try, Failure_ReturnsFromTheCaller) {
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_EQ(divisible(3).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace viaduct
