#include "ipam/slab.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <vector>

#include "ipam/few.h"

// Room for the objects of the pool table, and its short lists.
namespace viaduct::ipam {
namespace {

// Counts those that live, and notices when another writes over it.
struct Counted {
  explicit Counted(int a_value) : value(a_value), twice(2 * a_value) { ++live; }
  ~Counted() { --live; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  int value;
  int twice;
  static int live;
};
int Counted::live = 0;

TEST(Slab, ObjectsKeepTheirPlaceAndValueWhileOthersComeAndGo) {
  std::mt19937 random(1);
  Slab<Counted> slab;
  std::vector<Counted*> objects;
  for (int i = 0; i < 5000; ++i) {
    if (objects.empty() || random() % 3 > 0) {
      objects.push_back(&slab.make(i));
    } else {
      std::swap(objects[random() % objects.size()], objects.back());
      EXPECT_EQ(objects.back()->twice, 2 * objects.back()->value);
      slab.destroy(*objects.back());
      objects.pop_back();
    }
    ASSERT_EQ(Counted::live, static_cast<int>(objects.size()));
  }
  EXPECT_EQ(std::set<Counted*>(objects.begin(), objects.end()).size(), objects.size());
  for (Counted* object : objects) {
    ASSERT_EQ(object->twice, 2 * object->value);
    slab.destroy(*object);
  }
  EXPECT_EQ(Counted::live, 0);
  Counted& again = slab.make(7);
  EXPECT_EQ(again.twice, 14);
  slab.destroy(again);
}

TEST(Few, ListsLikeAVector) {
  std::array<int, 6> things{0, 1, 2, 3, 4, 5};
  Few<int> few;
  std::vector<int*> model;
  std::mt19937 random(1);
  EXPECT_TRUE(few.empty());
  for (int step = 0; step < 2000; ++step) {
    int* thing = &things[random() % things.size()];
    const auto there = std::find(model.begin(), model.end(), thing);
    if (there != model.end()) {
      few.erase(thing);
      model.erase(there);
    } else {
      const auto place = static_cast<std::ptrdiff_t>(random() % (model.size() + 1));
      few.insert(few.begin() + place, thing);
      model.insert(model.begin() + place, thing);
    }
    ASSERT_EQ(std::vector<int*>(few.begin(), few.end()), model);
    ASSERT_EQ(few.size(), model.size());
    if (!model.empty()) {
      ASSERT_EQ(&few.front(), model.front());
    }
  }
  Few<int> none;
  none.erase(things.data());
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace viaduct::ipam
