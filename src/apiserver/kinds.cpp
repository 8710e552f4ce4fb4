#include "apiserver/kinds.h"

#include "apiserver/render.h"
#include "base/text.h"
#include "objects/kinds.h"
#include "schema/openapi.h"
#include "schema/validate.h"

namespace apiserver {

using base::cat;
using base::Json;

std::vector<std::string> all_verbs() {
  return {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
}

Resource make_resource(std::string group, std::string version, std::string plural, std::string kind,
                       Scope scope) {
  Resource resource;
  resource.storage = group.empty() ? plural : plural + "." + group;
  resource.group = std::move(group);
  resource.version = std::move(version);
  resource.singular = base::lower(kind);
  resource.plural = std::move(plural);
  resource.kind = std::move(kind);
  resource.scope = scope;
  resource.verbs = all_verbs();
  return resource;
}

Subresource status_of_kind(const std::string& kind) {
  return {"status", kind, "", "", {"get", "patch", "update"}};
}

std::vector<Column> make_columns(std::initializer_list<std::string_view> titles) {
  std::vector<Column> columns;
  for (auto title : titles) {
    Column column;
    auto colon = title.find(':');
    column.name = title.substr(0, colon);
    if (colon != std::string_view::npos) column.priority = 1;
    if (columns.empty()) column.format = "name";
    column.description = column.name;
    columns.push_back(std::move(column));
  }
  return columns;
}

std::string age_of(const Json& object, base::Time now) {
  return age_cell(base::text_at(object, {"metadata", "creationTimestamp"}), now);
}

void set_default(Json& object, std::string_view member, Json value) {
  auto& members = object.as_object();
  auto at = members.if_contains(member);
  if (!at || at->is_null()) members[member] = std::move(value);
}

Json* find_mutable(Json& object, std::initializer_list<std::string_view> path) {
  return const_cast<Json*>(base::find(object, path));
}

base::JsonArray* find_array(Json& object, std::initializer_list<std::string_view> path) {
  auto at = find_mutable(object, path);
  return at ? at->if_array() : nullptr;
}

const base::JsonArray* find_array(const Json& object,
                                  std::initializer_list<std::string_view> path) {
  auto at = base::find(object, path);
  return at ? at->if_array() : nullptr;
}

namespace {

// Members of Kubernetes' kinds that our tables do not name: kept, and nobody here looks at them.
constexpr std::string_view beyond_tables =
    " allocatedResources allocatedResourcesStatus awsElasticBlockStore azureDisk azureFile "
    "backoffLimitPerIndex bindMountOptions cephfs cinder claims completedIndexes config "
    "configSource declaredFeatures defaultUser dnsConfig ephemeral "
    "ephemeralContainerStatuses evictionResponders extendedResourceClaimStatus externalID "
    "failedIndexes fc features fileKeyRef flexVolume flocker gcePersistentDisk gitRepo "
    "glusterfs hostIPs hostnameOverride image images iscsi managedBy maxFailedIndexes mode "
    "nfs nodeAllocatableResourceClaimStatuses nominatedNodeName os overhead "
    "photonPersistentDisk podCIDRs podCertificate podPreemptionPolicy portworxVolume "
    "preemptionPolicy preferredHolder quobyte rbd readinessGates recursiveReadOnly resize "
    "resizePolicy resourceClaimStatuses resourceClaims resources restartPolicyRules "
    "runningInUserNamespace runtimeHandlers scaleIO scheduling schedulingGates "
    "schedulingGroup seLinuxChangePolicy seLinuxOptions secrets serviceAccount "
    "setHostnameAsFQDN stopSignal storageos strategy successPolicy supplementalGroupsPolicy "
    "swap user volumeDevices volumeHealth volumeMounts volumesAttached volumesInUse "
    "vsphereVolume windowsOptions ";

base::Issues unknown_of_kubernetes(const schema::Struct& table, const Json& object) {
  auto issues = unknown_of(table, object);
  std::erase_if(issues, [](const base::Issue& issue) {
    auto name = std::string_view(issue.path).substr(issue.path.rfind('.') + 1);
    return beyond_tables.find(cat(" ", name, " ")) != std::string_view::npos;
  });
  return issues;
}

}  // namespace

Catalog make_catalog(WithJournal with_journal) {
  std::vector<Resource> all{make_config_maps(), make_namespaces(), make_nodes(),
                            make_pods(),        make_secrets(),    make_service_accounts()};
  auto add = [&](std::vector<Resource> more) {
    for (auto& resource : more) all.push_back(std::move(resource));
  };
  add(make_events());
  add(make_reviews());
  all.push_back(make_jobs());
  all.push_back(make_leases());
  add(make_rbac_kinds());
  add(make_own_kinds());
  if (with_journal == WithJournal::yes) add(make_journal_kinds());
  for (auto& resource : all)
    if (auto info = objects::find_kind(resource.group, resource.plural);
        info && info->version == resource.version) {
      resource.openapi = [info] { return schema::openapi(*info->table); };
      if (!resource.custom)
        resource.unknown_fields = [info](const Json& object) {
          return unknown_of_kubernetes(*info->table, object);
        };
      resource.inert_fields = [info](const Json& object) {
        return schema::warnings(*info->table, object);
      };
    }
  return Catalog(std::move(all));
}

}  // namespace apiserver
