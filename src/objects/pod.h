// The slice of core/v1 Pod that we read and write. Views are for reading: a Pod that others wrote
// is patched, never written back from here.
#pragma once

#include "objects/meta.h"
#include "schema/kind.h"

namespace objects {

// ---- volumes ----

struct KeyToPath {
  std::string key, path;
  std::optional<std::int64_t> mode;
  bool operator==(const KeyToPath&) const = default;
  static const Struct table;
};
struct EmptyDirVolume {
  std::string medium;  // "" disk, "Memory"
  std::optional<Quantity> sizeLimit;
  bool operator==(const EmptyDirVolume&) const = default;
  static const Struct table;
};
struct ConfigMapVolume {
  std::string name;
  std::vector<KeyToPath> items;
  std::optional<std::int64_t> defaultMode;
  std::optional<bool> optional;
  bool operator==(const ConfigMapVolume&) const = default;
  static const Struct table;
};
struct SecretVolume {
  std::string secretName;
  std::vector<KeyToPath> items;
  std::optional<std::int64_t> defaultMode;
  std::optional<bool> optional;
  bool operator==(const SecretVolume&) const = default;
  static const Struct table;
};
struct ObjectFieldSelector {
  std::string apiVersion, fieldPath;
  bool operator==(const ObjectFieldSelector&) const = default;
  static const Struct table;
};
struct ResourceFieldSelector {
  std::string containerName, resource;
  std::optional<Quantity> divisor;
  bool operator==(const ResourceFieldSelector&) const = default;
  static const Struct table;
};
struct DownwardApiFile {
  std::string path;
  std::optional<ObjectFieldSelector> fieldRef;
  std::optional<ResourceFieldSelector> resourceFieldRef;
  std::optional<std::int64_t> mode;
  bool operator==(const DownwardApiFile&) const = default;
  static const Struct table;
};
struct DownwardApiVolume {
  std::vector<DownwardApiFile> items;
  std::optional<std::int64_t> defaultMode;
  bool operator==(const DownwardApiVolume&) const = default;
  static const Struct table;
};
struct ServiceAccountTokenProjection {
  std::string audience, path;
  std::optional<std::int64_t> expirationSeconds;  // 3600 when absent
  bool operator==(const ServiceAccountTokenProjection&) const = default;
  static const Struct table;
};
// A ConfigMap's or Secret's keys among the sources of a projected volume.
struct KeysProjection {
  std::string name;
  std::vector<KeyToPath> items;
  std::optional<bool> optional;
  bool operator==(const KeysProjection&) const = default;
  static const Struct table;
};
struct DownwardApiProjection {
  std::vector<DownwardApiFile> items;
  bool operator==(const DownwardApiProjection&) const = default;
  static const Struct table;
};
struct VolumeProjection {
  std::optional<ServiceAccountTokenProjection> serviceAccountToken;
  std::optional<KeysProjection> configMap, secret;
  std::optional<DownwardApiProjection> downwardAPI;
  std::optional<JsonObject> clusterTrustBundle;
  bool operator==(const VolumeProjection&) const = default;
  static const Struct table;
};
struct ProjectedVolume {
  std::vector<VolumeProjection> sources;
  std::optional<std::int64_t> defaultMode;
  bool operator==(const ProjectedVolume&) const = default;
  static const Struct table;
};
struct CsiVolume {
  std::string driver;
  std::optional<bool> readOnly;
  std::string fsType;
  TextMap volumeAttributes;
  std::optional<LocalObjectReference> nodePublishSecretRef;
  bool operator==(const CsiVolume&) const = default;
  static const Struct table;
};
struct Volume {
  std::string name;
  std::optional<EmptyDirVolume> emptyDir;
  std::optional<ConfigMapVolume> configMap;
  std::optional<SecretVolume> secret;
  std::optional<ProjectedVolume> projected;
  std::optional<DownwardApiVolume> downwardAPI;
  std::optional<CsiVolume> csi;
  std::optional<JsonObject> hostPath, persistentVolumeClaim;
  bool operator==(const Volume&) const = default;
  static const Struct table;
};

// ---- containers ----

struct EnvVarSource {
  std::optional<ObjectFieldSelector> fieldRef;
  std::optional<ResourceFieldSelector> resourceFieldRef;
  std::optional<SecretKeySelector> configMapKeyRef, secretKeyRef;
  bool operator==(const EnvVarSource&) const = default;
  static const Struct table;
};
struct EnvVar {
  std::string name, value;
  std::optional<EnvVarSource> valueFrom;
  bool operator==(const EnvVar&) const = default;
  static const Struct table;
};
struct EnvSourceRef {
  std::string name;
  std::optional<bool> optional;
  bool operator==(const EnvSourceRef&) const = default;
  static const Struct table;
};
struct EnvFromSource {
  std::string prefix;
  std::optional<EnvSourceRef> configMapRef, secretRef;
  bool operator==(const EnvFromSource&) const = default;
  static const Struct table;
};
struct VolumeMount {
  std::string name, mountPath, subPath, subPathExpr, mountPropagation;
  bool readOnly = false;
  bool operator==(const VolumeMount&) const = default;
  static const Struct table;
};
struct ContainerPort {
  std::string name, protocol, hostIP;
  std::int64_t containerPort = 0, hostPort = 0;
  bool operator==(const ContainerPort&) const = default;
  static const Struct table;
};
struct ResourceRequirements {
  Amounts requests, limits;
  bool operator==(const ResourceRequirements&) const = default;
  static const Struct table;
};
struct Capabilities {
  Texts add, drop;
  bool operator==(const Capabilities&) const = default;
  static const Struct table;
};
// Of seccomp and AppArmor.
struct SecurityProfile {
  std::string type;  // RuntimeDefault, Unconfined, Localhost
  std::string localhostProfile;
  bool operator==(const SecurityProfile&) const = default;
  static const Struct table;
};
struct SecurityContext {
  std::optional<std::int64_t> runAsUser, runAsGroup;
  std::optional<bool> runAsNonRoot, readOnlyRootFilesystem, allowPrivilegeEscalation, privileged;
  std::optional<Capabilities> capabilities;
  std::optional<SecurityProfile> seccompProfile, appArmorProfile;
  std::string procMount;
  bool operator==(const SecurityContext&) const = default;
  static const Struct table;
};
struct PodSecurityContext {
  std::optional<std::int64_t> runAsUser, runAsGroup, fsGroup;
  std::vector<std::int64_t> supplementalGroups;
  std::optional<bool> runAsNonRoot;
  std::string fsGroupChangePolicy;
  std::optional<SecurityProfile> seccompProfile, appArmorProfile;
  std::vector<JsonObject> sysctls;
  bool operator==(const PodSecurityContext&) const = default;
  static const Struct table;
};

struct Container {
  std::string name, image, imagePullPolicy, workingDir;
  Texts command, args;
  std::vector<ContainerPort> ports;
  std::vector<EnvVar> env;
  std::vector<EnvFromSource> envFrom;
  ResourceRequirements resources;
  std::vector<VolumeMount> volumeMounts;
  std::optional<SecurityContext> securityContext;
  std::string restartPolicy;  // of an init container: "Always" makes it a native sidecar
  std::optional<JsonObject> livenessProbe, readinessProbe, startupProbe, lifecycle;
  std::string terminationMessagePath, terminationMessagePolicy;
  bool stdin_ = false, stdinOnce = false, tty = false;  // "stdin" on the wire
  bool operator==(const Container&) const = default;
  static const Struct table;
};

// ---- spec ----

struct PodSpec {
  std::vector<Container> initContainers, containers;
  std::vector<JsonObject> ephemeralContainers;
  std::vector<Volume> volumes;
  std::string restartPolicy;  // Always, OnFailure, Never
  std::optional<std::int64_t> terminationGracePeriodSeconds, activeDeadlineSeconds;
  std::string nodeName, serviceAccountName, schedulerName, hostname, subdomain, dnsPolicy;
  TextMap nodeSelector;
  std::optional<bool> automountServiceAccountToken, enableServiceLinks, shareProcessNamespace;
  bool hostNetwork = false, hostPID = false, hostIPC = false;
  std::optional<bool> hostUsers;
  std::optional<PodSecurityContext> securityContext;
  std::vector<LocalObjectReference> imagePullSecrets;
  std::string runtimeClassName, priorityClassName;
  std::optional<std::int64_t> priority;
  std::optional<JsonObject> affinity;
  std::vector<JsonObject> tolerations, topologySpreadConstraints, hostAliases;
  bool operator==(const PodSpec&) const = default;
  static const Struct table;
};

// ---- status ----

struct WaitingState {
  std::string reason, message;
  bool operator==(const WaitingState&) const = default;
  static const Struct table;
};
struct RunningState {
  std::optional<Time> startedAt;
  bool operator==(const RunningState&) const = default;
  static const Struct table;
};
struct TerminatedState {
  std::int64_t exitCode = 0, signal = 0;
  std::string reason, message, containerID;
  std::optional<Time> startedAt, finishedAt;
  bool operator==(const TerminatedState&) const = default;
  static const Struct table;
};
// At most one is set.
struct ContainerState {
  std::optional<WaitingState> waiting;
  std::optional<RunningState> running;
  std::optional<TerminatedState> terminated;
  bool operator==(const ContainerState&) const = default;
  static const Struct table;
};
struct ContainerStatus {
  std::string name, image, imageID, containerID;
  ContainerState state, lastState;
  bool ready = false;
  std::optional<bool> started;
  std::int64_t restartCount = 0;
  bool operator==(const ContainerStatus&) const = default;
  static const Struct table;
};
struct PodCondition {
  std::string type, status, reason, message;
  std::optional<Time> lastTransitionTime, lastProbeTime;
  std::int64_t observedGeneration = 0;
  bool operator==(const PodCondition&) const = default;
  static const Struct table;
};
struct PodIp {
  std::string ip;
  bool operator==(const PodIp&) const = default;
  static const Struct table;
};
struct PodStatus {
  std::string phase;  // Pending, Running, Succeeded, Failed, Unknown
  std::string reason, message, hostIP, podIP, qosClass;
  std::vector<PodIp> podIPs;
  std::optional<Time> startTime;
  std::vector<PodCondition> conditions;
  std::vector<ContainerStatus> initContainerStatuses, containerStatuses;
  std::int64_t observedGeneration = 0;
  bool operator==(const PodStatus&) const = default;
  static const Struct table;
};

struct Pod {
  ObjectMeta metadata;
  PodSpec spec;
  PodStatus status;
  bool operator==(const Pod&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

}  // namespace objects
