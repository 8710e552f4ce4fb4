// What the journal API answers beside the journal's contents: discovery, tables, failures.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "io/http.h"

namespace gateway {

io::Response json_answer(int status, const base::Json& body);

// A Kubernetes Status.
struct Reason {
  int http;
  std::string_view reason;
};
Reason reason_of(base::Code);
io::Response failure(Reason, std::string_view message);

// The discovery document at this path.
std::optional<base::Json> find_discovery(const std::vector<std::string>& parts);

// Tables, as kubectl asks for them (meta.k8s.io/v1).
bool wants_table(const io::Exchange&);
base::Json make_table(const base::JsonArray& records, base::JsonObject metadata);

}  // namespace gateway
