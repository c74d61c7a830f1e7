#include "net/nft_session.h"

#include <fmt/format.h>
#include <nftables/libnftables.h>

#include <cerrno>
#include <string_view>

namespace viaduct::net {

namespace {

// nft writes a line "Error: words", then the source line and a marker.
std::string_view first_line(std::string_view text) {
  constexpr std::string_view kStart = "Error: ";
  size_t start = text.find(kStart);
  if (start != std::string_view::npos) text.remove_prefix(start + kStart.size());
  return text.substr(0, text.find('\n'));
}

// nft gives words only.
int errno_of(std::string_view words) {
  if (words.find("No such file or directory") != std::string_view::npos) return ENOENT;
  if (words.find("Operation not permitted") != std::string_view::npos) return EPERM;
  return EIO;
}

}  // namespace

Result<NftSession> NftSession::open() {
  nft_ctx* context = nft_ctx_new(NFT_CTX_DEFAULT);
  if (context == nullptr) return unavailable("cannot open libnftables; is nf_tables in the kernel?");
  NftSession session(context);
  nft_ctx_output_set_flags(context, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_HANDLE);
  if (nft_ctx_buffer_output(context) != 0 || nft_ctx_buffer_error(context) != 0) {
    return unavailable("cannot buffer the output of libnftables");
  }
  return session;
}

Result<std::string> NftSession::run(const std::string& commands, const std::string& attempt) {
  int failed = nft_run_cmd_from_buffer(context_.get(), commands.c_str());
  // Both buffers are emptied by reading.
  const char* output = nft_ctx_get_output_buffer(context_.get());
  const char* errors = nft_ctx_get_error_buffer(context_.get());
  if (failed == 0) return std::string(output == nullptr ? "" : output);
  std::string_view words = first_line(errors == nullptr ? "" : errors);
  Error error = from_errno(errno_of(words), attempt);
  error.message = fmt::format("{}: {} (nftables)", attempt, words.empty() ? "no reason given" : words);
  return error;
}

}  // namespace viaduct::net
