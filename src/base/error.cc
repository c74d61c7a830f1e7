#include "base/error.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace viaduct {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "invalid_argument";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kAlreadyExists: return "already_exists";
    case ErrorCode::kOverlap: return "overlap";
    case ErrorCode::kConflict: return "conflict";
    case ErrorCode::kExhausted: return "exhausted";
    case ErrorCode::kBusy: return "busy";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kPermission: return "permission";
    case ErrorCode::kCorrupt: return "corrupt";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kInternal: return "internal";
  }
  return "internal";
}

Error Error::with_context(std::string_view context) && {
  message = fmt::format("{}: {}", context, message);
  return std::move(*this);
}

namespace {

ErrorCode code_of_errno(int sys_errno) {
  switch (sys_errno) {
    case EINVAL:
    case ERANGE:
    case ENAMETOOLONG: return ErrorCode::kInvalidArgument;
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ESRCH:
    case EADDRNOTAVAIL: return ErrorCode::kNotFound;
    case EEXIST:
    case EADDRINUSE: return ErrorCode::kAlreadyExists;
    case EBUSY:
    case EAGAIN:
    case ETIMEDOUT: return ErrorCode::kBusy;
    case EPERM:
    case EACCES:
    case EROFS: return ErrorCode::kPermission;
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT: return ErrorCode::kUnsupported;
    default: return ErrorCode::kUnavailable;
  }
}

}  // namespace

Error from_errno(int sys_errno, std::string_view attempt) {
  return Error{code_of_errno(sys_errno),
               fmt::format("{}: {}", attempt, std::error_code(sys_errno, std::generic_category()).message()),
               sys_errno};
}

Error invalid_argument(std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message)};
}
Error not_found(std::string message) {
  return {ErrorCode::kNotFound, std::move(message)};
}
Error conflict(std::string message) {
  return {ErrorCode::kConflict, std::move(message)};
}
Error unavailable(std::string message) {
  return {ErrorCode::kUnavailable, std::move(message)};
}
Error unsupported(std::string message) {
  return {ErrorCode::kUnsupported, std::move(message)};
}
Error internal(std::string message) {
  return {ErrorCode::kInternal, std::move(message)};
}

}  // namespace viaduct
