#include "objects/pod.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

constexpr Struct KeyToPath::table{"KeyToPath", &room<KeyToPath>, {
    {"key", &KeyToPath::key, honoured, "Key in the data."},
    {"path", &KeyToPath::path, honoured, "Relative path of the file."},
    {"mode", &KeyToPath::mode, honoured, "Mode bits of the file."},
}};

constexpr Struct EmptyDirVolume::table{"EmptyDirVolume", &room<EmptyDirVolume>, {
    {"medium", &EmptyDirVolume::medium, honoured, "\"\" for disk, Memory for tmpfs."},
    {"sizeLimit", &EmptyDirVolume::sizeLimit, honoured, "Bytes at most."},
}};

constexpr Struct ConfigMapVolume::table{"ConfigMapVolume", &room<ConfigMapVolume>, {
    {"name", &ConfigMapVolume::name, honoured, "ConfigMap."},
    {"items", &ConfigMapVolume::items, honoured, "Keys to take; default all."},
    {"defaultMode", &ConfigMapVolume::defaultMode, honoured, "Mode bits of the files. Default 0644."},
    {"optional", &ConfigMapVolume::optional, honoured, "Whether it may be absent. Default false."},
}};

constexpr Struct SecretVolume::table{"SecretVolume", &room<SecretVolume>, {
    {"secretName", &SecretVolume::secretName, honoured, "Secret."},
    {"items", &SecretVolume::items, honoured, "Keys to take; default all."},
    {"defaultMode", &SecretVolume::defaultMode, honoured, "Mode bits of the files. Default 0644."},
    {"optional", &SecretVolume::optional, honoured, "Whether it may be absent. Default false."},
}};

constexpr Struct ObjectFieldSelector::table{"ObjectFieldSelector", &room<ObjectFieldSelector>, {
    {"apiVersion", &ObjectFieldSelector::apiVersion, honoured, "Version of the schema. Default v1."},
    {"fieldPath", &ObjectFieldSelector::fieldPath, honoured, "metadata.name, metadata.namespace, metadata.uid, metadata.labels['x'], status.podIP, …"},
}};

constexpr Struct ResourceFieldSelector::table{"ResourceFieldSelector", &room<ResourceFieldSelector>, {
    {"containerName", &ResourceFieldSelector::containerName, honoured, "Container; required in volumes."},
    {"resource", &ResourceFieldSelector::resource, honoured, "limits.cpu, requests.memory, …"},
    {"divisor", &ResourceFieldSelector::divisor, honoured, "Unit of the output. Default 1."},
}};

constexpr Struct DownwardApiFile::table{"DownwardApiFile", &room<DownwardApiFile>, {
    {"path", &DownwardApiFile::path, honoured, "Relative path of the file."},
    {"fieldRef", &DownwardApiFile::fieldRef, honoured, "Field of the pod."},
    {"resourceFieldRef", &DownwardApiFile::resourceFieldRef, honoured, "Resource of a container."},
    {"mode", &DownwardApiFile::mode, honoured, "Mode bits of the file."},
}};

constexpr Struct DownwardApiVolume::table{"DownwardApiVolume", &room<DownwardApiVolume>, {
    {"items", &DownwardApiVolume::items, honoured, "Files."},
    {"defaultMode", &DownwardApiVolume::defaultMode, honoured, "Mode bits of the files. Default 0644."},
}};

constexpr Struct ServiceAccountTokenProjection::table{"ServiceAccountTokenProjection", &room<ServiceAccountTokenProjection>, {
    {"audience", &ServiceAccountTokenProjection::audience, honoured, "For whom the token is. Default the API server."},
    {"expirationSeconds", &ServiceAccountTokenProjection::expirationSeconds, honoured, "Seconds that it lasts, at least 600. Default 3600."},
    {"path", &ServiceAccountTokenProjection::path, honoured, "Relative path of the file."},
}};

constexpr Struct KeysProjection::table{"KeysProjection", &room<KeysProjection>, {
    {"name", &KeysProjection::name, honoured, "ConfigMap or Secret."},
    {"items", &KeysProjection::items, honoured, "Keys to take; default all."},
    {"optional", &KeysProjection::optional, honoured, "Whether it may be absent. Default false."},
}};

constexpr Struct DownwardApiProjection::table{"DownwardApiProjection", &room<DownwardApiProjection>, {
    {"items", &DownwardApiProjection::items, honoured, "Files."},
}};

