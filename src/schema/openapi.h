// Field tables as OpenAPI v3 structural schemas (Kubernetes API conventions) and as
// CustomResourceDefinitions.
#pragma once

#include "schema/kind.h"

namespace schema {

// The schema of a struct with everything in it inline. Of a whole object it has apiVersion, kind
// and all of metadata, as Kubernetes publishes it.
base::Json openapi(const Struct&);

// apiextensions.k8s.io/v1 CustomResourceDefinition with one served and stored version.
base::Json crd(const KindInfo&);

}  // namespace schema
