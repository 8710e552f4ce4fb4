// The controller process on a real API server, both in this process and on virtual time.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/text.h"
#include "controller/cache.h"
#include "controller/tapped_api.h"
#include "faults/server.h"
#include "objects/conditions.h"
#include "objects/kinds.h"
#include "reconcilers/manager.h"
#include "support/seeded_random.h"
#include "support/virtual_clock.h"

namespace reconcilers {

class ReconcilersTest : public testing::Test {
 protected:
  ReconcilersTest() {
    group.spawn("manager", manager.run());
    settle();
  }
  ~ReconcilersTest() override {
    group.stop();
    settle();
  }

  // Everything that follows at once.
  void settle() { loop.run_ready(); }
  void pass(base::Duration time) {
    constexpr base::Duration step{500};
    for (base::Duration passed{0}; passed < time; passed += step) {
      clock.advance(step);
      settle();
    }
  }

  template <class T>
  static kube::Ref ref(const std::string& name) {
    return {&T::info, "default", name, {}};
  }
  // Writes what people write: in namespace "default".
  template <class T>
  void create(std::string_view object) {
    base::Json tree = base::parse_json(object);
    tree.get_object()["apiVersion"] = T::info.api_version();
    tree.get_object()["kind"] = T::info.kind;
    loop.run(client->create(ref<T>(""), std::move(tree), {}));
    settle();
  }
  template <class T>
  void patch(const std::string& name, std::string_view merge) {
    loop.run(client->patch(ref<T>(name), base::parse_json(merge), {}));
    settle();
  }
  template <class T>
  void remove(const std::string& name) {
    loop.run(client->remove(ref<T>(name), {}));
    settle();
  }
  template <class T>
  std::optional<T> find(const std::string& name) {
    const auto object = loop.run(kube::find(*client, ref<T>(name)));
    if (!object) return {};
    return controller::decode<T>(*object);
  }
  template <class T>
  T get(const std::string& name) {
    return controller::decode<T>(loop.run(client->get(ref<T>(name), {})));
  }
  // "False SecretMissing: …" of condition Ready.
  template <class T>
  std::string ready(const std::string& name) {
    const T object = get<T>(name);
    const auto* found = objects::find_condition(object.status.conditions, "Ready");
    if (!found) return "-";
    return base::cat(schema::name(found->status), " ", found->reason,
                     found->message.empty() ? "" : ": ", found->message);
  }

 private:
  class NoLog final : public base::Log {
    void write(base::Level, std::string_view, const Fields&) override {}
  };

 protected:
  io::Loop loop;
  test::VirtualClock clock;
  test::SeededRandom random{1};
  NoLog log;
  faults::Server server{loop, clock, random, log, {}};
  std::unique_ptr<kube::Client> client = server.client("test"), own = server.client("controller");
  controller::TappedApi api{*own};  // what the controller says to the server
  Manager manager{loop, clock, random, log, api, {}};
  io::TaskGroup group{loop};
};

}  // namespace reconcilers
