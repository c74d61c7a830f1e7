#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "tools/ctl/fields.h"
#include "tools/ctl/view.h"

namespace viaduct::ctl {

namespace {

constexpr size_t kIndent = 2;

using Sentences = std::vector<std::string>;

bool has(const Json& story, const char* flag) {
  return flag_field(story, flag) == Flag::kOn;
}

// "an endpoint (MAC 02:42:0a:80:00:02, name web)"
std::string holder(const Json& story) {
  const std::string owner = text_field(story, "class");
  std::string out = owner == "gateway"     ? "a network's gateway"
                    : owner == "auxiliary" ? "a network's auxiliary address"
                    : owner == "swarm"     ? "Swarm"
                                           : "an endpoint";
  const std::string mac = text_field(story, "mac");
  const std::string name = text_field(story, "name");
  if (mac.empty() && name.empty()) return out;
  out += mac.empty() ? " (" : " (MAC " + mac;
  if (!name.empty()) out += (mac.empty() ? "name " : ", name ") + name;
  return out + ")";
}

// The command that frees it, if it may be freed.
std::string release_command(const Json& story) {
  const std::string space = text_field(story, "space");
  return fmt::format("viaductctl address release {}{}", text_field(story, "address"),
                     space == "local" ? "" : " --space " + space);
}

void explain_held(const Json& story, Sentences& out) {
  out.push_back(fmt::format("Held for {} since {}.", holder(story), text_field(story, "since")));
  const std::string owner = text_field(story, "class");
  const std::string bound_to = text_field(story, "bound_to");
  if (!bound_to.empty())
    out.push_back(fmt::format("In use by {}, and held until that is gone.", bound_to));
  else if (has(story, "orphan"))
    out.push_back(
        fmt::format("An orphan, unless its container is being started just now: the network of viaduct on "
                    "this subnet has no such "
                    "endpoint. It is given back by itself once a new engine has started and asked for other "
                    "things; \"{}\" does it "
                    "now.",
                    release_command(story)));
  else if (owner == "endpoint" || owner.empty())
    out.push_back(
        "Held until the engine releases it. viaduct sees no endpoint with it: it belongs to a network of "
        "another "
        "driver, host or address space.");
  else if (owner == "swarm")
    out.push_back("Held until Swarm releases it.");
  else
    out.push_back("Held until its network is removed.");
}

void explain_resting(const Json& story, Sentences& out) {
  out.push_back(fmt::format("Released {} ago, and not given to anybody since; before, it was held for {}.",
                            duration(count_field(story, "rests_for")), holder(story)));
  const uint64_t quarantine = count_field(story, "quarantine_left");
  const uint64_t retention = count_field(story, "retention_left");
  if (quarantine > 0)
    out.push_back(
        fmt::format("In quarantine for another {}: only its former owner gets it, unless no other is left.",
                    duration(quarantine)));
  if (retention > 0)
    out.push_back(
        fmt::format("Kept for its former owner for another {}, while others are free.", duration(retention)));
  if (quarantine == 0 && retention == 0) out.push_back("Anybody may get it now.");
}

// Where a foreign host answered.
void explain_answer(const Json& story, Sentences& out) {
  const std::string mac = text_field(story, "answered_by");
  if (mac.empty()) return;
  out.push_back(fmt::format("Answered by a foreign host with MAC {} at {}; set aside until {}.", mac,
                            text_field(story, "answered_at"), text_field(story, "set_aside_until")));
  if (text_field(story, "class") == "gateway" && text_field(story, "state") == "held")
    out.push_back("That may well be the router of the subnet.");
  else if (text_field(story, "state") == "held")
    out.push_back("Two hosts have it: take one of them off the subnet.");
  else
    out.push_back(
        fmt::format("Only a request that names it gets it until then; \"{}\" ends that, and it is looked for "
                    "again before it is given.",
                    release_command(story)));
}

void explain_free(const Json& story, Sentences& out) {
  if (text_field(story, "pool_id").empty())
    out.push_back("No pool of this space has it now.");
  else if (!has(story, "usable"))
    out.push_back("Never given: it is the network, broadcast or anycast address of its subnet.");
  else if (has(story, "excluded"))
    out.push_back("Free, and excluded: only a request that names it gets it.");
  else if (has(story, "outside_range"))
    out.push_back(
        "Free, and outside of the range of automatic addresses: only a request that names it gets it.");
  else if (text_field(story, "answered_by").empty())
    out.push_back("Free.");
}

Sentences explain(const Json& story) {
  Sentences out;
  const std::string state = text_field(story, "state");
  if (state == "held")
    explain_held(story, out);
  else if (state == "resting")
    explain_resting(story, out);
  else
    explain_free(story, out);
  explain_answer(story, out);
  if (const std::string owner = text_field(story, "reserved_for"); !owner.empty()) {
    const std::string note = text_field(story, "note");
    out.push_back(fmt::format("Reserved for {}{}.", owner, note.empty() ? "" : ": " + note));
  }
  return out;
}

std::string place(const Json& story) {
  const std::string pool = text_field(story, "pool_id");
  return pool.empty() ? "space " + text_field(story, "space") : "pool " + pool;
}

}  // namespace

std::string address_story_view(const Json& answer, size_t width) {
  const std::string address = ascii(text_field(answer, "address"));
  const Json& stories = list_field(answer, "stories");
  if (stories.empty()) return address + ": no pool and no reservation has it; viaduct gives it to nobody.\n";
  std::string out;
  for (const auto& story : stories) {
    out += fmt::format("{}{} in {}\n", out.empty() ? "" : "\n", address, ascii(place(story)));
    for (const auto& sentence : explain(story)) out += wrapped(ascii(sentence), kIndent, width);
  }
  return out;
}

}  // namespace viaduct::ctl
