// Views of Kubernetes' own kinds, read from objects as a real API server writes them.
#include <gtest/gtest.h>

#include "objects/conditions.h"
#include "objects/event.h"
#include "objects/job.h"
#include "objects/lease.h"
#include "objects/node.h"
#include "objects/rbac.h"
#include "objects/service_account.h"

namespace objects {
namespace {

using base::parse_json;

TEST(Pod, ReadsWhatAServerWrites) {
  auto pod = schema::read<Pod>(parse_json(R"({"apiVersion":"v1","kind":"Pod",
    "metadata":{"name":"r-x2","namespace":"demo","uid":"u","creationTimestamp":"2026-01-02T03:04:05Z","generation":1,
      "managedFields":[{"manager":"kube","fieldsV1":{"f:spec":{}}}],"ownerReferences":[{"apiVersion":"batch/v1",
      "kind":"Job","name":"r","uid":"j","controller":true,"blockOwnerDeletion":true}]},
    "spec":{"restartPolicy":"OnFailure","nodeName":"n","automountServiceAccountToken":false,"terminationGracePeriodSeconds":30,
      "initContainers":[{"name":"ipc-bridge","image":"sympozium/bridge","restartPolicy":"Always",
        "volumeMounts":[{"name":"token","mountPath":"/run/token","readOnly":true}]}],
      "containers":[{"name":"agent","image":"sympozium/runner","env":[{"name":"A","value":"b"},
        {"name":"IP","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"status.podIP"}}}],
        "resources":{"limits":{"cpu":"500m","memory":"128Mi"}},"stdin":true,
        "securityContext":{"runAsUser":65532,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true},
        "livenessProbe":{"exec":{"command":["true"]}},"unknownOfTomorrow":{"x":1}}],
      "volumes":[{"name":"w","emptyDir":{}},{"name":"m","emptyDir":{"medium":"Memory","sizeLimit":"64Mi"}},
        {"name":"token","projected":{"defaultMode":420,"sources":[{"serviceAccountToken":{"audience":"sympozium-gateway",
        "expirationSeconds":600,"path":"token"}}]}},{"name":"g","csi":{"driver":"gateway.sympozium.ai"}},
        {"name":"nfs","nfs":{"server":"x"}}],
      "tolerations":[{"key":"a","operator":"Exists"}]},
    "status":{"phase":"Running","conditions":[{"type":"Ready","status":"False","lastProbeTime":null,
      "lastTransitionTime":"2026-01-02T03:04:06Z"}],
      "containerStatuses":[{"name":"agent","ready":false,"restartCount":1,"image":"i","imageID":"","started":false,
        "state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled",
        "startedAt":"2026-01-02T03:04:05Z","finishedAt":"2026-01-02T03:04:06Z"}}}]}})"));
  EXPECT_EQ(pod.metadata.ownerReferences[0].controller, true);
  EXPECT_EQ(pod.spec.automountServiceAccountToken, false);
  EXPECT_EQ(pod.spec.initContainers[0].restartPolicy, "Always");
  EXPECT_EQ(pod.spec.containers[0].env[1].valueFrom->fieldRef->fieldPath, "status.podIP");
  EXPECT_EQ(pod.spec.containers[0].resources.limits.at("memory").whole(), 128 << 20);
  EXPECT_TRUE(pod.spec.containers[0].stdin_);
  EXPECT_EQ(pod.spec.containers[0].securityContext->runAsUser, 65532);
  EXPECT_TRUE(pod.spec.volumes[0].emptyDir);
  EXPECT_EQ(pod.spec.volumes[1].emptyDir->sizeLimit->format(), "64Mi");
  EXPECT_EQ(pod.spec.volumes[2].projected->sources[0].serviceAccountToken->expirationSeconds, 600);
  EXPECT_EQ(pod.spec.volumes[3].csi->driver, "gateway.sympozium.ai");
  EXPECT_EQ(pod.status.containerStatuses[0].lastState.terminated->exitCode, 137);
  EXPECT_EQ(schema::read<Pod>(schema::encode(pod)), pod);
}

TEST(Pod, KeepsAnEmptyEmptyDir) {
  Volume volume{.name = "w", .emptyDir = EmptyDirVolume{}};
  EXPECT_EQ(base::to_text(schema::encode(volume)), R"({"name":"w","emptyDir":{}})");
}

TEST(Pod, SaysWhereATypeIsWrong) {
  Pod pod;
  auto issues = schema::decode(
      pod, parse_json(R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":1}]}})"));
  EXPECT_EQ(base::format(issues), "spec.containers[0].name: must be of type string, not integer");
  EXPECT_EQ(pod.metadata.name, "p");
}

TEST(Job, CallsItsTemplatePodTemplate) {
  auto job = schema::read<Job>(
      parse_json(R"({"metadata":{"name":"r"},"spec":{"backoffLimit":6,"suspend":false,
      "podReplacementPolicy":"Failed","selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"x":"y"}},
      "spec":{"containers":[{"name":"agent"}]}}},"status":{"ready":0,"succeeded":1,
      "uncountedTerminatedPods":{},"conditions":[{"type":"Complete","status":"True"}]}})"));
  EXPECT_EQ(job.spec.podTemplate.spec.containers[0].name, "agent");
  EXPECT_EQ(job.spec.suspend, false);
  EXPECT_EQ(job.status.ready, 0);
  auto written = schema::encode(job);
  EXPECT_TRUE(base::find(written, {"spec", "template", "metadata", "labels", "x"}));
  EXPECT_EQ(base::find_bool(written, {"spec", "suspend"}), false);
}

