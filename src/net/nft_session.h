#pragma once

#include <string>

#include "base/c_handle.h"
#include "base/result.h"

struct nft_ctx;
extern "C" void nft_ctx_free(nft_ctx* context);

namespace viaduct::net {

// libnftables. One thread at a time.
class NftSession {
 public:
  static Result<NftSession> open();

  // Runs commands as one transaction: all or none. Returns what they list, as JSON.
  // Errors: kNotFound for a table, chain or element that is not there; kPermission; kUnavailable for the
  // rest. The message begins with `attempt` and has nft's own words.
  Result<std::string> run(const std::string& commands, const std::string& attempt);

 private:
  explicit NftSession(nft_ctx* context) : context_(context) {}
  CHandle<nft_ctx, nft_ctx_free> context_;
};

}  // namespace viaduct::net
