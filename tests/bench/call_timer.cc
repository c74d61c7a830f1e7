// Times plugin calls, bare flushes and bare kernel work with as little of its own as it can: raw sockets, one
// thread a caller, no library. Built by tools/bench.
//
// usage: call_timer --rounds N | --seconds S [--callers N] --socket PATH --folder FOLDER <SCRIPT
//
// The script has the sections [setup], [round], [undo], [end]; a line is LABEL VERB [BODY]. A verb is a
// plugin method or one of !flush !veth !raise !unveth !unveths (all) !bridge !unbridge !gone (waits until viaductd has no
// pair left); the bare links are for one caller. [round] is repeated by every caller on a connection of its own; each
// [undo] is then repeated by every caller for the rounds that it made (only with --rounds). In bodies
// $POOL $SUBNET $GATEWAY $NETWORK stand for what [setup] got, $ADDRESS $CIDR $MAC $ENDPOINT for what belongs
// to the round.
//
// Prints "LABEL NANOSECONDS" for each step whose label is not "-", in order, then "elapsed NANOSECONDS" of
// all rounds, and "undone NANOSECONDS" of each [undo]. The first step that fails ends the program with status 1.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <barrier>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bare_links.h"

namespace {

using bench::die;
using bench::die_errno;
using bench::Links;
using Clock = std::chrono::steady_clock;

constexpr size_t kBlock = 4096;
constexpr timeval kPatience{20, 0};  // longer than viaductd's own deadline for a call

struct Step {
  std::string label;
  std::string verb;
  std::string body;
};

struct Script {
  std::vector<Step> setup;
  std::vector<Step> round;
  std::vector<std::vector<Step>> undo;
  std::vector<Step> end;
};

struct Sample {
  const std::string* label;
  int64_t nanoseconds;
};

// What [setup] learnt; the rounds only read it.
struct Shared {
  std::string pool, subnet, gateway, network;
};

struct Round {
  std::string address, mac, endpoint;
  uint32_t number = 0;  // of all callers' rounds, for names of links
};

struct Options {
  int rounds = 0;
  double seconds = 0;
  int callers = 1;
  std::string socket, folder;
};

// 64 digits as the engine's ids have. The significant ones first: links are named after an id's head.
std::string hex_id(uint32_t caller, uint32_t round) {
  std::array<char, 72> text{};
  std::snprintf(text.data(), text.size(), "%02x%06x%08x%048x", caller & 0xff, round & 0xffffff,
                static_cast<unsigned>(getpid()), 0U);
  return text.data();
}

std::string mac_of(uint32_t caller, uint32_t round) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "02:%02x:%02x:%02x:%02x:%02x", caller & 0xff, (round >> 24) & 0xff,
                (round >> 16) & 0xff, (round >> 8) & 0xff, round & 0xff);
  return text.data();
}

void replace_all(std::string& text, std::string_view name, std::string_view value) {
  for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size()))
    text.replace(at, name.size(), value);
}

std::string fill(std::string body, const Shared& shared, const Round& round) {
  if (body.find('$') == std::string::npos) return body;
  replace_all(body, "$POOL", shared.pool);
  replace_all(body, "$SUBNET", shared.subnet);
  replace_all(body, "$GATEWAY", shared.gateway);
  replace_all(body, "$NETWORK", shared.network);
  replace_all(body, "$ADDRESS", round.address.substr(0, round.address.find('/')));
  replace_all(body, "$CIDR", round.address);
  replace_all(body, "$MAC", round.mac);
  replace_all(body, "$ENDPOINT", round.endpoint);
  return body;
}

std::string text_member(const std::string& json, const std::string& name) {
  const std::string head = "\"" + name + "\":\"";
  const size_t at = json.find(head);
  if (at == std::string::npos) die("no " + name + " in the reply " + json);
  const size_t start = at + head.size();
  return json.substr(start, json.find('"', start) - start);
}

