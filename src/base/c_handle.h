#pragma once

#include <memory>

namespace viaduct {

// Turns a C library's release function into a deleter of no size:
//   using NlSocket = CHandle<nl_sock, nl_socket_free>;
// Adopt a raw output on the line after the call that made it.
template <auto Fn>
struct Releaser {
  template <class T>
  void operator()(T* handle) const noexcept {
    Fn(handle);
  }
};

template <class T, auto Fn>
using CHandle = std::unique_ptr<T, Releaser<Fn>>;

}  // namespace viaduct
