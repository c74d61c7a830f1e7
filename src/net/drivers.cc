#include <fmt/format.h>

#include <array>

#include "net/driver.h"
#include "net/driver_bridge.h"
#include "net/driver_vlan.h"
#include "net/options.h"

namespace viaduct::net {

namespace {

// Every kind of network there is. Drivers have no state: one of each serves all threads.
const std::array<const Driver*, 2>& all_drivers() {
  static const BridgeDriver bridge;
  static const VlanDriver vlan;
  static const std::array<const Driver*, 2> drivers = {&bridge, &vlan};
  return drivers;
}

const Driver* find_driver(const std::string& mode) {
  for (const Driver* driver : all_drivers())
    if (driver->mode() == mode) return driver;
  return nullptr;
}

// What a user wrote, and a sentence repeats.
constexpr size_t kLongestShown = 64;

std::string known_modes() {
  std::string text;
  for (const Driver* driver : all_drivers()) text += (text.empty() ? "" : ", ") + driver->mode();
  return text;
}

}  // namespace

Result<const Driver*> driver_for(const Options& options) {
  const std::string mode = TRY(read_mode(options));
  const Driver* driver = find_driver(mode);
  if (driver == nullptr)
    return invalid_argument(fmt::format(
        "option mode={} names no kind of network that viaduct has; use one of: {}",
        mode.size() <= kLongestShown ? mode : fmt::format("({} bytes)", mode.size()), known_modes()));
  return driver;
}

Result<const Driver*> driver_for_mode(const std::string& mode) {
  const Driver* driver = find_driver(mode);
  if (driver == nullptr)
    return unsupported(
        fmt::format("the state folder holds a network of mode {}, which this viaduct does not know; "
                    "start the newer viaduct that made it",
                    mode));
  return driver;
}

}  // namespace viaduct::net
