#pragma once

#include <string>

#include "base/json.h"

// Answers as the daemon gives them (docs/admin-api.md).
namespace viaduct::ctl {

inline Json networks() {
  return {{{"id", std::string(64, 'a')},
           {"mode", "bridge"},
           {"bridge", "vd-aaaaaaaaaaaa"},
           {"mtu", 1500},
           {"internal", true},
           {"subnets",
            {{{"space", "local"},
              {"pool", "10.128.0.0/24"},
              {"gateway", "10.128.0.1/24"},
              {"auxiliary", {{"router", "10.128.0.9/24"}}}},
             {{"space", "local"}, {"pool", "fd00:1::/64"}}}},
           {"options", {{"icc", "false"}, {"mtu", "1500"}}},
           {"since", "2026-01-02T03:04:05Z"}},
          {{"id", std::string(64, 'b')},
           {"mode", "bridge"},
           {"bridge", "vd-bbbbbbbbbbbb"},
           {"mtu", 1400},
           {"internal", false},
           {"subnets", {{{"space", "local"}, {"pool", "10.128.1.0/24"}}}},
           {"options", Json::object()},
           {"since", "2026-01-02T03:04:05Z"}}};
}

inline Json endpoints() {
  return {{{"id", std::string(64, 'e')},
           {"network", std::string(64, 'a')},
           {"mac", "02:42:0a:80:00:02"},
           {"host_link", "veeeeeeeeeeeeee"},
           {"sandbox", "/var/run/docker/netns/1"},
           {"since", "2026-01-02T03:04:05Z"},
           {"address", "10.128.0.2/24"},
           {"address6", "fd00:1::2/64"}},
          {{"id", std::string(64, 'f')},
           {"network", std::string(64, 'a')},
           {"mac", "02:42:0a:80:00:03"},
           {"host_link", "veffffffffffff"},
           {"sandbox", ""},
           {"since", "2026-01-02T03:04:05Z"},
           {"address", "10.128.0.3/24"}}};
}

inline Json pool(const std::string& id, const std::string& prefix, uint64_t used, uint64_t capacity) {
  return {{"id", id},  {"space", "local"}, {"pool", prefix},       {"automatic", true},
          {"refs", 1}, {"used", used},     {"capacity", capacity}, {"since", "2026-01-02T03:04:05Z"}};
}

inline Json pools() {
  Json part = pool("local/10.128.0.0/24/10.128.0.64/26", "10.128.0.0/24", 0, 64);
  part["sub_pool"] = "10.128.0.64/26";
  part["automatic"] = false;
  Json whole = pool("local/10.128.0.0/24", "10.128.0.0/24", 12, 254);
  whole["held"] = {{"endpoint", 11}, {"gateway", 1}};
  whole["options"] = {{"exclude", "10.128.0.200-10.128.0.205"}, {"policy", "lowest"}};
  whole["excluded"] = 6;
  whole["resting"] = 3;
  whole["reserved"] = 1;
  return Json::array({whole, part, pool("local/fd00:1::/64", "fd00:1::/64", 2, ~uint64_t{0})});
}

inline Json cell(const std::string& first, uint64_t size, Json counts = Json::object()) {
  counts["first"] = first;
  counts["size"] = size;
  return counts;
}

// Eight addresses, one in each state and two free.
inline Json small_cells() {
  return Json::array({cell("10.128.0.0", 1, {{"excluded", 1}}), cell("10.128.0.1", 1, {{"held", 1}}),
                      cell("10.128.0.2", 1, {{"held", 1}}), cell("10.128.0.3", 1, {{"quarantined", 1}}),
                      cell("10.128.0.4", 1, {{"retained", 1}}), cell("10.128.0.5", 1, {{"reserved", 1}}),
                      cell("10.128.0.6", 1, {{"free", 1}}), cell("10.128.0.7", 1, {{"free", 1}})});
}

inline Json story(const std::string& state) {
  return {{"space", "local"},        {"pool", "10.128.0.0/24"}, {"pool_id", "local/10.128.0.0/24"},
          {"address", "10.128.0.2"}, {"state", state},          {"usable", true},
          {"excluded", false},       {"outside_range", false},  {"orphan", false}};
}

inline Json reservations() {
  return {{{"space", "local"},
           {"address", "10.128.0.9"},
           {"mac", "02:42:0a:80:00:09"},
           {"name", "db"},
           {"note", "the database"},
           {"since", "2026-01-02T03:04:05Z"}}};
}

inline Json address(const std::string& text, const std::string& owner, const std::string& prefix) {
  return {{"space", "local"}, {"pool", prefix}, {"address", text},
          {"state", "held"},  {"class", owner}, {"epoch", 1}};
}

inline Json addresses() {
  Json first = address("10.128.0.2", "endpoint", "10.128.0.0/24");
  first["mac"] = "02:42:0a:80:00:02";
  first["name"] = "web";
  Json second = address("10.128.0.3", "endpoint", "10.128.0.0/24");
  second["mac"] = "02:42:0a:80:00:03";
  Json elsewhere = address("10.128.0.4", "endpoint", "10.128.0.0/24");
  elsewhere["space"] = "global";
  return Json::array({address("10.128.0.1", "gateway", "10.128.0.0/24"), first, second, elsewhere,
                      address("fd00:1::2", "endpoint", "fd00:1::/64")});
}

inline Json status() {
  return {{"version", "0.1.0"},
          {"pid", 42},
          {"instance", "0badcafe"},
          {"state", "/var/lib/viaduct"},
          {"scope", "local"},
          {"listen", {"unix:///a", "unix:///b"}},
          {"started", "2026-01-02T03:04:05Z"},
          {"uptime_seconds", 3725},
          {"epoch", 2},
          {"networks", 2},
          {"endpoints", 2},
          {"pools", 3},
          {"addresses", 5},
          {"resting", 2},
          {"reservations", 1},
          {"calls", 7},
          {"failures", 1},
          {"methods", {{"NetworkDriver.Join", {{"calls", 7}, {"failures", 1}, {"slowest_us", 2500}}}}},
          {"notes", {"something was repaired"}}};
}

}  // namespace viaduct::ctl
