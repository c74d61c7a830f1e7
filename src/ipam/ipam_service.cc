#include "ipam/ipam_service.h"

#include "ipam/ipam_impl.h"

namespace viaduct::ipam {

IpamService::Impl::Impl(store::Store& store, const Clock& clock, IpamConfig config,
                        IpamEnvironment environment)
    : store_(store), clock_(clock), config_(std::move(config)), environment_(std::move(environment)) {}

bool IpamService::Impl::wait_for_change(Lock& lock, Deadline deadline) {
  const uint64_t seen = generation_;
  return changed_.wait_until(lock, deadline.at(), [&] { return generation_ != seen; }) && !deadline.expired();
}

void IpamService::Impl::notify_locked() {
  ++generation_;
  changed_.notify_all();
}

Result<std::unique_ptr<IpamService>> IpamService::open(store::Store& store, const Clock& clock,
                                                       IpamConfig config, IpamEnvironment environment) {
  auto impl = std::make_unique<Impl>(store, clock, std::move(config), std::move(environment));
  TRY(impl->load());
  impl->start_saving();
  return std::unique_ptr<IpamService>(new IpamService(std::move(impl)));
}

IpamService::IpamService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
IpamService::~IpamService() = default;

void IpamService::registered(const EngineIdentity& engine) {
  impl_->registered(engine);
}
bool IpamService::look_at_engine() {
  return impl_->look_at_engine();
}
Result<PoolReply> IpamService::request_pool(const PoolRequest& request, Deadline deadline) {
  return impl_->request_pool(request, deadline);
}
Status IpamService::release_pool(const std::string& id, Deadline deadline) {
  return impl_->release_pool(id, deadline);
}
Result<AddressReply> IpamService::request_address(const AddressRequest& request, Deadline deadline) {
  return impl_->request_address(request, deadline);
}
Status IpamService::release_address(const std::string& pool_id, const IpAddress& address, Deadline deadline) {
  return impl_->release_address(pool_id, address, deadline);
}
Status IpamService::endpoint_gone(const Prefix& pool, const IpAddress& address, Deadline deadline) {
  return impl_->endpoint_ended(pool, address, deadline, after_endpoint_gone);
}
Status IpamService::endpoint_deleted(const Prefix& pool, const IpAddress& address, Deadline deadline) {
  return impl_->endpoint_ended(pool, address, deadline, after_endpoint_deleted);
}
PoolClaim IpamService::claim_on(const Prefix& pool, const std::string& by, int others) const {
  return impl_->claim_on(pool, by, others);
}
std::vector<PoolView> IpamService::abandoned_pools() const {
  return impl_->abandoned_pools();
}
Result<bool> IpamService::drop_abandoned(const std::string& pool_id, Deadline deadline) {
  return impl_->drop_abandoned(pool_id, deadline);
}
Result<uint64_t> IpamService::reclaim_orphans(Deadline deadline) {
  return impl_->reclaim_orphans(deadline);
}
std::vector<ProbedPool> IpamService::pools_to_survey(Survey which) {
  return impl_->pools_to_survey(which);
}
void IpamService::set_watch(const std::string& pool_id, const Watch& watch) {
  impl_->set_watch(pool_id, watch);
}
std::vector<ProbeTarget> IpamService::probe_targets() {
  return impl_->probe_targets();
}
ProbeOutcome IpamService::probed(const ProbeTarget& asked, const std::vector<ProbeAnswer>& answers) {
  return impl_->probed(asked, answers);
}
uint64_t IpamService::orphans() const {
  return impl_->orphans();
}
std::vector<PoolView> IpamService::pools() const {
  return impl_->pools();
}
std::vector<AddressView> IpamService::addresses() const {
  return impl_->addresses();
}
std::vector<ReservationRecord> IpamService::reservations() const {
  return impl_->reservations();
}
IpamCounts IpamService::counts() const {
  return impl_->counts();
}
Result<PoolMap> IpamService::map_of(const std::string& pool_id, size_t cells) const {
  return impl_->map_of(pool_id, cells);
}
std::vector<AddressStory> IpamService::why(const IpAddress& address, const std::string& space) const {
  return impl_->why(address, space);
}
Status IpamService::reserve(std::vector<ReservationRecord> records) {
  return impl_->reserve(std::move(records));
}
Status IpamService::unreserve(const std::string& space, const IpAddress& address) {
  return impl_->unreserve(space, address);
}
Status IpamService::release_by_operator(const std::string& space, const IpAddress& address,
                                        Deadline deadline) {
  return impl_->release_by_operator(space, address, deadline);
}
Status IpamService::remove_pool_by_operator(const std::string& id, Held held, Deadline deadline) {
  return impl_->remove_pool_by_operator(id, held, deadline);
}
Json IpamService::export_state() const {
  return impl_->export_state();
}
Status IpamService::import_state(const Json& state, Deadline deadline) {
  return impl_->import_state(state, deadline);
}
uint64_t IpamService::epoch() const {
  return impl_->epoch();
}

}  // namespace viaduct::ipam