// One kept-alive connection.
class Plugin {
 public:
  explicit Plugin(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    if (path.size() >= sizeof(where.sun_path)) die("the socket's path is too long");
    std::memcpy(where.sun_path, path.c_str(), path.size() + 1);
    if (fd_ < 0 || ::connect(fd_, reinterpret_cast<const sockaddr*>(&where), sizeof(where)) != 0)
      die_errno("connect to " + path);
    if (::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience)) != 0)
      die_errno("SO_RCVTIMEO");
  }
  ~Plugin() { ::close(fd_); }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  static std::string request(const std::string& method, const std::string& body) {
    return "POST /" + method +
           " HTTP/1.1\r\nHost: plugin\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\nAccept: application/vnd.docker.plugins.v1.2+json\r\n\r\n" +
           body;
  }

  // The body of the reply to these bytes. Checked by the caller, outside the time that is measured.
  std::string exchange(const std::string& bytes) {
    if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
      die_errno("send");
    std::string got;
    size_t head = std::string::npos;
    while ((head = got.find("\r\n\r\n")) == std::string::npos) more(got);
    const size_t field = got.find("Content-Length: ");
    if (field > head) die("a reply without Content-Length: " + got);
    const size_t length = std::strtoul(got.c_str() + field + 16, nullptr, 10);
    while (got.size() < head + 4 + length) more(got);
    if (got.compare(0, 12, "HTTP/1.1 200") != 0) die("the reply " + got);
    return got.substr(head + 4);
  }

 private:
  void more(std::string& got) {
    std::array<char, 16384> buffer;
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (count <= 0) die_errno(count == 0 ? "closed by the daemon" : "recv");
    got.append(buffer.data(), static_cast<size_t>(count));
  }
  int fd_;
};

// Overwrites one block of a file of its own and flushes it: what a durable answer costs at least.
class Disk {
 public:
  explicit Disk(const std::string& path) : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (fd_ < 0) die_errno("open " + path);
    flush();
    if (::fsync(fd_) != 0) die_errno("fsync");
  }
  ~Disk() { ::close(fd_); }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  void flush() {
    ++block_[0];
    if (::pwrite(fd_, block_.data(), block_.size(), 0) != static_cast<ssize_t>(kBlock)) die_errno("pwrite");
    if (::fdatasync(fd_) != 0) die_errno("fdatasync");
  }

 private:
  int fd_;
  std::array<unsigned char, kBlock> block_{};
};

// What one thread needs for its steps.
struct Caller {
  Caller(const Options& options, uint32_t caller)
      : number(caller), plugin(options.socket), disk(options.folder + "/flush." + std::to_string(caller)) {}

  Round round(uint32_t index) const { return {{}, mac_of(number, index), hex_id(number, index), index}; }

  uint32_t number;
  Plugin plugin;
  Disk disk;
  std::vector<Sample> samples;
  std::vector<Round> made;
};

// Pairs are named "ve…" and "vc…".
void wait_until_gone() {
  for (const auto end = Clock::now() + std::chrono::seconds(60); Clock::now() < end;) {
    std::ifstream links("/proc/thread-self/net/dev");
    bool left = false;
    for (std::string line; !left && std::getline(links, line);) {
      const size_t name = line.find_first_not_of(' ');
      left =
          name != std::string::npos && (line.compare(name, 2, "ve") == 0 || line.compare(name, 2, "vc") == 0);
    }
    if (!left) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  die("links of endpoints are left after a minute");
}

bool bare_work(const std::string& verb, Caller& caller, Links& links, const Round& round) {
  if (verb == "!flush")
    caller.disk.flush();
  else if (verb == "!veth")
    links.make_veth(round.number);
  else if (verb == "!raise")
    links.raise_veth(round.number);
  else if (verb == "!unveth")
    links.remove_veth(round.number);
  else if (verb == "!unveths")
    links.remove_veths();
  else if (verb == "!gone")
    wait_until_gone();
  else if (verb == "!bridge")
    links.make_bridge();
  else if (verb == "!unbridge")
    links.remove_bridge();
  else
    return false;
  return true;
}

void learn(const Step& step, const std::string& reply, Shared* shared, Round& round) {
  if (reply.find("\"Err\"") != std::string::npos) die(step.verb + ": " + reply);
  if (step.verb == "IpamDriver.RequestAddress")
    (shared != nullptr ? shared->gateway : round.address) = text_member(reply, "Address");
  if (shared != nullptr && step.verb == "IpamDriver.RequestPool") {
    shared->pool = text_member(reply, "PoolID");
    shared->subnet = text_member(reply, "Pool");
  }
}

// `learns` is `shared` in [setup], else null.
void run(const Step& step, Caller& caller, Links& links, const Shared& shared, Shared* learns, Round& round) {
  const bool bare = step.verb[0] == '!';
  const std::string bytes = bare ? "" : Plugin::request(step.verb, fill(step.body, shared, round));
  std::string reply;
  const auto started = Clock::now();
  if (!bare)
    reply = caller.plugin.exchange(bytes);
  else if (!bare_work(step.verb, caller, links, round))
    die("no verb " + step.verb);
  const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - started);
  if (!bare) learn(step, reply, learns, round);
  if (step.label != "-") caller.samples.push_back({&step.label, took.count()});
}

