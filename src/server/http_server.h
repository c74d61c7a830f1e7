#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "base/unique_fd.h"

// HTTP/1.1 over sockets that somebody else bound. One thread (connection_front) reads whole requests from any number of
// connections, so that idle, silent and slow clients cost a descriptor and no thread; workers run the handlers.
// Nothing above this header knows an HTTP library.
namespace viaduct::server {

struct HttpRequest {
  std::string method;  // "POST"
  std::string path;    // "/NetworkDriver.Join"
  std::string body;
  int peer_pid = 0;  // SO_PEERCRED; 0 where the peer's process is not visible
  // Its Host header is empty, as engine 20.10 sends it to a Unix socket; engines from 26 on name the plugin (trap T1).
  bool is_nameless = false;
};

struct HttpReply {
  int status = 200;
  std::string body;
};

// Runs on a worker, many at once. Must answer by the deadline; what it answers later is thrown away, the client having
// got `late` in its place.
using HttpHandler = std::function<HttpReply(const HttpRequest& request, Deadline deadline)>;

// Makes the body of a reply that no handler made (too large, too late, malformed), from its status and a sentence. Any
// thread; called once for each such reply.
using HttpRefusal = std::function<std::string(int status, const std::string& sentence)>;

struct HttpLimits {
  size_t header_bytes = 16 * 1024;
  size_t body_bytes = 1024 * 1024;
  // From the first byte of a request to its last, and for taking a reply.
  std::chrono::milliseconds transfer{5000};
  // What a handler is given. The engine's client waits for ever, so the bound must be ours.
  std::chrono::milliseconds call{9000};
  // How much later the front answers in the handler's place.
  std::chrono::milliseconds grace{500};
  // Status of that answer. The engine reads an error at 200 (trap T4); other clients go by the status.
  int late_status = 200;
  // Open connections; beyond, the one that has been idle longest makes room.
  size_t connections = 4096;
  size_t workers = 256;
};

class HttpServer {
 public:
  HttpServer(HttpHandler handler, HttpRefusal refusal, HttpLimits limits = {});
  ~HttpServer();

  // Serves a bound, listening socket too. Before start().
  void add_listener(UniqueFd listener);
  // Errors: kUnavailable.
  Status start();
  // Accepts and reads no more; waits until what is in flight has been answered, `grace` at most. True if all was.
  bool stop(std::chrono::milliseconds grace);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::server
