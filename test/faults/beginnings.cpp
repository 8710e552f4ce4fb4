// The worlds in which stories begin.
#include "base/text.h"
#include "faults/stories.h"
#include "objects/node.h"

namespace faults {

namespace {

apiserver::History make_empty() {
  World world({}, {.seed = 2}, {});
  world.create(base::parse_json(base::cat(
      R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":")", world.cast.ns, R"("}})")));
  world.create(base::parse_json(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"node"}})"));
  world.run(world.hand().patch({&objects::Node::info, "", "node", "status"}, node_ready(), {}));
  return world.snapshot();
}

// What an earlier run leaves: the account and the gateway's right to the Secret.
apiserver::History make_settled() {
  World world(history_of(Beginning::empty), {.seed = 3}, {});
  world.run(world.cast.create(world.hand()));
  const kube::Ref run = run_ref(world.cast.ns, "before"), job = job_ref(world.cast.ns, "before");
  world.create(world.cast.run("before"));
  world.until("a Job", [&] { return !world.find(job).is_null(); });
  world.remove(run);
  world.until("the run gone", [&] { return world.find(run).is_null(); });
  world.pass(base::Duration(120'000));
  return world.snapshot();
}

}  // namespace

apiserver::History history_of(Beginning beginning) {
  static const apiserver::History empty = make_empty();
  if (beginning == Beginning::empty) return empty;
  static const apiserver::History settled = make_settled();
  return settled;
}

}  // namespace faults
