#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/http_server.h"

namespace viaduct::server {

// Turns the bytes of one whole request into the bytes of its reply. The only place that knows the HTTP library
// (http_exchange.cc): it parses, routes to the handler and writes, on memory in place of a socket. Any thread.
class HttpExchange {
 public:
  // `refusal` is for requests that never reach the handler.
  HttpExchange(HttpHandler handler, HttpRefusal refusal);
  ~HttpExchange();

  struct Outcome {
    std::string reply;   // header and body
    bool close = false;  // the reply announced Connection: close
  };
  Outcome run(const std::string& request, int peer_pid, Deadline deadline) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The bytes of a reply that closes the connection, for what never became a request.
std::string plain_reply(int status, const std::string& body);

// The media type of plugin messages (moby: pkg/plugins/transport).
inline constexpr const char* kPluginMediaType = "application/vnd.docker.plugins.v1.2+json";

}  // namespace viaduct::server
