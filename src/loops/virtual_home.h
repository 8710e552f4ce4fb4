// An API server and time of its own for one test of a loop.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/text.h"
#include "controller/tapped_api.h"
#include "faults/server.h"
#include "objects/kinds.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace loops {

class VirtualHome : public testing::Test {
 protected:
  using Names = std::vector<std::string>;

  static kube::Ref ref(std::string_view plural, std::string name, std::string subresource = "") {
    const auto* kind = objects::find_kind(plural == "jobs" ? "batch" : "", plural);
    const bool namespaced = kind->scope == schema::Scope::namespaced;
    return {kind, namespaced ? "default" : "", std::move(name), std::move(subresource)};
  }

  // What people and a kubelet do, and all that follows from it at once.
  base::Json create(std::string_view plural, base::Json object) {
    base::Json made = loop.run(hand->create(ref(plural, ""), std::move(object), {}));
    loop.run_ready();
    return made;
  }
  void patch(const kube::Ref& at, std::string_view merge) {
    loop.run(hand->patch(at, base::parse_json(merge), {}));
    loop.run_ready();
  }
  void remove(const kube::Ref& at, kube::RemoveOptions options = {}) {
    loop.run(hand->remove(at, std::move(options)));
    loop.run_ready();
  }
  void pass(base::Duration time) {
    constexpr base::Duration step{100};
    for (base::Duration passed{0}; passed < time; passed += step) {
      clock.advance(step);
      loop.run_ready();
    }
  }

  // What is to be seen then; null for what is not there.
  base::Json get(const kube::Ref& at) {
    return loop.run(kube::find(*hand, at)).value_or(base::Json());
  }
  bool exists(const kube::Ref& at) { return !get(at).is_null(); }
  base::JsonArray list(std::string_view plural) {
    kube::Page page = loop.run(hand->list(ref(plural, ""), {}));
    return page.items;
  }

  void TearDown() override {
    tasks.stop();
    loop.run_ready();
  }

  class NoLog final : public base::Log {
    void write(base::Level, std::string_view, const Fields&) override {}
  };

  io::Loop loop;
  test::VirtualClock clock;
  test::SeededRandom random{1};
  NoLog log;
  controller::Metrics metrics;
  faults::Server server{loop, clock, random, log, {}};
  std::unique_ptr<kube::Client> hand = server.client("hand");
  std::unique_ptr<kube::Client> client = server.client("loop");
  controller::TappedApi api{*client};
  io::TaskGroup tasks{loop};
};

}  // namespace loops
