#include "gateway/fixture_test.h"

#include "base/text.h"

namespace gateway {

namespace {

std::unique_ptr<World>& place() {
  static std::unique_ptr<World> the;
  return the;
}

class EndOfWorld final : public testing::Environment {
  void TearDown() override { place().reset(); }
};
[[maybe_unused]] const auto* const environment = testing::AddGlobalTestEnvironment(new EndOfWorld);

}  // namespace

World& world() {
  if (!place()) place() = std::make_unique<World>();
  return *place();
}

std::string unique_name(const std::string& prefix) {
  return base::cat(prefix, "-", ++world().names);
}

std::string make_secret(const std::string& hosts, const std::string& use) {
  objects::Secret secret;
  secret.metadata.name = unique_name("key");
  secret.metadata.ns = "default";
  if (!hosts.empty()) secret.metadata.annotations["sympozium.ai/hosts"] = hosts;
  if (!use.empty()) secret.metadata.annotations["sympozium.ai/use"] = use;
  secret.stringData["API_KEY"] = test_key + "\n";
  base::Json object = schema::encode(secret);
  object.as_object()["apiVersion"] = "v1";
  object.as_object()["kind"] = "Secret";
  kube::Ref ref{&objects::Secret::info, "default", {}, {}};
  world().loop.run(world().api.create(ref, object, {}));
  return secret.metadata.name;
}

}  // namespace gateway
