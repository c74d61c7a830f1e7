#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"

// Which life of the engine a request belongs to. Nothing in a request tells a replay from a conflict; the
// epoch does: what an older epoch was given may be claimed again by an explicit request, within one epoch
// that is a conflict. Pure policy; the service keeps the state and stores it (table meta, key "epoch").
namespace viaduct::ipam {

// The process at the other end of a registration call, as SO_PEERCRED and /proc show it.
struct EngineIdentity {
  int pid = 0;  // 0: not visible (a managed plugin has a pid namespace of its own)
  uint64_t start_ticks = 0;
  std::string boot_id;
  bool operator==(const EngineIdentity&) const = default;
  [[nodiscard]] bool visible() const { return pid != 0; }
};

// The socket that a running engine listens at for its containers' sandboxes, one of a new name in each of its lives; "" while
// no engine has finished its start; nothing where that cannot be told.
using EngineListener = std::optional<std::string>;

// The local spaces and the global ones count apart: a new term of a Swarm leader replays the global space
// only.
enum class SpaceKind { kLocal, kGlobal };

struct SpaceEpoch {
  uint64_t number = 0;  // 0: no engine has registered yet
  // Whether anything was asked for since the epoch began, in this life of viaductd; not stored. Registration
  // calls come in pairs and in bursts; only one that follows work can be a new engine's where the process
  // does not tell.
  bool used = false;
  // The epoch began in this life of viaductd; not stored. As long as nothing was asked for since, a further registration leaves
  // nothing open.
  bool begun_here = false;
  // A registration came to a fresh viaductd and may be due to its own restart as well as to the engine's; not
  // stored. The first request settles it: one for a pool that is held is a replay (after_replay_sign), an
  // automatic one is new work of an engine that lived on (note_new_work). An engine replays before it asks
  // for anything new.
  bool unsure = false;
  // An automatic request came in this epoch, in this life of viaductd: what the engine wanted to replay it has replayed.
  bool past_replay = false;
  // The engine began while viaductd served, so that all it replays of this epoch was seen. False again when a replay
  // failed. Stored.
  bool witnessed = false;
  bool operator==(const SpaceEpoch&) const = default;
};

struct EpochState {
  SpaceEpoch local;
  SpaceEpoch global;
  std::optional<EngineIdentity> engine;
  std::string listener;  // of an invisible engine, as seen last; stored
  bool operator==(const EpochState&) const = default;
  [[nodiscard]] const SpaceEpoch& of(SpaceKind kind) const {
    return kind == SpaceKind::kLocal ? local : global;
  }
  SpaceEpoch& of(SpaceKind kind) { return kind == SpaceKind::kLocal ? local : global; }
  [[nodiscard]] bool engine_visible() const { return engine.has_value() && engine->visible(); }
};

// True if the process of that pid, start time and boot still runs. Injected, so that the policy stays pure.
using IsAlive = std::function<bool(const EngineIdentity&)>;

// True if viaductd served already when that process began. Injected likewise; never asked for an invisible one.
using BeganInSight = std::function<bool(const EngineIdentity&)>;

// The state after a registration call (Plugin.Activate, IpamDriver.GetCapabilities) by `peer`.
// - A visible engine begins both epochs when it differs from the recorded one and that is gone; an operator's
// curl
//   beside a living engine changes nothing. The same engine again begins a global epoch after work: each term
//   of a Swarm leader repeats the call in the same process.
// - An invisible engine begins both epochs when the listener on record is gone: it registers with its plugins, and replays,
//   before it listens itself. Another listener is an engine that replayed out of sight; the same one is the same engine, as
//   above.
// - It also begins epochs after work in this life of viaductd. In a fresh viaductd the call leaves it open
//   (SpaceEpoch::unsure): a restart of viaductd alone begins none. Such an engine starts viaductd itself, before it
//   replays anything: what it begins is witnessed.
// `listener`: of now; not looked at for a visible engine.
EpochState after_registration(const EpochState& state, const EngineIdentity& peer,
                              const EngineListener& listener, const IsAlive& is_alive,
                              const BeganInSight& began_in_sight);

// Somebody looked, between registrations: an engine that registered before it listened is known from now on.
EpochState after_look(const EpochState& state, const EngineListener& listener);

// An explicit request came for a pool that is held: begins an epoch if the last registration left that open.
EpochState after_replay_sign(const EpochState& state, SpaceKind kind);
// An explicit request for a pool that is held failed: what it replayed is not known to be claimed.
EpochState after_failed_replay(const EpochState& state, SpaceKind kind);
// An automatic request came: the engine has nothing (more) to replay.
void note_new_work(SpaceEpoch& epoch);

// What is stored: numbers and engine.
Json to_json(const EpochState& state);
// Errors: kCorrupt.
Result<EpochState> epoch_from_json(const std::string& value);

}  // namespace viaduct::ipam
