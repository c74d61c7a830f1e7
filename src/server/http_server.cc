#include "server/http_server.h"

#include "server/connection_front.h"
#include "server/http_exchange.h"
#include "server/worker_pool.h"

namespace viaduct::server {

class HttpServer::Impl {
 public:
  Impl(HttpHandler handler, HttpRefusal refusal, HttpLimits limits)
      : exchange_(std::move(handler), refusal),
        front_(
            [this](std::string bytes, int peer_pid, Deadline deadline, ConnectionFront::Done done) {
              workers_.submit([this, bytes = std::move(bytes), peer_pid, deadline, done = std::move(done)] {
                auto outcome = exchange_.run(bytes, peer_pid, deadline);
                done(std::move(outcome.reply), outcome.close);
              });
            },
            [refusal = std::move(refusal)](int status, const std::string& sentence) {
              return plain_reply(status, refusal(status, sentence));
            },
            limits),
        workers_(limits.workers) {}

  // The front hands out nothing more; then the workers, being the last member, end what they have begun, while the front
  // that their replies go to is still there.
  ~Impl() { front_.stop(std::chrono::milliseconds{0}); }

  ConnectionFront& front() { return front_; }

 private:
  HttpExchange exchange_;
  ConnectionFront front_;
  WorkerPool workers_;
};

HttpServer::HttpServer(HttpHandler handler, HttpRefusal refusal, HttpLimits limits)
    : impl_(std::make_unique<Impl>(std::move(handler), std::move(refusal), limits)) {}
HttpServer::~HttpServer() = default;

void HttpServer::add_listener(UniqueFd listener) {
  impl_->front().add_listener(std::move(listener));
}
Status HttpServer::start() {
  return impl_->front().start();
}
bool HttpServer::stop(std::chrono::milliseconds grace) {
  return impl_->front().stop(grace);
}

}  // namespace viaduct::server