TEST(Node, HasAPortWithACapital) {
  auto node = schema::read<Node>(
      parse_json(R"({"metadata":{"name":"n"},"status":{"capacity":{"cpu":"2","memory":"16Gi",
      "pods":"110"},"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}},"nodeInfo":{"architecture":"amd64"},
      "addresses":[{"type":"InternalIP","address":"10.0.0.1"}],"images":[{"names":["a"]}]}})"));
  EXPECT_EQ(node.status.daemonEndpoints.kubeletEndpoint.port, 10250);
  EXPECT_EQ(node.status.capacity.at("memory").format(), "16Gi");
}

TEST(Lease, CountsInMicroseconds) {
  LeaseSpec spec{.holderIdentity = "a", .leaseDurationSeconds = 15};
  spec.renewTime = base::MicroTime(std::chrono::microseconds(1'767'323'045'000'006));
  auto text = base::to_text(schema::encode(spec));
  EXPECT_EQ(
      text,
      R"({"holderIdentity":"a","leaseDurationSeconds":15,"renewTime":"2026-01-02T03:04:05.000006Z"})");
  EXPECT_EQ(schema::read<LeaseSpec>(parse_json(text)), spec);
}

TEST(Event, SaysWhatItIsAbout) {
  auto event =
      schema::read<Event>(parse_json(R"({"metadata":{"name":"e"},"involvedObject":{"kind":"Pod",
      "namespace":"demo","name":"p"},"reason":"Started","type":"Normal","eventTime":null,
      "lastTimestamp":"2026-01-02T03:04:05Z","count":2,"source":{"component":"node"}})"));
  EXPECT_EQ(event.involvedObject.ns, "demo");
  EXPECT_EQ(event.count, 2);
  EXPECT_FALSE(event.eventTime);
}

TEST(Roles, AreRead) {
  auto role = schema::read<ClusterRole>(parse_json(
      R"({"metadata":{"name":"r"},"rules":[{"verbs":["get"],"nonResourceURLs":["/openid/v1/jwks"]},
          {"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["key"]}]})"));
  EXPECT_EQ(role.rules[1].resourceNames[0], "key");
  auto binding = schema::read<RoleBinding>(parse_json(
      R"({"metadata":{"name":"b"},"subjects":[{"kind":"ServiceAccount","name":"s","namespace":"n"}],
          "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"}})"));
  EXPECT_EQ(binding.subjects[0].ns, "n");
}

TEST(TokenRequest, AsksForABoundToken) {
  TokenRequest request;
  request.spec = {.audiences = {"sympozium-gateway"},
                  .expirationSeconds = 600,
                  .boundObjectRef = BoundObjectReference{"Pod", "v1", "p", "u"}};
  EXPECT_EQ(schema::encode(request),
            parse_json(R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{
                "audiences":["sympozium-gateway"],"expirationSeconds":600,
                "boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p","uid":"u"}}})"));
}

Condition ready(ConditionStatus status, std::string reason, std::int64_t at_ms) {
  return {"Ready", status, 1, Time(std::chrono::milliseconds(at_ms)), std::move(reason), "words"};
}

TEST(Conditions, KeepTheTimeOfTheLastChangeOfStatus) {
  std::vector<Condition> conditions;
  EXPECT_EQ(set_condition(conditions, ready(ConditionStatus::is_false, "Pending", 1000)),
            Changed::yes);
  EXPECT_EQ(set_condition(conditions, ready(ConditionStatus::is_false, "Pending", 2000)),
            Changed::no);
  EXPECT_EQ(set_condition(conditions, ready(ConditionStatus::is_false, "Running", 3000)),
            Changed::yes);
  EXPECT_EQ(conditions[0].lastTransitionTime.time_since_epoch().count(), 1000);
  EXPECT_FALSE(is_true(conditions, "Ready"));
  EXPECT_EQ(set_condition(conditions, ready(ConditionStatus::is_true, "Done", 4000)), Changed::yes);
  EXPECT_EQ(conditions[0].lastTransitionTime.time_since_epoch().count(), 4000);
  EXPECT_TRUE(is_true(conditions, "Ready"));
  EXPECT_EQ(conditions.size(), 1u);
  EXPECT_EQ(find_condition(conditions, "Stalled"), nullptr);
  EXPECT_EQ(remove_condition(conditions, "Ready"), Changed::yes);
  EXPECT_EQ(remove_condition(conditions, "Ready"), Changed::no);
}

}  // namespace
}  // namespace objects
