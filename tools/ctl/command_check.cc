#include "tools/ctl/command_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/ctl/fields.h"
#include "tools/ctl/text.h"

namespace viaduct::ctl {

namespace {

bool same(const Json& a, const Json& b) {
  return text_field(a, "subject") == text_field(b, "subject") &&
         text_field(a, "text") == text_field(b, "text");
}

bool is_among(const Json& finding, const Json& list) {
  return std::any_of(list.begin(), list.end(), [&](const Json& one) { return same(one, finding); });
}

std::string sentence(const Json& finding) {
  return fmt::format("{}: {}", ascii(text_field(finding, "subject")), ascii(text_field(finding, "text")));
}

std::string left_as_text(const Json& findings) {
  std::string text;
  for (const auto& finding : findings)
    text += fmt::format("{}\n    {}\n", sentence(finding), ascii(text_field(finding, "remedy")));
  return text;
}

std::string count_of(size_t number) {
  return number == 1 ? "1 difference" : fmt::format("{} differences", number);
}

}  // namespace

Result<Answer> check_state(const Arguments& arguments, const Daemon& daemon) {
  Json before = list_field(TRY(daemon.get("/v1/check")), "findings");
  Json mended = Json::array();
  Json left = before;
  if (arguments.repair && !before.empty()) {
    TRY(daemon.post("/v1/check/repair", "{}"));
    left = list_field(TRY(daemon.get("/v1/check")), "findings");
    for (const auto& finding : before)
      if (!is_among(finding, left)) mended.push_back(finding);
  }
  Answer answer;
  answer.exit_code = left.empty() ? kExitWell : kExitTrouble;
  if (arguments.output == Output::kJson) {
    answer.text = pretty({{"findings", left}, {"repaired", mended}});
    return answer;
  }
  for (const auto& finding : mended) answer.text += fmt::format("{}\n    repaired\n", sentence(finding));
  answer.text += left_as_text(left);
  if (before.empty()) answer.text = "state, kernel and rules agree\n";
  if (!left.empty() && !arguments.repair)
    answer.text +=
        fmt::format("{}; viaductctl fsck --repair mends what can be mended\n", count_of(left.size()));
  return answer;
}

}  // namespace viaduct::ctl
