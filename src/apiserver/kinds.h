// The entries of the catalog, one function per kind or family; used by kinds.cpp only.
#pragma once

#include <vector>

#include "apiserver/resource.h"
#include "schema/schema.h"

namespace apiserver {

// Verbs of a kind that is stored.
std::vector<std::string> all_verbs();
Resource make_resource(std::string group, std::string version, std::string plural, std::string kind,
                       Scope);
Subresource status_of_kind(const std::string& kind);
// {"Name", "Age"} and what lies between them; a column is "Title" or "Title:priority".
std::vector<Column> make_columns(std::initializer_list<std::string_view> titles);
std::string age_of(const base::Json& object, base::Time now);

Resource make_pods();
Resource make_jobs();
Resource make_nodes();
Resource make_secrets();
Resource make_config_maps();
Resource make_namespaces();
Resource make_service_accounts();
Resource make_leases();
std::vector<Resource> make_events();  // core/v1 and events.k8s.io/v1
std::vector<Resource> make_rbac_kinds();
std::vector<Resource> make_reviews();
std::vector<Resource> make_own_kinds();      // sympozium.ai
std::vector<Resource> make_journal_kinds();  // journal.sympozium.ai

// Defaults and validation of a pod's spec, which a Job's template shares.
void default_pod_spec(base::Json& spec);
base::Issues validate_pod_spec(const base::Json& spec, const std::string& path);

// Fields of an object that its table does not have.
base::Issues unknown_of(const schema::Struct&, const base::Json& object);

// ---- small tools for defaults ----
void set_default(base::Json& object, std::string_view member, base::Json value);
base::JsonArray* find_array(base::Json& object, std::initializer_list<std::string_view> path);
const base::JsonArray* find_array(const base::Json& object,
                                  std::initializer_list<std::string_view> path);
base::Json* find_mutable(base::Json& object, std::initializer_list<std::string_view> path);

}  // namespace apiserver
