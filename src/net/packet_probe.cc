#include "net/packet_probe.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <tuple>

#include "base/deadline.h"
#include "net/neighbour_codec.h"

namespace viaduct::net {

namespace {

// Answers are shorter; what a frame has beyond does not matter.
constexpr size_t kLongestAnswer = 512;
// The second time after a part of the window: frames get lost, and sleepy hosts wake up.
constexpr int kAgainAfter = 3;
constexpr std::array<uint8_t, 6> kAllNodes = {0x33, 0x33, 0, 0, 0, 1};

// What a socket lets through, all of it at once; the rest stays in the kernel (Documentation/networking/filter.rst).
struct Condition {
  uint16_t size = BPF_B;
  uint32_t offset = 0;
  uint32_t value = 0;
  uint32_t mask = ~uint32_t{0};
};

std::vector<sock_filter> only_if(const std::vector<Condition>& conditions) {
  constexpr uint8_t kToRefusal = 1;  // a mark, until it is known how far that is
  std::vector<sock_filter> code;
  for (const Condition& one : conditions) {
    code.push_back({static_cast<uint16_t>(BPF_LD | one.size | BPF_ABS), 0, 0, one.offset});
    code.push_back({BPF_ALU | BPF_AND | BPF_K, 0, 0, one.mask});
    code.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, kToRefusal, one.value});
  }
  code.push_back({BPF_RET | BPF_K, 0, 0, kLongestAnswer});
  for (size_t at = 0; at < code.size(); ++at)
    if (code[at].jf == kToRefusal) code[at].jf = static_cast<uint8_t>(code.size() - at - 1);
  code.push_back({BPF_RET | BPF_K, 0, 0, 0});
  return code;
}

// One link, VLAN and family: a socket, and what is asked there.
struct Ear {
  ProbeLink link;
  Family family = Family::kIpv4;
  std::set<IpAddress> asked;
  std::set<IpAddress> answered;
  UniqueFd socket;
};

Error failure(const Ear& ear) {
  return from_errno(errno, fmt::format("cannot ask for neighbours on link {}", words_of(ear.link)));
}

uint16_t protocol_of(const Ear& ear) {
  return ear.family == Family::kIpv4 ? ETH_P_ARP : ETH_P_IPV6;
}

std::vector<Condition> conditions_of(const Ear& ear) {
  std::vector<Condition> all;
  if (ear.link.lane.is_port) {
    const auto about = [](int what) { return static_cast<uint32_t>(SKF_AD_OFF + what); };
    all.push_back({BPF_W, about(SKF_AD_PROTOCOL), protocol_of(ear)});
    // The kernel has taken the tag off the frame by then.
    all.push_back({BPF_W, about(SKF_AD_VLAN_TAG_PRESENT), ear.link.lane.vlan == 0 ? 0U : 1U});
    if (ear.link.lane.vlan != 0) all.push_back({BPF_W, about(SKF_AD_VLAN_TAG), ear.link.lane.vlan, 0xfff});
  }
  if (ear.family == Family::kIpv6) {
    // A neighbour advertisement directly behind the IPv6 header.
    all.push_back({BPF_B, 20, IPPROTO_ICMPV6});
    all.push_back({BPF_B, 54, 136});
  }
  return all;
}

Status listen_on(Ear& ear) {
  // Of no protocol until the filter is there.
  ear.socket.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!ear.socket.valid()) return failure(ear);
  if (const auto conditions = conditions_of(ear); !conditions.empty()) {
    auto code = only_if(conditions);
    const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
    if (::setsockopt(ear.socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0)
      return failure(ear);
  }
  const int yes = 1;
  if (ear.link.lane.is_port &&
      ::setsockopt(ear.socket.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes)) != 0)
    return failure(ear);
  if (ear.family == Family::kIpv6) {
    // The link itself may have no IPv6, and not take the group's frames in.
    packet_mreq group{};
    group.mr_ifindex = ear.link.index;
    group.mr_type = PACKET_MR_MULTICAST;
    group.mr_alen = kAllNodes.size();
    std::copy(kAllNodes.begin(), kAllNodes.end(), std::begin(group.mr_address));
    if (::setsockopt(ear.socket.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group, sizeof(group)) != 0)
      return failure(ear);
  }
  sockaddr_ll place{};
  place.sll_family = AF_PACKET;
  // Who asks for one protocol hears nothing of a port: its bridge has taken it by then.
  place.sll_protocol = htons(ear.link.lane.is_port ? ETH_P_ALL : protocol_of(ear));
  place.sll_ifindex = ear.link.index;
  if (::bind(ear.socket.get(), reinterpret_cast<const sockaddr*>(&place), sizeof(place)) != 0)
    return failure(ear);
  return {};
}

