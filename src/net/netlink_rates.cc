// NetlinkKernel's part that limits rates: a token bucket at the host end for what goes to the container, and one at a link
// of kind ifb, through which what comes from it is led, for what leaves it. Not at the container's end: that loses its queueing
// discipline when it is moved into the sandbox (dev_shutdown() in __dev_change_net_namespace(), net/core/dev.c), and
// whoever has CAP_NET_ADMIN in there could remove it.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "net/netlink_kernel.h"
#include "net/netlink_socket.h"

namespace viaduct::net {

namespace {

constexpr uint32_t kBucketHandle = 0x76640000;   // 7664:
constexpr uint32_t kIngressHandle = 0xffff0000;  // ffff:
// How long a packet may wait in a bucket before the next one is dropped, as tc's "latency".
constexpr uint64_t kWaitMs = 50;

tcmsg queue_header(const Link& link, uint32_t parent, uint32_t handle) {
  tcmsg header{};
  header.tcm_family = AF_UNSPEC;
  header.tcm_ifindex = link.index;
  header.tcm_parent = parent;
  header.tcm_handle = handle;
  return header;
}

// What the kernel says of a link's outermost queueing discipline: the rate of its token bucket; empty if it is none.
std::optional<uint64_t> bucket_rate(const nlmsghdr* reply) {
  std::array<nlattr*, TCA_MAX + 1> all{};
  nlmsg_parse(const_cast<nlmsghdr*>(reply), sizeof(tcmsg), all.data(), TCA_MAX, nullptr);
  if (all[TCA_KIND] == nullptr || std::strcmp(nla_get_string(all[TCA_KIND]), "tbf") != 0) return std::nullopt;
  std::array<nlattr*, TCA_TBF_MAX + 1> bucket{};
  if (all[TCA_OPTIONS] == nullptr ||
      nla_parse_nested(bucket.data(), TCA_TBF_MAX, all[TCA_OPTIONS], nullptr) != 0)
    return std::nullopt;
  if (bucket[TCA_TBF_RATE64] != nullptr) return nla_get_u64(bucket[TCA_TBF_RATE64]);
  if (bucket[TCA_TBF_PARMS] == nullptr ||
      nla_len(bucket[TCA_TBF_PARMS]) < static_cast<int>(sizeof(tc_tbf_qopt)))
    return std::nullopt;
  tc_tbf_qopt settings{};
  std::memcpy(&settings, nla_data(bucket[TCA_TBF_PARMS]), sizeof(settings));
  return settings.rate.rate;
}

NetlinkMessage bucket_message(const Link& link, const RateLimit& limit) {
  constexpr uint64_t kMost32 = std::numeric_limits<uint32_t>::max();
  NetlinkMessage message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE);
  message.put_header(queue_header(link, TC_H_ROOT, kBucketHandle));
  message.put_string(TCA_KIND, "tbf");
  NetlinkMessage::Nest options(message, TCA_OPTIONS);
  tc_tbf_qopt settings{};
  // Told the link layer, the kernel computes the table of rates itself (tbf_change(), net/sched/sch_tbf.c).
  settings.rate.linklayer = TC_LINKLAYER_ETHERNET;
  settings.rate.rate = static_cast<uint32_t>(std::min(limit.rate, kMost32));
  settings.limit = static_cast<uint32_t>(std::min(limit.rate * kWaitMs / 1000 + limit.burst, kMost32));
  message.put_raw(TCA_TBF_PARMS, &settings, sizeof(settings));
  message.put_u32(TCA_TBF_BURST, limit.burst);
  if (limit.rate > kMost32) message.put_raw(TCA_TBF_RATE64, &limit.rate, sizeof(limit.rate));
  return message;
}

// Everything that comes in by one link leaves by the other.
NetlinkMessage redirection_message(const Link& from, const Link& to) {
  NetlinkMessage message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL);
  tcmsg header = queue_header(from, kIngressHandle, 0);
  header.tcm_info = TC_H_MAKE(1U << 16U, htons(ETH_P_ALL));
  message.put_header(header);
  message.put_string(TCA_KIND, "u32");
  NetlinkMessage::Nest options(message, TCA_OPTIONS);
  // The key follows, of zeros: every packet matches it.
  alignas(tc_u32_sel) std::array<char, sizeof(tc_u32_sel) + sizeof(tc_u32_key)> all{};
  auto* selector = reinterpret_cast<tc_u32_sel*>(all.data());
  selector->flags = TC_U32_TERMINAL;
  selector->nkeys = 1;
  message.put_raw(TCA_U32_SEL, all.data(), all.size());
  NetlinkMessage::Nest actions(message, TCA_U32_ACT);
  NetlinkMessage::Nest first(message, 1);
  message.put_string(TCA_ACT_KIND, "mirred");
  NetlinkMessage::Nest action(message, TCA_ACT_OPTIONS);
  tc_mirred redirect{};
  redirect.action = TC_ACT_STOLEN;
  redirect.eaction = TCA_EGRESS_REDIR;
  redirect.ifindex = static_cast<uint32_t>(to.index);
  message.put_raw(TCA_MIRRED_PARMS, &redirect, sizeof(redirect));
  return message;
}

}  // namespace