Script read_script(std::istream& in) {
  Script script;
  std::vector<Step>* section = nullptr;
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    if (line == "[setup]")
      section = &script.setup;
    else if (line == "[round]")
      section = &script.round;
    else if (line == "[undo]")
      section = &script.undo.emplace_back();
    else if (line == "[end]")
      section = &script.end;
    else {
      const size_t verb = line.find(' ') + 1;
      const size_t body = line.find(' ', verb);
      if (section == nullptr || verb == 0) die("bad line: " + line);
      section->push_back({line.substr(0, verb - 1), line.substr(verb, body - verb),
                          body == std::string::npos ? "" : line.substr(body + 1)});
    }
  }
  if (script.round.empty()) die("the script has no [round]");
  return script;
}

Options read_options(int count, char** words) {
  Options options;
  for (int at = 1; at + 1 < count; at += 2) {
    const std::string_view name = words[at];
    const char* value = words[at + 1];
    if (name == "--rounds")
      options.rounds = std::atoi(value);
    else if (name == "--seconds")
      options.seconds = std::atof(value);
    else if (name == "--callers")
      options.callers = std::atoi(value);
    else if (name == "--socket")
      options.socket = value;
    else if (name == "--folder")
      options.folder = value;
    else
      die("unknown option " + std::string(name));
  }
  if (options.rounds <= 0 && options.seconds <= 0) die("give --rounds or --seconds");
  if (options.callers < 1 || options.callers > 256) die("--callers is 1 to 256");
  return options;
}

// All callers start together; each goes on until it has made its rounds or the time is over.
void run_rounds(const Script& script, const Options& options, const Shared& shared, Links& links,
                std::vector<std::unique_ptr<Caller>>& callers) {
  std::barrier together(options.callers);
  const auto body = [&](Caller& caller) {
    together.arrive_and_wait();
    const auto end = Clock::now() + std::chrono::duration<double>(options.seconds);
    for (uint32_t index = 0;
         options.rounds > 0 ? index < static_cast<uint32_t>(options.rounds) : Clock::now() < end; ++index) {
      Round round = caller.round(index);
      for (const Step& step : script.round) run(step, caller, links, shared, nullptr, round);
      if (!script.undo.empty()) caller.made.push_back(std::move(round));
    }
  };
  std::vector<std::jthread> threads;
  for (auto& caller : callers) threads.emplace_back([&body, &caller] { body(*caller); });
}

void undo_rounds(const std::vector<Step>& steps, const Shared& shared, Links& links,
                 std::vector<std::unique_ptr<Caller>>& callers) {
  std::vector<std::jthread> threads;
  for (auto& caller : callers)
    threads.emplace_back([&steps, &shared, &links, &caller] {
      for (Round& round : caller->made)
        for (const Step& step : steps) run(step, *caller, links, shared, nullptr, round);
    });
}

int64_t since(Clock::time_point started) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - started).count();
}

}  // namespace

int main(int count, char** words) {
  const Options options = read_options(count, words);
  const Script script = read_script(std::cin);
  if (!script.undo.empty() && options.rounds <= 0) die("[undo] needs --rounds");
  Links links;
  Shared shared;
  Round nobody;
  shared.network = hex_id(0xff, 0xffffff);
  std::vector<std::unique_ptr<Caller>> callers;
  for (int at = 0; at < options.callers; ++at)
    callers.push_back(std::make_unique<Caller>(options, static_cast<uint32_t>(at)));
  for (const Step& step : script.setup) run(step, *callers.front(), links, shared, &shared, nobody);

  auto started = Clock::now();
  run_rounds(script, options, shared, links, callers);
  const int64_t elapsed = since(started);
  std::vector<int64_t> undone;
  for (const auto& steps : script.undo) {
    started = Clock::now();
    undo_rounds(steps, shared, links, callers);
    undone.push_back(since(started));
  }
  for (const Step& step : script.end) run(step, *callers.front(), links, shared, nullptr, nobody);

  for (const auto& caller : callers)
    for (const Sample& sample : caller->samples)
      std::printf("%s %lld\n", sample.label->c_str(), static_cast<long long>(sample.nanoseconds));
  std::printf("elapsed %lld\n", static_cast<long long>(elapsed));
  for (const int64_t time : undone) std::printf("undone %lld\n", static_cast<long long>(time));
  return 0;
}
