#include "server/refusal_log.h"

namespace viaduct::server {

namespace {

constexpr std::chrono::seconds kPause{1};

}  // namespace

void RefusalLog::note(int status, const std::string& sentence, Time now) {
  std::vector<LogField> fields = {{"status", std::to_string(status)}, {"socket", socket_}};
  if (status >= 400) {
    const std::scoped_lock lock(mutex_);
    if (now < quiet_until_) {
      ++left_out_;
      return;
    }
    quiet_until_ = now + kPause;
    if (left_out_ > 0) fields.push_back({"left_out", std::to_string(left_out_)});
    left_out_ = 0;
  }
  fields.push_back({"error", sentence});
  log_.log(LogLevel::kWarning, status >= 400 ? "request refused" : "call not answered in time", fields);
}

}  // namespace viaduct::server
