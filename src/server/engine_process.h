#pragma once

#include <string>
#include <string_view>

#include "ipam/epoch.h"

namespace viaduct::server {

// The process behind a connection, from its pid and /proc/<pid>/stat (field 22, starttime: proc(5)). Not visible when
// the pid is 0 or the process has gone.
ipam::EngineIdentity identify_engine(int pid, const std::string& boot_id);

// The engine that listens in this network namespace, by /proc/net/unix. Nothing where several do, or that cannot be read.
ipam::EngineListener engine_listener();
// The same of the file's text (unix_seq_show() in net/unix/af_unix.c). Each engine has one such socket, at
// <its exec-root>/libnetwork/<its libnetwork's id>.sock (libnetwork/sandbox_externalkey_unix.go).
ipam::EngineListener listener_in(std::string_view sockets);

// Now, as a process that starts now would have it in that field.
uint64_t ticks_now();

// True if that very process still runs.
bool engine_alive(const ipam::EngineIdentity& engine, const std::string& boot_id);

}  // namespace viaduct::server
