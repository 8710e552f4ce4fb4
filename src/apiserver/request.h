// What a request asks for, read from its line and headers (apiserver's RequestInfo).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "io/http.h"

namespace apiserver {

struct RequestInfo {
  bool is_resource = false;  // else a path such as /version
  std::string path;
  std::string
      verb;  // get list watch create update patch delete deletecollection; else lower method
  std::string group, version, ns, resource, subresource, name;
  std::string rest;  // of the path, behind the subresource
};

// `/api/v1/…` and `/apis/<group>/<version>/…`; list and watch take the name that a field selector
// pins, so that rights to one named object suffice.
RequestInfo parse_request(std::string_view method, const io::Target&);

// How an answer is to be written.
struct Form {
  enum class Shape : unsigned char { object, table, partial } shape = Shape::object;
  std::string version = "v1";  // of meta.k8s.io for table and partial
};
// The first acceptable entry of an Accept header; StatusError 406 when there is none. What is not
// stored has no other form than its own.
enum class Forms : unsigned char { all, object_only };
Form negotiate(std::string_view accept, Forms = Forms::all);

// One entry of an Accept header: {"type": "application/json", "as": …}.
struct MediaType {
  std::string type;
  std::vector<std::pair<std::string, std::string>> parameters;
  std::string get(std::string_view name) const;
};
std::vector<MediaType> parse_accept(std::string_view);

// Query parameters of Kubernetes (metav1.ListOptions, CreateOptions, …).
bool query_flag(const io::Target&, std::string_view name);  // "1", "true"; also present and empty
std::optional<std::int64_t> query_number(const io::Target&, std::string_view name);  // 400

enum class FieldValidation : unsigned char { ignore, warn, strict };

struct WriteOptions {
  bool dry_run = false;
  FieldValidation field_validation = FieldValidation::warn;
};
WriteOptions parse_write_options(const io::Target&);  // StatusError 400 names the parameter

struct DeleteOptions {
  bool dry_run = false;
  std::optional<std::int64_t> grace_seconds;
  std::string propagation;            // "", Background, Foreground, Orphan
  std::string uid, resource_version;  // preconditions, "" = none
};
// From query and body (which may be empty); the body wins. StatusError 400.
DeleteOptions parse_delete_options(const io::Target&, std::string_view body);

}  // namespace apiserver
