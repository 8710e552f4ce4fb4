// What the handlers of one server share, and what they know of one request.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apiserver/authn.h"
#include "apiserver/authz.h"
#include "apiserver/render.h"
#include "apiserver/request.h"
#include "apiserver/resource.h"
#include "apiserver/server.h"
#include "apiserver/store.h"
#include "apiserver/user.h"
#include "apiserver/verbs.h"
#include "base/clock.h"
#include "io/http.h"

namespace apiserver {

struct Context {
  io::Loop& loop;
  base::Clock& clock;
  base::Random& random;
  base::Log& log;
  const ServerSettings& settings;
  const Catalog& catalog;
  Store& store;
  Verbs& verbs;
  Authenticator& authenticator;
  Rbac& rbac;
  NodeAuthorizer& nodes;
  io::Event& stopping;
  std::map<std::string, std::string>&
      documents;            // discovery and OpenAPI, made when first asked for
  io::HttpClient* journal;  // to who serves the aggregated kinds; null when they are not
  // Makes what each namespace has (its default ServiceAccount, its root certificate).
  std::function<io::Task<>(std::string ns)> furnish;
};

// One request on its way; lives as long as its handler.
struct Call {
  io::Exchange& exchange;
  io::Target target;
  RequestInfo info;
  User user;                  // for whom it is done
  std::optional<User> asker;  // who asked, when that is somebody else
  const Resource* resource = nullptr;
  std::vector<std::string> warnings;
  io::Headers headers;      // of the answer, beside its type
  int status = 0;           // of the answer
  std::string answer_name;  // the object that was made, for the audit line
  base::JsonObject answer;  // the Status of a refusal, for the audit line
  base::Time received{};
};

// Writes an answer with the call's warnings.
io::Task<> answer(Call&, int status, std::string body, std::string type = "application/json");
io::Task<base::Json> read_json(Context&, Call&);  // 413, 415, 400
io::Task<std::string> read_body(Context&, Call&);
io::Task<std::string> read_options(Context&, Call&);  // DeleteOptions as JSON, or ""

// Handlers. Each answers the call or throws StatusError.
io::Task<> serve_resource(Context&, Call&);     // generic verbs (serve.cpp)
io::Task<> serve_watch(Context&, Call&);        // watch.cpp
io::Task<> serve_subresource(Context&, Call&);  // binding, token, log, … (subresources.cpp)
io::Task<> serve_aggregated(Context&, Call&);   // other programs' kinds (aggregated.cpp)
io::Task<> serve_review(Context&, Call&);       // create-only kinds (reviews.cpp)
io::Task<> serve_path(Context&, Call&);         // discovery, version, health, OpenAPI (paths.cpp)

bool may(const Context&, const User&, const RequestInfo&, const io::Target&);

}  // namespace apiserver
