#include "ipam/name_store.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace viaduct::ipam {

namespace {

constexpr size_t kFirstBlock = 256;
constexpr size_t kLargestBlock = 65536;
constexpr size_t kLong = 255;  // in place of the length: a pointer and a size follow

struct LongName {
  const char* text;
  size_t size;
};

size_t size_of(size_t length) {
  const size_t bytes = 1 + (length >= kLong ? sizeof(LongName) : length);
  return std::max(sizeof(unsigned char*), (bytes + 3) / 4 * 4);
}

LongName long_name(const unsigned char* name) {
  LongName found{};
  std::memcpy(&found, name + 1, sizeof found);
  return found;
}

}  // namespace

NameStore::Ref NameStore::add(std::string_view name) {
  if (name.empty()) return nullptr;
  unsigned char* to = place(size_of(name.size()));
  *to = static_cast<unsigned char>(std::min(name.size(), kLong));
  if (name.size() < kLong) {
    std::memcpy(to + 1, name.data(), name.size());
    return to;
  }
  auto copy = std::make_unique<char[]>(name.size());
  std::memcpy(copy.get(), name.data(), name.size());
  const LongName apart{copy.get(), name.size()};
  std::memcpy(to + 1, &apart, sizeof apart);
  long_[apart.text] = std::move(copy);
  return to;
}

void NameStore::remove(Ref name) {
  if (name == nullptr) return;
  if (*name == kLong) long_.erase(long_name(name).text);
  const size_t size = size_of(*name);
  // The blocks are this store's own; only what it hands out is const.
  auto* place = const_cast<unsigned char*>(name);
  unsigned char*& first = (*freed_)[size / kUnit];
  std::memcpy(place, &first, sizeof first);
  first = place;
}

std::string_view NameStore::text(Ref name) {
  if (name == nullptr) return {};
  if (*name == kLong) return {long_name(name).text, long_name(name).size};
  return {reinterpret_cast<const char*>(name + 1), *name};
}

unsigned char* NameStore::place(size_t size) {
  if (freed_ == nullptr) freed_ = std::make_unique<std::array<unsigned char*, kSizes>>();
  unsigned char*& first = (*freed_)[size / kUnit];
  if (first != nullptr) {
    unsigned char* taken = first;
    std::memcpy(&first, taken, sizeof first);
    return taken;
  }
  if (used_ + size > block_size_) {
    block_size_ = std::clamp(block_size_ * 2, kFirstBlock, kLargestBlock);
    blocks_.push_back(std::make_unique<unsigned char[]>(block_size_));
    used_ = 0;
  }
  used_ += size;
  return blocks_.back().get() + used_ - size;
}

}  // namespace viaduct::ipam
