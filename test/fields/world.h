// A home without a node: our API server, the controller, the job loop, the gateway, a simulated
// model provider. What a kubelet and an agent say, the test says.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "fields/cast.h"
#include "fields/fields.h"
#include "kube/api.h"
#include "protocol/codec.h"
#include "protocol/gateway.h"
#include "reconcilers/writer.h"

namespace fields {

// What the model provider was asked last.
struct Asked {
  std::string target, authorization;
  base::Json body;
};

// A run that has its pod, seen from within that pod.
struct Started {
  objects::AgentRun run;
  std::string token;      // of the pod's bridge
  std::string execution;  // "1.1", after hello
};

class World {
 public:
  World();
  ~World();

  // Created under a name of its own, in namespace "default"; as the server has it.
  template <class Kind>
  Kind make(Kind object) {
    object.metadata = {.name = unique(object.metadata.name),
                       .ns = "default",
                       .annotations = object.metadata.annotations};
    return schema::read<Kind>(create(Kind::info, reconcilers::to_manifest(object)));
  }
  // The object once `holds`.
  template <class Kind>
  Kind until(const Kind& object, const std::function<bool(const Kind&)>& holds) {
    Kind found;
    wait(Kind::info, object.metadata.name, [&](const base::Json& json) {
      found = schema::read<Kind>(json);
      return holds(found);
    });
    return found;
  }
  template <class Kind>
  Kind get(const std::string& name) {
    return schema::read<Kind>(fetch(Kind::info, name, kube::Detail::object));
  }
  // The cells of the object's row in a table for people, but its name.
  template <class Kind>
  std::vector<base::Json> cells(const Kind& object) {
    return row(Kind::info, object.metadata.name);
  }

  std::string unique(const std::string& name);
  // Names a Secret for the simulated provider, with these keys and values.
  std::string make_secret(const objects::TextMap& keys);

  // Makes the run and waits for its pod.
  Started start(objects::AgentRun run);
  // The agent's first words.
  protocol::Welcome hello(Started&);
  // One request of the pod's bridge; what the gateway answers.
  std::string ask(const Started&, const std::string& path, const std::string& body);
  // The status of the answer to one.
  int status_of(const Started&, const std::string& path, const std::string& body);
  // A model turn with `append`; the model's answer.
  protocol::TurnResult turn(const Started&, protocol::Turn);

  std::string provider_url(const std::string& path) const;
  const Asked& asked() const;

 private:
  base::Json create(const schema::KindInfo&, base::Json manifest);
  base::Json fetch(const schema::KindInfo&, const std::string& name, kube::Detail);
  std::vector<base::Json> row(const schema::KindInfo&, const std::string& name);
  void wait(const schema::KindInfo&, const std::string& name,
            const std::function<bool(const base::Json&)>& holds);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One for all tests; ended after the last.
World& world();

}  // namespace fields
