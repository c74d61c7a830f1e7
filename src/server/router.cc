#include "server/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "base/clip.h"
#include "server/methods_ipam.h"
#include "server/methods_network.h"
#include "server/wire.h"

namespace viaduct::server {

namespace {

// Members of a body that tell an operator which object a call was about.
struct LoggedMember {
  const char* member;
  const char* field;
};
constexpr size_t kLongestMember = 128;
constexpr LoggedMember kLogged[] = {{"NetworkID", "network"}, {"EndpointID", "endpoint"}, {"PoolID", "pool"},
                                    {"Address", "address"},   {"AddressSpace", "space"},  {"Pool", "subnet"},
                                    {"SubPool", "range"},     {"SandboxKey", "sandbox"}};

void add_members(std::vector<LogField>& fields, const Json& body) {
  for (const auto& [member, field] : kLogged) {
    const auto found = body.find(member);
    if (found != body.end() && found->is_string() && !found->get_ref<const std::string&>().empty())
      fields.push_back({field, clipped(found->get_ref<const std::string&>(), kLongestMember)});
  }
}

// What was chosen: the request says it only for explicit ones.
void add_answer(std::vector<LogField>& fields, const Json& reply) {
  if (const auto address = reply.find("Address"); address != reply.end() && address->is_string())
    fields.push_back({"got", address->get<std::string>()});
  else if (const auto pool = reply.find("PoolID"); pool != reply.end() && pool->is_string())
    fields.push_back({"got", pool->get<std::string>()});
}

Services with_other_scope(Services services) {
  services.scope = services.scope == "local" ? "global" : "local";
  services.registration = Services::Registration::kOfASecondName;
  return services;
}

}  // namespace

Router::Router(Services services, Logger& log)
    : services_(std::move(services)), of_other_scope_(with_other_scope(services_)), log_(log) {
  for (const auto& method : network_methods()) methods_.emplace(method.path, method);
  for (const auto& method : ipam_methods()) methods_.emplace(method.path, method);
}

HttpReply Router::handle(const HttpRequest& request, Deadline deadline, Name name) {
  const auto method = methods_.find(request.path);
  // 404 tells newer engines that an optional method is not offered (moby: pkg/plugins, IsNotFound).
  if (method == methods_.end())
    return refuse(404, fmt::format("viaduct has no method \"{}\"", clipped(request.path, 100)));
  if (request.method != "POST")
    return refuse(405, fmt::format("{} is called with POST, not {}", request.path, request.method));

  const auto started = std::chrono::steady_clock::now();
  Json body = Json::object();
  const Result<Json> outcome = run(method->second, request, deadline, name, body);
  note(request, body, outcome,
       std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started));
  if (method->second.answers == Method::Answers::kApart && request.is_nameless && outcome.ok())
    std::this_thread::sleep_until(
        pacer_.turn(body.at("NetworkID").get<std::string>(), std::chrono::steady_clock::now()));
  return {200, outcome.ok() ? dump_json(outcome.value()) : error_body(outcome.error().message)};
}

HttpReply Router::refuse(int status, const std::string& sentence) {
  log_.log(LogLevel::kWarning, "request refused", {{"status", std::to_string(status)}, {"error", sentence}});
  return {status, error_body(sentence)};
}

Result<Json> Router::run(const Method& method, const HttpRequest& request, Deadline deadline, Name name,
                         Json& body) const {
  // A retry of the engine carries an empty body (trap T3): an error, never {} with default ids.
  if (method.body == Method::Body::kObject) body = TRY(parse_json_object(request.body));
  return method.run(name == Name::kFirst ? services_ : of_other_scope_,
                    Call{body, request.peer_pid, deadline});
}

void Router::note(const HttpRequest& request, const Json& body, const Result<Json>& outcome,
                  std::chrono::microseconds took) {
  const std::string call = request.path.substr(1);
  // First what the log is read for: a line has a bound, and what follows comes from the client.
  std::vector<LogField> fields = {
      {"us", std::to_string(took.count())},
      {"outcome", std::string(outcome.ok() ? "ok" : to_string(outcome.error().code))},
  };
  add_members(fields, body);
  if (outcome.ok()) add_answer(fields, outcome.value());
  if (!outcome.ok()) fields.push_back({"error", clipped(outcome.error().message, kLongestSentence)});
  log_.log(outcome.ok() ? LogLevel::kInfo : LogLevel::kWarning, call, fields);

  auto counts = counts_.lock();
  CallCount& count = (*counts)[call];
  ++count.calls;
  if (!outcome.ok()) ++count.failures;
  count.slowest_us = std::max(count.slowest_us, static_cast<uint64_t>(took.count()));
}

std::map<std::string, CallCount> Router::counts() {
  return *counts_.lock();
}

}  // namespace viaduct::server
