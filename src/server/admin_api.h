#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "server/admin_changes.h"
#include "server/http_server.h"
#include "server/router.h"
#include "server/services.h"

namespace viaduct::server {

// What the daemon knows of itself.
struct AdminFacts {
  std::string version;
  std::string instance;
  std::string state_folder;
  std::string scope;
  std::vector<std::string> listen;
  std::vector<std::string> notes;  // what start-up found worth telling
  std::chrono::sys_seconds started;
  std::chrono::seconds uptime_at_start;  // the machine's
};

// The operators' socket: GET reads, POST changes; JSON both ways. Forms and statuses: docs/admin-api.md. Any thread.
class AdminApi {
 public:
  AdminApi(Services services, AdminFacts facts, Router& router, const Clock& clock, Logger& log)
      : services_(std::move(services)), facts_(std::move(facts)), router_(router), clock_(clock), log_(log) {}

  HttpReply handle(const HttpRequest& request, Deadline deadline) const;

 private:
  // Precondition: a path that is read. Errors: kNotFound, kInvalidArgument.
  [[nodiscard]] Result<Json> read(const std::string& path) const;
  // Writes one line to the log, whatever comes of it.
  HttpReply change(const Change& what, const HttpRequest& request, Deadline deadline) const;
  [[nodiscard]] Json status() const;
  // `rest` is "<cells>/<pool id>".
  [[nodiscard]] Result<Json> pool_map(std::string_view rest) const;
  [[nodiscard]] Result<Json> address(std::string_view text) const;

  const Services services_;
  const AdminFacts facts_;
  Router& router_;
  const Clock& clock_;
  Logger& log_;
};

// The HTTP status that says what an error says.
int admin_status_of(ErrorCode code);

}  // namespace viaduct::server
