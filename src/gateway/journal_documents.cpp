#include "gateway/journal_documents.h"

#include "base/text.h"
#include "protocol/journal_api.h"

namespace gateway {

using base::cat;
using base::Code;
using base::Error;
using base::Json;
using base::JsonArray;
using base::JsonObject;

Reason reason_of(Code code) {
  switch (code) {
    case Code::invalid: return {400, "BadRequest"};
    case Code::not_found: return {404, "NotFound"};
    case Code::exists: return {409, "AlreadyExists"};
    case Code::conflict: return {409, "Conflict"};
    case Code::denied: return {403, "Forbidden"};
    case Code::unavailable: return {503, "ServiceUnavailable"};
    case Code::timeout: return {504, "Timeout"};
    default: return {500, "InternalError"};
  }
}

io::Response json_answer(int status, const Json& body) {
  return {status, {{"Content-Type", "application/json"}}, base::to_text(body)};
}

io::Response failure(Reason reason, std::string_view message) {
  return json_answer(reason.http, JsonObject{{"kind", "Status"},
                                             {"apiVersion", "v1"},
                                             {"metadata", JsonObject{}},
                                             {"status", "Failure"},
                                             {"message", message},
                                             {"reason", reason.reason},
                                             {"code", reason.http}});
}

namespace {

// ---- discovery ----

JsonArray words(const std::vector<std::string_view>& list) {
  JsonArray out;
  for (const auto word : list) out.emplace_back(word);
  return out;
}

Json resource_list() {
  JsonArray list;
  for (const auto& resource : protocol::journal_resources()) {
    list.push_back(JsonObject{{"name", resource.plural},
                              {"singularName", resource.singular},
                              {"namespaced", true},
                              {"kind", resource.kind},
                              {"verbs", words(resource.verbs)}});
    for (const auto& sub : resource.subresources)
      list.push_back(JsonObject{{"name", cat(resource.plural, "/", sub.name)},
                                {"singularName", ""},
                                {"namespaced", true},
                                {"kind", sub.kind},
                                {"verbs", words({sub.verb})}});
  }
  return JsonObject{{"kind", "APIResourceList"},
                    {"apiVersion", "v1"},
                    {"groupVersion", protocol::journal_api_version},
                    {"resources", std::move(list)}};
}

Json group() {
  const JsonObject version{{"groupVersion", protocol::journal_api_version},
                           {"version", protocol::journal_version}};
  return JsonObject{{"kind", "APIGroup"},
                    {"apiVersion", "v1"},
                    {"name", protocol::journal_group},
                    {"versions", JsonArray{version}},
                    {"preferredVersion", version}};
}

}  // namespace

std::optional<Json> find_discovery(const std::vector<std::string>& parts) {
  if (parts.empty() || parts[0] != "apis") return {};
  if (parts.size() == 1)
    return JsonObject{
        {"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", JsonArray{group()}}};
  if (parts[1] != protocol::journal_group) return {};
  if (parts.size() == 2) return group();
  if (parts.size() == 3 && parts[2] == protocol::journal_version) return resource_list();
  return {};
}

// ---- tables ----

bool wants_table(const io::Exchange& exchange) {
  return exchange.headers().get("Accept").find("as=Table") != std::string_view::npos;
}

namespace {

Json column(std::string_view name, std::string_view type, std::string_view doc) {
  return JsonObject{{"name", name},
                    {"type", type},
                    {"format", name == "Name" ? "name" : ""},
                    {"description", doc},
                    {"priority", 0}};
}

Json table_row(const Json& record) {
  const auto number = [&](std::string_view member) {
    return base::find_int(record, {"status", member}).value_or(0);
  };
  std::string outcome = base::text_at(record, {"status", "outcome"});
  if (base::find_bool(record, {"status", "imported"}).value_or(false))
    outcome += outcome.empty() ? "imported" : ", imported";
  return JsonObject{{"cells", JsonArray{base::text_at(record, {"metadata", "name"}),
                                        base::text_at(record, {"metadata", "uid"}), outcome,
                                        number("modelCalls"), number("toolCalls"),
                                        cat(number("inputTokens"), " + ", number("outputTokens")),
                                        base::text_at(record, {"status", "began"})}},
                    {"object", JsonObject{{"kind", "PartialObjectMetadata"},
                                          {"apiVersion", "meta.k8s.io/v1"},
                                          {"metadata", record.at("metadata")}}}};
}

}  // namespace

Json make_table(const JsonArray& records, JsonObject metadata) {
  JsonArray rows;
  for (const Json& record : records) rows.push_back(table_row(record));
  return JsonObject{{"kind", "Table"},
                    {"apiVersion", "meta.k8s.io/v1"},
                    {"metadata", std::move(metadata)},
                    {"columnDefinitions",
                     JsonArray{column("Name", "string", "Name of the run."),
                               column("UID", "string", "Its Kubernetes UID."),
                               column("Outcome", "string", "success or error, once it has ended."),
                               column("Model", "integer", "Model calls."),
                               column("Tools", "integer", "Tool calls."),
                               column("Tokens", "string", "Tokens read and written."),
                               column("Began", "string", "Time of its first event.")}},
                    {"rows", std::move(rows)}};
}

}  // namespace gateway
