#include "server/instance.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <cerrno>
#include <cstdint>

#include "base/json.h"

namespace viaduct::server {

namespace {
constexpr const char* kKey = "instance";
}

Result<std::string> load_instance(store::Store& store) {
  const auto stored = TRY(store.get(store::Table::kMeta, kKey));
  if (stored) {
    const Json value = TRY(parse_json_object(*stored));
    const JsonReader reader = TRY(JsonReader::of(value, "meta.instance"));
    auto id = reader.required_string("id");
    if (!id.ok()) return Error{ErrorCode::kCorrupt, id.error().message};
    return id;
  }
  uint32_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number)
    return from_errno(errno, "read random numbers");
  const std::string id = fmt::format("{:08x}", number);
  TRY(store.commit({{{store::Table::kMeta, kKey, store::Condition::Kind::kAbsent}},
                    {store::put_object(store::Table::kMeta, kKey, {{"id", id}})}}));
  return id;
}

}  // namespace viaduct::server