std::optional<uint64_t> NetlinkKernel::rate_of(const Link& link) {
  // Only an echo comes back to whoever asks (qdisc_get_notify(), net/sched/sch_api.c).
  NetlinkMessage question(RTM_GETQDISC, NLM_F_ECHO);
  question.put_header(queue_header(link, TC_H_ROOT, 0));
  std::optional<uint64_t> rate;
  // The kernel has an error for a link that was never given a queueing discipline (tc_get_qdisc(), net/sched/sch_api.c).
  (void)pool_->exchange(question, "", [&](const nlmsghdr* reply) { rate = bucket_rate(reply); });
  return rate;
}

Result<bool> NetlinkKernel::ensure_bucket(const Link& link, const RateLimit& limit) {
  if (rate_of(link) == limit.rate) return false;
  NetlinkMessage message = bucket_message(link, limit);
  TRY(pool_->exchange(
      message, fmt::format("cannot limit the rate of link {} (with the kernel's sch_tbf)", link.name)));
  return true;
}

Result<Link> NetlinkKernel::make_shaper(const Shaper& shaper) {
  const std::string attempt = fmt::format("cannot create link {} of kind ifb", shaper.name);
  NetlinkMessage creation(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  creation.put_header(ifinfomsg{});
  creation.put_string(IFLA_IFNAME, shaper.name);
  creation.put_u32(IFLA_GROUP, kLiveGroup);
  {
    NetlinkMessage::Nest info(creation, IFLA_LINKINFO);
    creation.put_string(IFLA_INFO_KIND, "ifb");
  }
  TRY(pool_->exchange(creation, attempt));
  NetlinkMessage rest(RTM_NEWLINK, 0);
  ifinfomsg header{};
  header.ifi_change = IFF_UP;
  header.ifi_flags = IFF_UP;
  rest.put_header(header);
  rest.put_string(IFLA_IFNAME, shaper.name);
  rest.put_string(IFLA_IFALIAS, shaper.alias);
  const Status completed = pool_->exchange(rest, attempt);
  auto made = completed.ok() ? existing_link(shaper.name, attempt) : Result<Link>(completed.error());
  if (!made.ok()) delete_link(shaper.name);
  return made;
}

bool NetlinkKernel::is_redirected(const Link& link, const std::string& attempt) {
  bool there = false;
  NetlinkMessage question(RTM_GETTFILTER, NLM_F_DUMP);
  question.put_header(queue_header(link, kIngressHandle, 0));
  (void)pool_->dump(
      question, attempt, [&] { there = false; }, [&](const nlmsghdr*) { there = true; });
  return there;
}

Result<bool> NetlinkKernel::ensure_redirection(const Link& from, const Link& to, bool anew) {
  const std::string attempt = fmt::format(
      "cannot lead what comes from link {} through {} (with the kernel's sch_ingress, cls_u32 "
      "and act_mirred)",
      from.name, to.name);
  if (!anew && is_redirected(from, attempt)) return false;
  // What leads to a link that is gone drops every packet (tcf_mirred_act(), net/sched/act_mirred.c): away with it first.
  NetlinkMessage removal(RTM_DELQDISC, 0);
  removal.put_header(queue_header(from, TC_H_INGRESS, kIngressHandle));
  (void)pool_->exchange(removal, attempt);
  NetlinkMessage ingress(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
  ingress.put_header(queue_header(from, TC_H_INGRESS, kIngressHandle));
  ingress.put_string(TCA_KIND, "ingress");
  TRY(pool_->exchange(ingress, attempt));
  NetlinkMessage redirection = redirection_message(from, to);
  TRY(pool_->exchange(redirection, attempt));
  return true;
}

Result<bool> NetlinkKernel::ensure_rates(const VethSpec& spec) {
  const Link host = TRY(existing_link(spec.host_name, "cannot limit rates"));
  bool missing = false;
  if (spec.rate_in) missing = TRY(ensure_bucket(host, *spec.rate_in));
  if (!spec.rate_out) return missing;
  auto shaper = TRY(find_link(spec.rate_out->name));
  if (shaper && (shaper->alias != spec.rate_out->alias || shaper->group != kLiveGroup))
    return from_errno(EEXIST, fmt::format("cannot create link {} of kind ifb", spec.rate_out->name));
  const bool anew = !shaper;
  if (anew) shaper = TRY(make_shaper(*spec.rate_out));
  auto limited = ensure_bucket(*shaper, spec.rate_out->limit);
  auto led = limited.ok() ? ensure_redirection(host, *shaper, anew) : Result<bool>(limited.error());
  if (!led.ok() && anew) delete_link(spec.rate_out->name);
  if (!led.ok()) return led;
  return missing || anew || limited.value() || led.value();
}

Result<RatesInForce> NetlinkKernel::rates_in_force(const VethSpec& spec) {
  const std::string attempt = fmt::format("cannot look at the limits of link {}", spec.host_name);
  const Link host = TRY(existing_link(spec.host_name, attempt));
  RatesInForce found;
  found.in = rate_of(host);
  if (!spec.rate_out) return found;
  const auto shaper = TRY(find_link(spec.rate_out->name));
  found.has_shaper = shaper && shaper->alias == spec.rate_out->alias && shaper->in_service();
  if (!found.has_shaper) return found;
  found.out = rate_of(*shaper);
  found.is_led = is_redirected(host, attempt);
  return found;
}

}  // namespace viaduct::net