constexpr Struct VolumeProjection::table{"VolumeProjection", &room<VolumeProjection>, {
    {"serviceAccountToken", &VolumeProjection::serviceAccountToken, honoured, "A token of the pod's ServiceAccount."},
    {"configMap", &VolumeProjection::configMap, honoured, "Keys of a ConfigMap."},
    {"secret", &VolumeProjection::secret, honoured, "Keys of a Secret."},
    {"downwardAPI", &VolumeProjection::downwardAPI, honoured, "Fields of the pod."},
    {"clusterTrustBundle", &VolumeProjection::clusterTrustBundle, honoured, "Certificates of the cluster."},
}};

constexpr Struct ProjectedVolume::table{"ProjectedVolume", &room<ProjectedVolume>, {
    {"sources", &ProjectedVolume::sources, honoured, "What is put together."},
    {"defaultMode", &ProjectedVolume::defaultMode, honoured, "Mode bits of the files. Default 0644."},
}};

constexpr Struct CsiVolume::table{"CsiVolume", &room<CsiVolume>, {
    {"driver", &CsiVolume::driver, honoured, "Name of the driver."},
    {"readOnly", &CsiVolume::readOnly, honoured, "Whether it is read-only. Default false."},
    {"fsType", &CsiVolume::fsType, honoured, "File system."},
    {"volumeAttributes", &CsiVolume::volumeAttributes, honoured, "Settings of the driver."},
    {"nodePublishSecretRef", &CsiVolume::nodePublishSecretRef, honoured, "Secret for the driver."},
}};

constexpr Struct Volume::table{"Volume", &room<Volume>, {
    {"name", &Volume::name, honoured, "Name, unique in the pod."},
    {"emptyDir", &Volume::emptyDir, honoured, "A directory that lasts as long as the pod."},
    {"configMap", &Volume::configMap, honoured, "Files of a ConfigMap."},
    {"secret", &Volume::secret, honoured, "Files of a Secret."},
    {"projected", &Volume::projected, honoured, "Files of several sources."},
    {"downwardAPI", &Volume::downwardAPI, honoured, "Files of the pod's own fields."},
    {"csi", &Volume::csi, honoured, "A volume of a driver, made with the pod."},
    {"hostPath", &Volume::hostPath, honoured, "A path of the node."},
    {"persistentVolumeClaim", &Volume::persistentVolumeClaim, honoured, "A claimed volume."},
}};

constexpr Struct EnvVarSource::table{"EnvVarSource", &room<EnvVarSource>, {
    {"fieldRef", &EnvVarSource::fieldRef, honoured, "Field of the pod."},
    {"resourceFieldRef", &EnvVarSource::resourceFieldRef, honoured, "Resource of a container."},
    {"configMapKeyRef", &EnvVarSource::configMapKeyRef, honoured, "Key of a ConfigMap."},
    {"secretKeyRef", &EnvVarSource::secretKeyRef, honoured, "Key of a Secret."},
}};

constexpr Struct EnvVar::table{"EnvVar", &room<EnvVar>, {
    {"name", &EnvVar::name, honoured, "Name of the variable."},
    {"value", &EnvVar::value, honoured, "Its text; $(NAME) is replaced."},
    {"valueFrom", &EnvVar::valueFrom, honoured, "Where the text comes from."},
}};

constexpr Struct EnvSourceRef::table{"EnvSourceRef", &room<EnvSourceRef>, {
    {"name", &EnvSourceRef::name, honoured, "ConfigMap or Secret."},
    {"optional", &EnvSourceRef::optional, honoured, "Whether it may be absent. Default false."},
}};

constexpr Struct EnvFromSource::table{"EnvFromSource", &room<EnvFromSource>, {
    {"prefix", &EnvFromSource::prefix, honoured, "Put before each key."},
    {"configMapRef", &EnvFromSource::configMapRef, honoured, "All keys of a ConfigMap."},
    {"secretRef", &EnvFromSource::secretRef, honoured, "All keys of a Secret."},
}};

constexpr Struct VolumeMount::table{"VolumeMount", &room<VolumeMount>, {
    {"name", &VolumeMount::name, honoured, "Volume."},
    {"mountPath", &VolumeMount::mountPath, honoured, "Where."},
    {"subPath", &VolumeMount::subPath, honoured, "Path within the volume."},
    {"subPathExpr", &VolumeMount::subPathExpr, honoured, "The same with $(NAME) replaced."},
    {"mountPropagation", &VolumeMount::mountPropagation, honoured, "How mounts travel."},
    {"readOnly", &VolumeMount::readOnly, honoured, "Whether it is read-only. Default false."},
}};

