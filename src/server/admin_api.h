#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

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
};

// The operators' socket: GET only, reads only, JSON. Forms: docs/admin-api.md. Any thread.
class AdminApi {
 public:
  AdminApi(Services services, AdminFacts facts, Router& router)
      : services_(std::move(services)), facts_(std::move(facts)), router_(router) {}

  HttpReply handle(const HttpRequest& request) const;

 private:
  [[nodiscard]] Json status() const;
  [[nodiscard]] Json networks() const;
  [[nodiscard]] Json endpoints() const;
  [[nodiscard]] Json pools() const;
  [[nodiscard]] Json addresses() const;

  const Services services_;
  const AdminFacts facts_;
  Router& router_;
};

}  // namespace viaduct::server
