#pragma once

#include <atomic>
#include <map>
#include <string>

#include "base/guarded.h"
#include "base/log.h"
#include "server/end_pacer.h"
#include "server/http_server.h"
#include "server/services.h"

namespace viaduct::server {

// What was called since the start, by method.
struct CallCount {
  uint64_t calls = 0;
  uint64_t failures = 0;
  uint64_t slowest_us = 0;
};

// The plugin's socket: finds the method, reads the body, runs the handler, logs one line, answers. Any thread.
class Router {
 public:
  Router(Services services, Logger& log);

  // `name`: under which of viaduct's names the engine called.
  enum class Name { kFirst, kOfOtherScope };
  HttpReply handle(const HttpRequest& request, Deadline deadline, Name name = Name::kFirst);
  [[nodiscard]] std::map<std::string, CallCount> counts();

 private:
  Result<Json> run(const Method& method, const HttpRequest& request, Deadline deadline, Name name,
                   Json& body) const;
  // For what is no call of a method.
  HttpReply refuse(int status, const std::string& sentence);
  void note(const HttpRequest& request, const Json& body, const Result<Json>& outcome,
            std::chrono::microseconds took);

  const Services services_;
  const Services of_other_scope_;
  Logger& log_;
  std::map<std::string, Method, std::less<>> methods_;
  Guarded<std::map<std::string, CallCount>> counts_;
  EndPacer pacer_;
};

}  // namespace viaduct::server
