#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

namespace viaduct::ipam {

// Names of endpoints, packed: a byte for the length, the text, and up to 3 bytes of padding. Names are kept in blocks
// that grow with their number, and a freed one's place is used again by the next of about its length. Longer ones than
// 254 bytes are kept on their own. Owns no memory while it never had a name. Not thread-safe.
class NameStore {
 public:
  // How a slot refers to its name.
  using Ref = const unsigned char*;

  // Null for the empty name. Valid until remove(), and while the store lives.
  Ref add(std::string_view name);
  void remove(Ref name);
  // Valid until remove().
  static std::string_view text(Ref name);

 private:
  static constexpr size_t kUnit = 4;
  static constexpr size_t kSizes = 256 / kUnit + 1;
  unsigned char* place(size_t size);

  std::vector<std::unique_ptr<unsigned char[]>> blocks_;
  std::map<const char*, std::unique_ptr<char[]>> long_;
  std::unique_ptr<std::array<unsigned char*, kSizes>> freed_;  // by size in units; each leads to the next
  size_t block_size_ = 0;
  size_t used_ = 0;  // of the last block
};

}  // namespace viaduct::ipam
