#include "store/read_ahead.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace viaduct::store {

namespace {

constexpr size_t kRowsOfABatch = 512;
constexpr size_t kBytesOfABatch = 128 * 1024;
constexpr size_t kMostBatches = 4;

// Rows end to end, so that none costs an allocation.
class Batch {
 public:
  void add(std::string_view key, std::string_view value) {
    bytes_.append(key).append(value);
    lengths_.push_back({key.size(), value.size()});
  }
  [[nodiscard]] bool full() const {
    return lengths_.size() >= kRowsOfABatch || bytes_.size() >= kBytesOfABatch;
  }
  [[nodiscard]] bool empty() const { return lengths_.empty(); }
  // `row`: one for all of them.
  void visit(const std::function<void(const Row&)>& visit, Row& row) const {
    const char* at = bytes_.data();
    for (const Lengths& length : lengths_) {
      row.key.assign(at, length.key);
      row.value.assign(at + length.key, length.value);
      at += length.key + length.value;
      visit(row);
    }
  }

 private:
  struct Lengths {
    size_t key;
    size_t value;
  };
  std::string bytes_;
  std::vector<Lengths> lengths_;
};

// From one thread to another.
class Line {
 public:
  // Waits for room. What is put after abandon() is thrown away.
  void put(Batch batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return batches_.size() < kMostBatches || abandoned_; });
    if (!abandoned_) batches_.push_back(std::move(batch));
    changed_.notify_all();
  }
  void end() {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  // Empty after the last one.
  std::optional<Batch> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !batches_.empty() || ended_; });
    if (batches_.empty()) return std::nullopt;
    Batch batch = std::move(batches_.front());
    batches_.pop_front();
    changed_.notify_all();
    return batch;
  }
  void abandon() {
    const std::scoped_lock lock(mutex_);
    abandoned_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> batches_;
  bool ended_ = false;
  bool abandoned_ = false;
};

// The thread that reads; its end is waited for.
class Reading {
 public:
  Reading(Line& line, const std::function<void(const PutRow& put)>& read)
      : line_(line), thread_([&line, &read] {
          Batch batch;
          read([&](std::string_view key, std::string_view value) {
            batch.add(key, value);
            if (batch.full()) line.put(std::exchange(batch, {}));
          });
          if (!batch.empty()) line.put(std::move(batch));
          line.end();
        }) {}
  ~Reading() {
    line_.abandon();
    thread_.join();
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  Line& line_;
  std::thread thread_;
};

}  // namespace

void read_ahead(const std::function<void(const PutRow& put)>& read,
                const std::function<void(const Row&)>& visit) {
  Line line;
  const Reading reading(line, read);
  Row row;
  while (const auto batch = line.take()) batch->visit(visit, row);
}

}  // namespace viaduct::store
