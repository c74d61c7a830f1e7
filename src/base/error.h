#pragma once

#include <string>
#include <string_view>

// What a call can end with besides its value. An Error is a value: cheap to move, never thrown.
namespace viaduct {

// Callers branch on the code only; the message is for people.
enum class ErrorCode {
  kInvalidArgument,  // the request can never succeed as it stands
  kNotFound,         // the object it names does not exist
  kAlreadyExists,    // the object exists with other parameters
  kOverlap,          // a prefix overlaps one that somebody holds
  kConflict,         // the address, name or revision is held by another owner
  kExhausted,        // no free address or prefix is left
  kBusy,             // another operation on the same object did not end in time
  kUnavailable,      // something this needs (disk, kernel, cluster) does not work now
  kPermission,       // the process lacks a right
  kCorrupt,          // stored state cannot be read
  kUnsupported,      // understood, and not offered
  kInternal,         // a bug of ours
};

std::string_view to_string(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  // One sentence: the object, the cause and the remedy. No trailing newline.
  std::string message;
  // errno of the system call behind it, 0 if there is none.
  int sys_errno = 0;

  // The same error with "context: " in front of its message.
  [[nodiscard]] Error with_context(std::string_view context) &&;
};

// Translates errno. `attempt` says what was tried, on which object.
Error from_errno(int sys_errno, std::string_view attempt);

// Short constructors, so that a refusal reads as one line.
Error invalid_argument(std::string message);
Error not_found(std::string message);
Error conflict(std::string message);
Error unavailable(std::string message);
Error unsupported(std::string message);
Error internal(std::string message);

}  // namespace viaduct