constexpr Struct ContainerPort::table{"ContainerPort", &room<ContainerPort>, {
    {"name", &ContainerPort::name, honoured, "Name of the port."},
    {"containerPort", &ContainerPort::containerPort, honoured, "Port."},
    {"hostPort", &ContainerPort::hostPort, honoured, "Port of the node."},
    {"hostIP", &ContainerPort::hostIP, honoured, "Address of the node."},
    {"protocol", &ContainerPort::protocol, honoured, "TCP, UDP or SCTP. Default TCP."},
}};

constexpr Struct ResourceRequirements::table{"ResourceRequirements", &room<ResourceRequirements>, {
    {"requests", &ResourceRequirements::requests, honoured, "Amounts set aside."},
    {"limits", &ResourceRequirements::limits, honoured, "Amounts at most."},
}};

constexpr Struct Capabilities::table{"Capabilities", &room<Capabilities>, {
    {"add", &Capabilities::add, honoured, "Capabilities to have."},
    {"drop", &Capabilities::drop, honoured, "Capabilities not to have; ALL for all."},
}};

constexpr Struct SecurityProfile::table{"SecurityProfile", &room<SecurityProfile>, {
    {"type", &SecurityProfile::type, honoured, "RuntimeDefault, Unconfined or Localhost."},
    {"localhostProfile", &SecurityProfile::localhostProfile, honoured, "File on the node."},
}};

constexpr Struct SecurityContext::table{"SecurityContext", &room<SecurityContext>, {
    {"runAsUser", &SecurityContext::runAsUser, honoured, "User id."},
    {"runAsGroup", &SecurityContext::runAsGroup, honoured, "Group id."},
    {"runAsNonRoot", &SecurityContext::runAsNonRoot, honoured, "Whether root is refused."},
    {"readOnlyRootFilesystem", &SecurityContext::readOnlyRootFilesystem, honoured, "Whether the root file system is read-only."},
    {"allowPrivilegeEscalation", &SecurityContext::allowPrivilegeEscalation, honoured, "Whether more rights than the parent's can be had."},
    {"privileged", &SecurityContext::privileged, honoured, "Whether it is root on the node."},
    {"capabilities", &SecurityContext::capabilities, honoured, "Linux capabilities."},
    {"seccompProfile", &SecurityContext::seccompProfile, honoured, "System calls allowed."},
    {"appArmorProfile", &SecurityContext::appArmorProfile, honoured, "AppArmor profile."},
    {"procMount", &SecurityContext::procMount, honoured, "Default or Unmasked."},
}};

constexpr Struct PodSecurityContext::table{"PodSecurityContext", &room<PodSecurityContext>, {
    {"runAsUser", &PodSecurityContext::runAsUser, honoured, "User id of all containers."},
    {"runAsGroup", &PodSecurityContext::runAsGroup, honoured, "Group id of all containers."},
    {"runAsNonRoot", &PodSecurityContext::runAsNonRoot, honoured, "Whether root is refused."},
    {"fsGroup", &PodSecurityContext::fsGroup, honoured, "Group that owns the volumes."},
    {"fsGroupChangePolicy", &PodSecurityContext::fsGroupChangePolicy, honoured, "OnRootMismatch or Always."},
    {"supplementalGroups", &PodSecurityContext::supplementalGroups, honoured, "Further groups."},
    {"seccompProfile", &PodSecurityContext::seccompProfile, honoured, "System calls allowed."},
    {"appArmorProfile", &PodSecurityContext::appArmorProfile, honoured, "AppArmor profile."},
    {"sysctls", &PodSecurityContext::sysctls, honoured, "Kernel parameters."},
}};

constexpr Struct Container::table{"Container", &room<Container>, {
    {"name", &Container::name, honoured, "Name, unique in the pod."},
    {"image", &Container::image, honoured, "Image."},
    {"imagePullPolicy", &Container::imagePullPolicy, honoured, "Always, IfNotPresent or Never."},
    {"command", &Container::command, honoured, "Entry point; default the image's."},
    {"args", &Container::args, honoured, "Arguments; default the image's."},
    {"workingDir", &Container::workingDir, honoured, "Working directory; default the image's."},
    {"ports", &Container::ports, honoured, "Ports; informative."},
    {"env", &Container::env, honoured, "Environment; later entries see earlier ones."},
    {"envFrom", &Container::envFrom, honoured, "Environment from whole objects."},
    {"resources", &Container::resources, honoured, "Amounts."},
    {"volumeMounts", &Container::volumeMounts, honoured, "Mounts."},
    {"securityContext", &Container::securityContext, honoured, "Security settings."},
    {"restartPolicy", &Container::restartPolicy, honoured, "Of an init container: Always makes it a sidecar."},
    {"livenessProbe", &Container::livenessProbe, honoured, "Restart it when this fails."},
    {"readinessProbe", &Container::readinessProbe, honoured, "Not ready when this fails."},
    {"startupProbe", &Container::startupProbe, honoured, "Others wait for this."},
    {"lifecycle", &Container::lifecycle, honoured, "Handlers after start and before stop."},
    {"terminationMessagePath", &Container::terminationMessagePath, honoured, "File read at the end. Default /dev/termination-log."},
    {"terminationMessagePolicy", &Container::terminationMessagePolicy, honoured, "File or FallbackToLogsOnError. Default File."},
    {"stdin", &Container::stdin_, honoured, "Whether standard input stays open."},
    {"stdinOnce", &Container::stdinOnce, honoured, "Whether it closes after the first client."},
    {"tty", &Container::tty, honoured, "Whether there is a terminal."},
}};