enum class Turn { kFirst, kSecond };

Status ask_all(const Ear& ear, Turn turn) {
  for (const IpAddress& address : ear.asked) {
    if (ear.answered.contains(address)) continue;
    // A switch may keep one form of the question or of the answer from its ports: so both.
    const auto source = turn == Turn::kSecond ? ear.link.link_local : std::nullopt;
    Frame frame = ear.family == Family::kIpv4 ? arp_probe(ear.link.mac, address)
                                              : solicitation(ear.link.mac, source, address);
    if (ear.link.lane.vlan != 0) frame = tagged(frame, ear.link.lane.protocol, ear.link.lane.vlan);
    const bool sent = ::send(ear.socket.get(), frame.data(), frame.size(), 0) >= 0;
    // A full queue loses the frame, as a link may.
    if (!sent && errno != EAGAIN && errno != ENOBUFS) return failure(ear);
  }
  return {};
}

void hear(Ear& ear, std::vector<NeighbourAnswer>& answers) {
  std::array<uint8_t, kLongestAnswer> buffer{};
  while (true) {
    const ssize_t got = ::recv(ear.socket.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) return;
    const auto answer = answer_from({buffer.data(), static_cast<size_t>(got)});
    if (!answer.has_value() || !ear.asked.contains(answer->address)) continue;
    ear.answered.insert(answer->address);
    if (std::find(answers.begin(), answers.end(), *answer) == answers.end()) answers.push_back(*answer);
  }
}

std::vector<Ear> ears_for(const std::vector<NeighbourQuestion>& questions) {
  std::map<std::tuple<int, Lane, Family>, Ear> ears;
  for (const auto& [link, address] : questions) {
    Ear& ear = ears[{link.index, link.lane, address.family()}];
    ear.link = link;
    ear.family = address.family();
    ear.asked.insert(address);
  }
  std::vector<Ear> out;
  for (auto& [key, ear] : ears) out.push_back(std::move(ear));
  return out;
}

// Listens until `until`. False when it was cancelled.
bool listen_until(std::vector<Ear>& ears, int cancelled, Deadline until,
                  std::vector<NeighbourAnswer>& answers) {
  std::vector<pollfd> polled;
  for (const Ear& ear : ears) polled.push_back({ear.socket.get(), POLLIN, 0});
  polled.push_back({cancelled, POLLIN, 0});
  const auto all_answered = [&] {
    return std::all_of(ears.begin(), ears.end(),
                       [](const Ear& ear) { return ear.answered.size() == ear.asked.size(); });
  };
  while (!until.expired() && !all_answered()) {
    // Rounded up, so that the last millisecond is not spent in a loop.
    (void)::poll(polled.data(), polled.size(), static_cast<int>(until.remaining().count()) + 1);
    if (polled.back().revents != 0) return false;
    for (Ear& ear : ears) hear(ear, answers);
  }
  return true;
}

}  // namespace

PacketProbe::PacketProbe() : cancelled_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void PacketProbe::cancel() {
  (void)::eventfd_write(cancelled_.get(), 1);
}

Result<NeighbourProbe::Outcome> PacketProbe::ask(const std::vector<NeighbourQuestion>& questions,
                                                 std::chrono::milliseconds window) {
  Outcome outcome;
  std::vector<Ear> ears = ears_for(questions);
  const auto each = [&](const auto& work) -> Status {
    for (Ear& ear : ears) {
      Status done = work(ear);
      if (done.ok()) continue;
      if (done.error().code == ErrorCode::kPermission) return done;
      outcome.failed.emplace(ear.link.index, std::move(done).error());
    }
    std::erase_if(ears, [&](const Ear& ear) { return outcome.failed.contains(ear.link.index); });
    return {};
  };
  TRY(each([](Ear& ear) { return listen_on(ear); }));
  const Deadline end = Deadline::in(window);
  for (const Turn turn : {Turn::kFirst, Turn::kSecond}) {
    TRY(each([turn](Ear& ear) { return ask_all(ear, turn); }));
    const Deadline until = turn == Turn::kFirst ? Deadline::in(window / kAgainAfter) : end;
    if (!listen_until(ears, cancelled_.get(), until, outcome.answers))
      return unavailable("neighbours are not asked any more: viaductd ends");
  }
  return outcome;
}

}  // namespace viaduct::net
