#include "server/http_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <thread>

#include "server/listener.h"

namespace viaduct::server {
namespace {

using namespace std::chrono_literals;

// A gate that handlers wait at, so that a test decides when they end.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool await_waiters(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 5s, [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

class Client {
 public:
  explicit Client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    connected_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const timeval limit{5, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  [[nodiscard]] bool connected() const { return connected_; }
  void send(const std::string& bytes) const {
    (void)::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  // One reply: header and the body that its Content-Length names. Empty when the connection ends first.
  std::string receive() {
    for (;;) {
      const size_t end = input_.find("\r\n\r\n");
      const size_t length_at = input_.find("Content-Length: ");
      if (end != std::string::npos && length_at != std::string::npos) {
        const size_t total = end + 4 + std::stoul(input_.substr(length_at + 16, 20));
        if (input_.size() >= total) {
          std::string reply = input_.substr(0, total);
          input_.erase(0, total);
          return reply;
        }
      }
      char buffer[16384];
      const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (got <= 0) return "";
      input_.append(buffer, static_cast<size_t>(got));
    }
  }

 private:
  UniqueFd fd_;
  bool connected_ = false;
  std::string input_;
};

std::string post(const std::string& path, const std::string& body = "") {
  return "POST " + path + " HTTP/1.1\r\nHost: \r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "viaduct-http-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ + "/s";
  }
  ~HttpServerTest() override {
    gate_.open();
    server_.reset();
    listeners_.clear();
    std::filesystem::remove_all(folder_);
  }

  void serve(HttpLimits limits = {}) {
    server_ = std::make_unique<HttpServer>(
        [this](const HttpRequest& request, Deadline) {
          if (request.path == "/wait") gate_.wait();
          if (request.is_nameless) ++nameless_;
          ++handled_;
          return HttpReply{200, request.path + ":" + request.body};
        },
        [this](int status, const std::string& sentence) {
          const std::scoped_lock lock(refused_mutex_);
          refused_.push_back(status);
          return "{\"Err\":\"" + sentence + "\"}";
        },
        limits);
    auto opened = open_listeners("unix://" + path_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    listeners_ = std::move(opened).value();
    server_->add_listener(std::move(listeners_[0].fd));
    ASSERT_TRUE(server_->start().ok());
  }

  std::vector<int> refused() {
    const std::scoped_lock lock(refused_mutex_);
    return refused_;
  }

  std::string folder_;
  std::string path_;
  std::mutex refused_mutex_;
  std::vector<int> refused_;
  Gate gate_;
  std::atomic<int> handled_{0};
  std::atomic<int> nameless_{0};  // of these
  std::unique_ptr<HttpServer> server_;
  std::vector<Listener> listeners_;
};

bool ends_with(const std::string& text, const std::string& tail) {
  return text.size() >= tail.size() && text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}

// What is said of each is what a log can say of it, so nobody may be left out and nothing said twice.
TEST_F(HttpServerTest, EveryReplyThatNoHandlerMade_IsHeardOfOnce) {
  serve();
  EXPECT_TRUE(refused().empty()) << "heard of before there was a request";
  for (const std::string& request :
       {std::string("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),          // no length
        std::string("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n"),  // too long
        std::string("FOO /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")}) {    // the library's
    Client client(path_);
    client.send(request);
    EXPECT_NE(client.receive(), "") << request;
  }
  EXPECT_EQ(refused(), (std::vector<int>{411, 413, 400}));
  EXPECT_EQ(handled_, 0);
}

// By which engine 20.10 is known (trap T1).
TEST_F(HttpServerTest, EmptyHostHeader_IsToldFromANameAndFromNone) {
  serve();
  Client client(path_);
  for (const char* head : {"Host: plugin.moby.localhost\r\n", "Host:  x\r\n"}) {
    client.send("POST /a HTTP/1.1\r\n" + std::string(head) + "Content-Length: 2\r\n\r\n{}");
    EXPECT_NE(client.receive(), "");
  }
  EXPECT_EQ(nameless_, 0);
  for (const char* head : {"Host: \r\n", "Host:\r\n"}) {
    client.send("POST /a HTTP/1.1\r\n" + std::string(head) + "Content-Length: 2\r\n\r\n{}");
    EXPECT_NE(client.receive(), "");
  }
  EXPECT_EQ(nameless_, 2);
}

TEST_F(HttpServerTest, ManyRequestsOnOneConnection_AreAnsweredInOrderAndItStaysOpen) {
  serve();
  Client client(path_);
  for (int i = 0; i < 50; ++i) {
    client.send(post("/a", std::to_string(i)));
    const std::string reply = client.receive();
    EXPECT_TRUE(ends_with(reply, "/a:" + std::to_string(i))) << reply;
    EXPECT_EQ(reply.find("Connection: close"), std::string::npos) << reply;
    EXPECT_EQ(reply.find("Transfer-Encoding"), std::string::npos) << reply;
  }
}

TEST_F(HttpServerTest, TwoRequestsInOnePacket_AreBothAnswered) {
  serve();
  Client client(path_);
  client.send(post("/a", "1") + post("/b", "2"));
  EXPECT_TRUE(ends_with(client.receive(), "/a:1"));
  EXPECT_TRUE(ends_with(client.receive(), "/b:2"));
}

TEST_F(HttpServerTest, OneByteAtATime_IsReadWhole) {
  serve();
  Client client(path_);
  for (const char byte : post("/slow", "body")) client.send(std::string(1, byte));
  EXPECT_TRUE(ends_with(client.receive(), "/slow:body"));
}

TEST_F(HttpServerTest, OneThousandIdleConnections_DoNotKeepAnotherWaiting) {
  serve();
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.push_back(std::make_unique<Client>(path_));
    ASSERT_TRUE(idle.back()->connected()) << i;
  }
  Client client(path_);
  client.send(post("/a", "x"));
  EXPECT_TRUE(ends_with(client.receive(), "/a:x"));
}

TEST_F(HttpServerTest, MoreConnectionsThanTheLimit_TheOldestIdleOneMakesRoom) {
  HttpLimits limits;
  limits.connections = 8;
  serve(limits);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(path_));
    clients.back()->send(post("/a", "x"));
    EXPECT_TRUE(ends_with(clients.back()->receive(), "/a:x")) << i;
  }
}

TEST_F(HttpServerTest, SixtyFourCallsAtOnce_RunSideBySide) {
  serve();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 64; ++i) {
    clients.push_back(std::make_unique<Client>(path_));
    clients.back()->send(post("/wait"));
  }
  EXPECT_TRUE(gate_.await_waiters(64));
  gate_.open();
  for (auto& client : clients) EXPECT_TRUE(ends_with(client->receive(), "/wait:"));
}

TEST_F(HttpServerTest, HandlerThatDoesNotEnd_IsAnsweredForAtTheDeadline) {  // Scenario 16
  HttpLimits limits;
  limits.call = 100ms;
  limits.grace = 100ms;
  serve(limits);
  Client stuck(path_);
  stuck.send(post("/wait"));
  const std::string reply = stuck.receive();
  EXPECT_NE(reply.find("HTTP/1.1 200"), std::string::npos) << reply;
  EXPECT_NE(reply.find("\"Err\""), std::string::npos) << reply;
  EXPECT_NE(reply.find("Connection: close"), std::string::npos) << reply;
  Client other(path_);
  other.send(post("/a", "x"));
  EXPECT_TRUE(ends_with(other.receive(), "/a:x"));
}

TEST_F(HttpServerTest, LateStatus_IsTheOneThatTheLimitsName) {
  HttpLimits limits;
  limits.call = 100ms;
  limits.grace = 100ms;
  limits.late_status = 503;
  serve(limits);
  Client stuck(path_);
  stuck.send(post("/wait"));
  EXPECT_NE(stuck.receive().find("HTTP/1.1 503"), std::string::npos);
}

TEST_F(HttpServerTest, RequestThatStopsHalfWay_IsRefusedInTime) {
  HttpLimits limits;
  limits.transfer = 150ms;
  serve(limits);
  Client client(path_);
  client.send("POST /a HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_NE(client.receive().find("HTTP/1.1 408"), std::string::npos);
  EXPECT_EQ(handled_, 0);
}

TEST_F(HttpServerTest, ClientThatLeavesBeforeItsReply_HarmsNobody) {
  serve();
  {
    Client gone(path_);
    gone.send(post("/wait"));
    EXPECT_TRUE(gate_.await_waiters(1));
  }
  gate_.open();
  Client client(path_);
  client.send(post("/a", "x"));
  EXPECT_TRUE(ends_with(client.receive(), "/a:x"));
}

TEST_F(HttpServerTest, NextRequestSentDuringACall_IsAnsweredAfterIt) {
  serve();
  Client client(path_);
  client.send(post("/wait"));
  ASSERT_TRUE(gate_.await_waiters(1));
  client.send(post("/a", "next"));
  gate_.open();
  EXPECT_TRUE(ends_with(client.receive(), "/wait:"));
  EXPECT_TRUE(ends_with(client.receive(), "/a:next"));
}

TEST_F(HttpServerTest, ReplyThatNeedsManyWrites_ArrivesWholeAndTheConnectionGoesOn) {
  serve();
  Client client(path_);
  const std::string body(300'000, 'x');
  for (int i = 0; i < 3; ++i) {
    client.send(post("/a", body));  // nothing is read meanwhile, so that the socket's buffer fills
    EXPECT_TRUE(ends_with(client.receive(), "/a:" + body)) << i;
  }
  client.send(post("/a", "y"));
  EXPECT_TRUE(ends_with(client.receive(), "/a:y"));
}

TEST_F(HttpServerTest, Stop_WhileManyCall_CutsNoReplyAndEndsAll) {
  serve();
  std::atomic<int> replies{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i)
    callers.emplace_back([this, &replies] {
      Client client(path_);
      for (bool open = true; open;) {
        client.send(post("/a", "x"));
        const std::string reply = client.receive();
        open = !reply.empty();
        EXPECT_TRUE(!open || ends_with(reply, "/a:x")) << reply;
        if (open) ++replies;
        if (reply.find("Connection: close") != std::string::npos) {
          EXPECT_EQ(client.receive(), "");
        }
      }
    });
  while (replies < 200) std::this_thread::yield();
  EXPECT_TRUE(server_->stop(5s));
  server_.reset();
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(replies, handled_) << "a call was handled and its reply lost";
}

TEST_F(HttpServerTest, Stop_AnswersWhatIsInFlightAndTakesNothingNew) {
  serve();
  Client client(path_);
  client.send(post("/wait"));
  ASSERT_TRUE(gate_.await_waiters(1));
  std::atomic<bool> answered_all{false};
  std::thread stopper([&] { answered_all = server_->stop(5s); });
  gate_.open();
  EXPECT_TRUE(ends_with(client.receive(), "/wait:"));
  stopper.join();
  EXPECT_TRUE(answered_all);
}

TEST_F(HttpServerTest, Stop_AnswersWhoDialledBeforeItAndSaysThatItCloses) {
  serve();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 32; ++i) {
    clients.push_back(std::make_unique<Client>(path_));
    clients.back()->send(post("/a", std::to_string(i)));
  }
  EXPECT_TRUE(server_->stop(5s));
  for (size_t i = 0; i < clients.size(); ++i)
    EXPECT_TRUE(ends_with(clients[i]->receive(), "/a:" + std::to_string(i))) << i;
}

TEST_F(HttpServerTest, Stop_DoesNotWaitForIdleConnections) {
  serve();
  const Client idle(path_);
  const auto started = std::chrono::steady_clock::now();
  EXPECT_TRUE(server_->stop(5s));
  EXPECT_LT(std::chrono::steady_clock::now() - started, 2s);
}

TEST_F(HttpServerTest, LiveSocket_IsRefusedAndStaleOneReplaced) {
  serve();
  const auto second = open_listeners("unix://" + path_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kBusy);
  EXPECT_NE(second.error().message.find(path_), std::string::npos);

  const std::string stale = folder_ + "/stale";
  const UniqueFd dead{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, stale.data(), stale.size());
  ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const auto replaced = open_listeners("unix://" + stale);
  EXPECT_TRUE(replaced.ok());
  EXPECT_EQ(std::filesystem::status(stale).permissions(), std::filesystem::perms(0600));
}

}  // namespace
}  // namespace viaduct::server
