// What Kubernetes must know of a kind besides its fields.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "schema/schema.h"

namespace schema {

enum class Scope : bool { cluster, namespaced };
enum class StatusSubresource : bool { no, yes };

struct PrinterColumn {
  std::string_view name;
  std::string_view type;  // string, integer, date
  std::string_view path;  // ".status.phase"
  std::string_view doc;
  int priority = 0;  // 1: only with -o wide
};

struct KindInfo {
  std::string_view group;  // "" is the core group
  std::string_view version;
  std::string_view kind, plural, singular;
  Scope scope = Scope::namespaced;
  StatusSubresource status = StatusSubresource::no;
  std::initializer_list<std::string_view> short_names = {};
  std::initializer_list<std::string_view> categories = {};
  std::initializer_list<PrinterColumn> columns = {};
  const Struct* table = nullptr;  // of the whole object: metadata, spec, status
  std::string_view doc = {};

  std::string api_version() const;  // "v1", "sympozium.ai/v1alpha1"
};

// The URL path of a collection (name ""), an object or a subresource of it. `ns` is "" for kinds of
// the cluster, and for the collection over all namespaces.
// path_of(pods, "default", "a", "log") = "/api/v1/namespaces/default/pods/a/log"
std::string path_of(const KindInfo&, std::string_view ns, std::string_view name = {},
                    std::string_view subresource = {});

}  // namespace schema
