#include "tools/ctl/command_doctor.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/ctl/fields.h"
#include "tools/ctl/text.h"

namespace viaduct::ctl {

Answer doctor_answer(const Arguments& arguments, const HostFacts& facts, size_t width) {
  const auto advices = examine(facts);
  Answer answer;
  const bool amiss = std::any_of(advices.begin(), advices.end(),
                                 [](const Advice& one) { return one.level >= Level::kWarning; });
  answer.exit_code = amiss ? kExitTrouble : kExitWell;
  if (arguments.output == Output::kJson) {
    Json list = Json::array();
    for (const Advice& one : advices)
      list.push_back({{"level", name_of(one.level)}, {"text", one.text}, {"remedy", one.remedy}});
    answer.text = pretty({{"advice", list}});
    return answer;
  }
  for (const Advice& one : advices) {
    answer.text += wrapped(fmt::format("{}: {}", name_of(one.level), one.text), 0, width);
    if (!one.remedy.empty()) answer.text += wrapped(one.remedy, 4, width);
  }
  return answer;
}

}  // namespace viaduct::ctl