constexpr Struct PodSpec::table{"PodSpec", &room<PodSpec>, {
    {"initContainers", &PodSpec::initContainers, honoured, "Run one after another before the others; sidecars stay."},
    {"containers", &PodSpec::containers, honoured, "Run together."},
    {"ephemeralContainers", &PodSpec::ephemeralContainers, honoured, "For debugging."},
    {"volumes", &PodSpec::volumes, honoured, "Volumes."},
    {"restartPolicy", &PodSpec::restartPolicy, honoured, "Always, OnFailure or Never. Default Always."},
    {"terminationGracePeriodSeconds", &PodSpec::terminationGracePeriodSeconds, honoured, "Seconds between SIGTERM and SIGKILL. Default 30."},
    {"activeDeadlineSeconds", &PodSpec::activeDeadlineSeconds, honoured, "Seconds that the pod may take."},
    {"nodeName", &PodSpec::nodeName, honoured, "Node it is bound to."},
    {"nodeSelector", &PodSpec::nodeSelector, honoured, "Labels of the node that it needs."},
    {"serviceAccountName", &PodSpec::serviceAccountName, honoured, "Its identity. Default default."},
    {"automountServiceAccountToken", &PodSpec::automountServiceAccountToken, honoured, "Whether a token of the API server is mounted. Default true."},
    {"schedulerName", &PodSpec::schedulerName, honoured, "Who binds it."},
    {"hostname", &PodSpec::hostname, honoured, "Host name."},
    {"subdomain", &PodSpec::subdomain, honoured, "Subdomain."},
    {"dnsPolicy", &PodSpec::dnsPolicy, honoured, "How names are resolved."},
    {"enableServiceLinks", &PodSpec::enableServiceLinks, honoured, "Whether Services become environment. Default true."},
    {"shareProcessNamespace", &PodSpec::shareProcessNamespace, honoured, "Whether its containers see each other's processes."},
    {"hostNetwork", &PodSpec::hostNetwork, honoured, "Whether it has the node's network."},
    {"hostPID", &PodSpec::hostPID, honoured, "Whether it sees the node's processes."},
    {"hostIPC", &PodSpec::hostIPC, honoured, "Whether it has the node's IPC."},
    {"hostUsers", &PodSpec::hostUsers, honoured, "Whether it has the node's users. Default true."},
    {"securityContext", &PodSpec::securityContext, honoured, "Security settings of all containers."},
    {"imagePullSecrets", &PodSpec::imagePullSecrets, honoured, "Secrets for pulling images."},
    {"runtimeClassName", &PodSpec::runtimeClassName, honoured, "RuntimeClass."},
    {"priorityClassName", &PodSpec::priorityClassName, honoured, "PriorityClass."},
    {"priority", &PodSpec::priority, honoured, "Its value."},
    {"affinity", &PodSpec::affinity, inert, "Where it likes to be; on one node there is no choice."},
    {"tolerations", &PodSpec::tolerations, honoured, "Taints that it bears."},
    {"topologySpreadConstraints", &PodSpec::topologySpreadConstraints, inert, "How its like are spread; on one node they are together."},
    {"hostAliases", &PodSpec::hostAliases, honoured, "Lines of /etc/hosts."},
}};

constexpr Struct WaitingState::table{"WaitingState", &room<WaitingState>, {
    {"reason", &WaitingState::reason, honoured, "Why, in one word."},
    {"message", &WaitingState::message, honoured, "Why, for people."},
}};

constexpr Struct RunningState::table{"RunningState", &room<RunningState>, {
    {"startedAt", &RunningState::startedAt, honoured, "When it started."},
}};

