#pragma once

#include "base/json.h"
#include "server/services.h"

namespace viaduct::server {

// `viaductctl fsck`: what differs between the store, the kernel, the packet filter and the two halves, as
// {"findings": [{kind, subject, text, remedy}]}. Changes nothing. Errors: the kernel does not list its links.
Result<Json> check_state(const Services& services);

// Brings in line what can be: as a start does, and gives orphaned addresses back. What it cannot mend is there at the next
// check. Errors: as check_state().
Status repair_state(const Services& services, Deadline deadline);

}  // namespace viaduct::server
