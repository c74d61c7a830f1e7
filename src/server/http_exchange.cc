#include "server/http_exchange.h"

#include <fmt/format.h>
#include <httplib.h>

#include <cstring>

#include "server/http_framing.h"

namespace viaduct::server {

namespace {

// A connection of the library that reads from one string and writes to another.
class MemoryStream final : public httplib::Stream {
 public:
  explicit MemoryStream(const std::string& input) : input_(input) {}

  bool is_readable() const override { return offset_ < input_.size(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* out, size_t size) override {
    const size_t count = std::min(size, input_.size() - offset_);
    std::memcpy(out, input_.data() + offset_, count);
    offset_ += count;
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* bytes, size_t size) override {
    output_.append(bytes, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return INVALID_SOCKET; }

  std::string take_output() { return std::move(output_); }

 private:
  const std::string& input_;
  size_t offset_ = 0;
  std::string output_;
};

// What the library's handlers cannot be passed: they run on the thread that called run().
struct Context {
  int peer_pid;
  bool is_nameless;
  Deadline deadline;
};
thread_local const Context* current_context = nullptr;

}  // namespace

// Uses the library's parser, router and writer without its accept loop and thread pool: process_request() is protected.
class HttpExchange::Impl : public httplib::Server {
 public:
  Impl(HttpHandler handler, HttpRefusal refusal)
      : handler_(std::move(handler)), refusal_(std::move(refusal)) {
    // The library fills a table of verbs on its first request, which a thread sanitizer takes for a race between the
    // first two: it sees nothing of the guard in a library that was built without it. Hence here, before any thread,
    // and before there is a handler that would hear of it.
    run("NONE / HTTP/1.1\r\n\r\n", 0, Deadline::in(std::chrono::seconds{0}));
    set_keep_alive_max_count(1U << 30);
    set_keep_alive_timeout(24 * 3600);
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      // The library reads the body only for routes, of which there is one per method; everything is decided above.
      if (request.method == "POST" || request.method == "GET") return HandlerResponse::Unhandled;
      answer(request, response);
      return HandlerResponse::Handled;
    });
    const auto all = [this](const httplib::Request& request, httplib::Response& response) {
      answer(request, response);
    };
    Post("/[\\s\\S]*", all);
    Get("/[\\s\\S]*", all);
    // What the library refuses by itself (an unknown verb or version, a multipart body) has a status and no body.
    set_error_handler([this](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty())
        response.set_content(
            refusal_(response.status,
                     "the request is no plugin call: POST a JSON object, or GET on the admin socket"),
            kPluginMediaType);
    });
  }

  Outcome run(const std::string& request, int peer_pid, Deadline deadline) {
    MemoryStream stream(request);
    const Context context{peer_pid, has_empty_host(request), deadline};
    current_context = &context;
    bool close = false;
    const bool parsed = process_request(stream, /*close_connection=*/false, close, nullptr);
    current_context = nullptr;
    std::string reply = stream.take_output();
    return {std::move(reply), close || !parsed};
  }

 private:
  void answer(const httplib::Request& request, httplib::Response& response) const {
    const HttpReply reply = handler_(
        {request.method, request.path, request.body, current_context->peer_pid, current_context->is_nameless},
        current_context->deadline);
    response.status = reply.status;
    response.set_content(reply.body, kPluginMediaType);
  }

  HttpHandler handler_;
  HttpRefusal refusal_;
};

HttpExchange::HttpExchange(HttpHandler handler, HttpRefusal refusal)
    : impl_(std::make_unique<Impl>(std::move(handler), std::move(refusal))) {}
HttpExchange::~HttpExchange() = default;

HttpExchange::Outcome HttpExchange::run(const std::string& request, int peer_pid, Deadline deadline) const {
  return impl_->run(request, peer_pid, deadline);
}

std::string plain_reply(int status, const std::string& body) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nConnection: close\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", status,
      status < 400 ? "OK" : "Refused", kPluginMediaType, body.size(), body);
}

}  // namespace viaduct::server