constexpr Struct TerminatedState::table{"TerminatedState", &room<TerminatedState>, {
    {"exitCode", &TerminatedState::exitCode, honoured, "Exit code."},
    {"signal", &TerminatedState::signal, honoured, "Signal that ended it."},
    {"reason", &TerminatedState::reason, honoured, "Completed, Error, OOMKilled, …"},
    {"message", &TerminatedState::message, honoured, "Its termination message."},
    {"containerID", &TerminatedState::containerID, honoured, "Which container."},
    {"startedAt", &TerminatedState::startedAt, honoured, "When it started."},
    {"finishedAt", &TerminatedState::finishedAt, honoured, "When it ended."},
}};

constexpr Struct ContainerState::table{"ContainerState", &room<ContainerState>, {
    {"waiting", &ContainerState::waiting, honoured, "It does not run yet."},
    {"running", &ContainerState::running, honoured, "It runs."},
    {"terminated", &ContainerState::terminated, honoured, "It has ended."},
}};

constexpr Struct ContainerStatus::table{"ContainerStatus", &room<ContainerStatus>, {
    {"name", &ContainerStatus::name, honoured, "Container."},
    {"image", &ContainerStatus::image, honoured, "Image that runs."},
    {"imageID", &ContainerStatus::imageID, honoured, "Its digest."},
    {"containerID", &ContainerStatus::containerID, honoured, "<runtime>://<id>."},
    {"state", &ContainerStatus::state, honoured, "Now."},
    {"lastState", &ContainerStatus::lastState, honoured, "The end before the last restart."},
    {"ready", &ContainerStatus::ready, honoured, "Whether it is ready."},
    {"started", &ContainerStatus::started, honoured, "Whether it has started."},
    {"restartCount", &ContainerStatus::restartCount, honoured, "Restarts."},
}};

constexpr Struct PodCondition::table{"PodCondition", &room<PodCondition>, {
    {"type", &PodCondition::type, honoured, "PodScheduled, Initialized, ContainersReady, Ready, …"},
    {"status", &PodCondition::status, honoured, "True, False or Unknown."},
    {"reason", &PodCondition::reason, honoured, "Why, in one word."},
    {"message", &PodCondition::message, honoured, "Why, for people."},
    {"lastTransitionTime", &PodCondition::lastTransitionTime, honoured, "When the status last changed."},
    {"lastProbeTime", &PodCondition::lastProbeTime, honoured, "When it was last looked at."},
    {"observedGeneration", &PodCondition::observedGeneration, honoured, "metadata.generation on which it rests."},
}};

constexpr Struct PodIp::table{"PodIp", &room<PodIp>, {
    {"ip", &PodIp::ip, honoured, "Address."},
}};

constexpr Struct PodStatus::table{"PodStatus", &room<PodStatus>, {
    {"phase", &PodStatus::phase, honoured, "Pending, Running, Succeeded, Failed or Unknown."},
    {"reason", &PodStatus::reason, honoured, "Why, in one word."},
    {"message", &PodStatus::message, honoured, "Why, for people."},
    {"hostIP", &PodStatus::hostIP, honoured, "Address of the node."},
    {"podIP", &PodStatus::podIP, honoured, "Address of the pod."},
    {"podIPs", &PodStatus::podIPs, honoured, "Addresses of the pod."},
    {"qosClass", &PodStatus::qosClass, honoured, "Guaranteed, Burstable or BestEffort."},
    {"startTime", &PodStatus::startTime, honoured, "When the node took it."},
    {"conditions", &PodStatus::conditions, honoured, "Conditions, by type."},
    {"initContainerStatuses", &PodStatus::initContainerStatuses, honoured, "Of the init containers."},
    {"containerStatuses", &PodStatus::containerStatuses, honoured, "Of the containers."},
    {"observedGeneration", &PodStatus::observedGeneration, honoured, "metadata.generation on which it rests."},
}};

constexpr Struct Pod::table{"Pod", &room<Pod>, {
    {"metadata", &Pod::metadata, honoured, "Name, labels, owners."},
    {"spec", &Pod::spec, honoured, "What shall run."},
    {"status", &Pod::status, honoured, "What runs."},
}, &Pod::info};

constexpr KindInfo Pod::info{
    .group = "", .version = "v1",
    .kind = "Pod", .plural = "pods", .singular = "pod",
    .status = StatusSubresource::yes,
    .short_names = {"po"},
    .categories = {"all"},
    .table = &Pod::table,
    .doc = "Containers that live and die together on one node.",
};

}  // namespace objects
