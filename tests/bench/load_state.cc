// Times a start with many addresses: opening the store with all its checks, then loading the address manager.
//
// usage: load_state [ADDRESSES] [RUNS]
//
// Makes a state of one /8 with that many addresses (a million) in a folder of its own under TMPDIR, opens it RUNS times (5)
// and removes it. Prints "open MILLISECONDS load MILLISECONDS resident KIB" for each run; the last is how much more memory
// the process holds than before; each run is a process of its own. The file comes from the page cache, as after a restart of
// the daemon.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/clock.h"
#include "ipam/ipam_service.h"
#include "ipam/records.h"
#include "store/sqlite_store.h"

namespace {

using namespace viaduct;
using Moment = std::chrono::steady_clock::time_point;

constexpr int kRowsOfACommit = 20000;

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "load_state: %s\n", why.c_str());
  std::exit(1);
}

class Folder {
 public:
  Folder() : path_((std::filesystem::temp_directory_path() / "viaduct-load-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) die("cannot make a folder under TMPDIR");
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Odd multiples spread the addresses over the pool.
IpAddress address_of(const Prefix& pool, uint32_t number) {
  return pool.first().plus(1 + (number * 2654435761U) % 16777213U);
}

void fill(store::Store& store, uint32_t addresses) {
  const Prefix pool = Prefix::parse("10.0.0.0/8").value();
  const auto since = SystemClock().now();
  ipam::PoolRecord parent;
  parent.space = "local";
  parent.pool = pool;
  parent.since = since;
  parent.id = ipam::pool_id(parent.space, pool, {});
  store::Transaction batch;
  batch.writes.push_back(store::put_object(store::Table::kPool, parent.id, ipam::to_json(parent)));
  for (uint32_t number = 0; number < addresses; ++number) {
    ipam::AddressRecord record;
    record.space = parent.space;
    record.pool = pool;
    record.address = address_of(pool, number);
    record.mac = Mac::from_ipv4(record.address);
    record.epoch = 1;
    record.since = since;
    batch.writes.push_back(store::put_object(store::Table::kAddress,
                                             ipam::address_key(record.space, pool, record.address),
                                             ipam::to_text(record)));
    if (batch.writes.size() < kRowsOfACommit && number + 1 < addresses) continue;
    if (const auto done = store.commit(batch); !done.ok()) die(done.error().message);
    batch.writes.clear();
  }
}

long resident_kib() {
  long pages = 0;
  long resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

double since(Moment start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

void run(const std::string& folder) {
  const long before = resident_kib();
  const SystemClock clock;
  const ipam::IpamEnvironment environment{
      .host_prefixes = [] { return Result<std::vector<Prefix>>(std::vector<Prefix>()); },
      .bound_to = [](const Prefix&, const IpAddress&) { return std::optional<ipam::BoundTo>(); },
      .network_on = {},
      .remove_unjoined = {},
      .engine_alive = {},
      .engine_began_in_sight = {}};
  const Moment start = std::chrono::steady_clock::now();
  const auto store = store::SqliteStore::open(folder);
  if (!store.ok()) die(store.error().message);
  const double open = since(start);
  const Moment opened = std::chrono::steady_clock::now();
  const auto service = ipam::IpamService::open(*store.value(), clock, {}, environment);
  if (!service.ok()) die(service.error().message);
  std::printf("open %.0f load %.0f resident %ld\n", open, since(opened), resident_kib() - before);
}

// In a process that has held no memory before.
void run_apart(const std::string& folder) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child < 0) die("cannot start a process");
  if (child == 0) {
    ::execl("/proc/self/exe", "load_state", "--load", folder.c_str(), nullptr);
    std::_Exit(1);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0) die("a run failed");
}

}  // namespace

int main(int count, char** words) {
  if (count == 3 && std::string(words[1]) == "--load") {
    run(words[2]);
    return 0;
  }
  const int addresses = count > 1 ? std::atoi(words[1]) : 1'000'000;
  const int runs = count > 2 ? std::atoi(words[2]) : 5;
  if (addresses < 1 || addresses > 16'000'000 || runs < 1) die("usage: load_state [ADDRESSES] [RUNS]");
  const Folder folder;
  {
    const auto store = store::SqliteStore::open(folder.path());
    if (!store.ok()) die(store.error().message);
    fill(*store.value(), static_cast<uint32_t>(addresses));
  }
  for (int n = 0; n < runs; ++n) run_apart(folder.path());
  return 0;
}
