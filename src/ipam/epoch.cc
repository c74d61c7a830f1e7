#include "ipam/epoch.h"

#include <fmt/format.h>

#include <limits>

namespace viaduct::ipam {

namespace {

void begin(SpaceEpoch& epoch, bool witnessed) {
  epoch = SpaceEpoch{.number = epoch.number + 1, .begun_here = true, .witnessed = witnessed};
}

// Begins an epoch after work; in a fresh process leaves it open whether the engine is new.
void begin_after_work(SpaceEpoch& epoch) {
  if (epoch.number == 0 || epoch.used)
    begin(epoch, true);
  else if (!epoch.begun_here)
    epoch.unsure = true;
}

}  // namespace

EpochState after_registration(const EpochState& state, const EngineIdentity& peer,
                              const EngineListener& listener, const IsAlive& is_alive,
                              const BeganInSight& began_in_sight) {
  EpochState next = state;
  const bool other = state.engine.has_value() && *state.engine != peer;
  if (state.engine_visible() && other && is_alive(*state.engine)) return next;
  next.engine = peer;
  const bool told = !peer.visible() && listener.has_value();
  if (peer.visible()) next.listener.clear();
  if (told) next.listener = *listener;
  const bool comparable = told && !other && !state.listener.empty();
  if (comparable && state.listener != *listener) {
    begin(next.local, listener->empty());
    begin(next.global, listener->empty());
    return next;
  }
  // A change between visible and invisible is a change of the deployment, which restarts both sides.
  if (!state.engine.has_value() || other) {
    const bool witnessed = !peer.visible() || began_in_sight(peer);
    begin(next.local, witnessed);
    begin(next.global, witnessed);
  } else {
    if (!peer.visible() && !comparable) begin_after_work(next.local);
    begin_after_work(next.global);
  }
  return next;
}

EpochState after_look(const EpochState& state, const EngineListener& listener) {
  EpochState next = state;
  const bool invisible = state.engine.has_value() && !state.engine->visible();
  if (invisible && listener.has_value() && !listener->empty()) next.listener = *listener;
  return next;
}

EpochState after_replay_sign(const EpochState& state, SpaceKind kind) {
  EpochState next = state;
  if (next.of(kind).unsure) begin(next.of(kind), true);
  return next;
}

EpochState after_failed_replay(const EpochState& state, SpaceKind kind) {
  EpochState next = state;
  next.of(kind).witnessed = false;
  return next;
}

void note_new_work(SpaceEpoch& epoch) {
  epoch.used = true;
  epoch.unsure = false;
  epoch.past_replay = true;
}

Json to_json(const EpochState& state) {
  Json out = {{"local", state.local.number},
              {"global", state.global.number},
              {"local_witnessed", state.local.witnessed},
              {"global_witnessed", state.global.witnessed}};
  if (state.engine.has_value())
    out["engine"] = {{"pid", state.engine->pid},
                     {"start_ticks", state.engine->start_ticks},
                     {"boot_id", state.engine->boot_id}};
  if (!state.listener.empty()) out["listener"] = state.listener;
  return out;
}

namespace {

Result<EpochState> read_epoch(const std::string& value) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const Json json = TRY(parse_json_object(value));
  const JsonReader reader = TRY(JsonReader::of(json, "epoch"));
  EpochState state;
  state.local.number = static_cast<uint64_t>(TRY(reader.integer_or("local", 0, 0, kMost)));
  state.global.number = static_cast<uint64_t>(TRY(reader.integer_or("global", 0, 0, kMost)));
  state.local.witnessed = TRY(reader.bool_or("local_witnessed", false));
  state.global.witnessed = TRY(reader.bool_or("global_witnessed", false));
  state.listener = TRY(reader.string_or_empty("listener"));
  const Json* engine = TRY(reader.object("engine"));
  if (engine == nullptr) return state;
  const JsonReader inner = TRY(JsonReader::of(*engine, "epoch.engine"));
  EngineIdentity identity;
  identity.pid = static_cast<int>(TRY(inner.integer_or("pid", 0, 0, std::numeric_limits<int>::max())));
  identity.start_ticks = static_cast<uint64_t>(TRY(inner.integer_or("start_ticks", 0, 0, kMost)));
  identity.boot_id = TRY(inner.string_or_empty("boot_id"));
  state.engine = identity;
  return state;
}

}  // namespace

Result<EpochState> epoch_from_json(const std::string& value) {
  auto state = read_epoch(value);
  if (state.ok()) return state;
  return Error{
      ErrorCode::kCorrupt,
      fmt::format("record \"epoch\" of table meta cannot be read ({}); restore the state file from a copy",
                  state.error().message)};
}

}  // namespace viaduct::ipam
