#pragma once

#include <string>

#include "base/json.h"
#include "tools/ctl/text.h"

// The daemon's answers (docs/admin-api.md) as text for an 80-column terminal. Pure; a member that is missing
// is shown as nothing.
namespace viaduct::ctl {

// `status` is the answer of /v1/status.
std::string status_view(const Json& status);

// The lists are the arrays of /v1/networks, /v1/endpoints, /v1/pools and /v1/addresses.
std::string network_table(const Json& networks, const Json& endpoints, IdLength length);
std::string endpoint_table(const Json& endpoints, IdLength length);
std::string pool_table(const Json& pools);
std::string address_table(const Json& addresses);

std::string reservation_table(const Json& reservations);

// One network and the endpoints of it; one pool.
std::string network_view(const Json& network, const Json& endpoints, IdLength length);
std::string pool_view(const Json& pool);

// The map of a pool, from the cells of /v1/pool-map: a legend with counts, then one character a cell, in rows that begin
// with the address of their first cell. As many cells a row as `width` columns allow, a power of two.
std::string pool_map_view(const Json& cells, size_t width);
// How many cells to ask for, so that the map has 16 rows in most cases.
size_t cells_for(size_t width);

// The answer of /v1/address as sentences.
std::string address_story_view(const Json& answer, size_t width);

// The endpoints of the network with this whole id, as an array.
Json endpoints_of(const Json& endpoints, const std::string& network_id);
// The addresses of the pool, those outside of its sub-pool included, as an array.
Json addresses_of(const Json& addresses, const Json& pool);

}  // namespace viaduct::ctl
