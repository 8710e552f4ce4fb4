// Reading the slice of a Pod that a node needs. Pods stay JSON trees: the node passes on what it
// does not know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace node {

enum class Role : unsigned char {
  init,     // runs to its end before the next one starts
  sidecar,  // init container with restartPolicy Always: runs beside all that follow
  main,
};

struct Container {
  Role role;
  std::string name;
  const base::Json* spec;  // into the pod
};

// Init containers in order, then the others. The pod must outlive the result.
std::vector<Container> containers(const base::Json& pod);

// The list at a path; an empty one when it is absent or no list.
const base::JsonArray& items(const base::Json&, std::initializer_list<std::string_view> path);
// The element with this `name`; null when there is none.
const base::Json* named(const base::JsonArray&, std::string_view name);

std::string uid(const base::Json& object);
std::string name(const base::Json& object);
std::string space(const base::Json& object);  // its namespace
// "namespace/name" for messages.
std::string title(const base::Json& object);

// What the pod calls itself: spec.hostname or its name, at most 63 characters.
std::string hostname_of(const base::Json& pod);
std::string restart_policy(const base::Json& pod);  // "Always" when absent
bool is_deleted(const base::Json& pod);             // has a deletionTimestamp
std::int64_t grace_seconds(const base::Json& pod);  // how long containers get after SIGTERM

// A Kubernetes quantity in whole units, rounded up: "1Gi" → 1073741824, "500m" → 1.
// Nothing when it is not one or does not fit.
std::optional<std::int64_t> quantity(std::string_view);
// The same in thousandths: "500m" → 500, "2" → 2000.
std::optional<std::int64_t> milli_quantity(std::string_view);
// A quantity at a path of an object; quantities may be written as numbers.
std::optional<std::int64_t> quantity_at(const base::Json&, std::initializer_list<std::string_view>);
std::optional<std::int64_t> milli_at(const base::Json&, std::initializer_list<std::string_view>);

}  // namespace node
