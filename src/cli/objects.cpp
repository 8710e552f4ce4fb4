// What commands share about kinds, and the small commands: describe, delete, version.
#include "base/text.h"
#include "cli/render.h"
#include "cli/session.h"
#include "objects/agent_run.h"
#include "objects/event.h"
#include "objects/kinds.h"
#include "protocol/journal_api.h"

namespace cli {

using base::cat;
using base::Json;

namespace {

// Reviews and token requests are asked, not kept.
bool is_kept(const schema::KindInfo& kind) {
  return !kind.kind.ends_with("Review") && kind.kind != "TokenRequest";
}

void hide_managed_fields(Json& object) {
  if (base::find(object, {"metadata", "managedFields"}))
    base::ensure(object, {"metadata"}).get_object().erase("managedFields");
  Json* items = object.is_object() ? object.get_object().if_contains("items") : nullptr;
  if (items && items->is_array())
    for (Json& item : items->get_array()) hide_managed_fields(item);
}

// Events of one object, oldest first; none where we may not read them.
io::Task<base::JsonArray> events_of(Session& session, Json object) {
  kube::Page page;
  kube::ListOptions options;
  options.field_selector = cat("involvedObject.uid=", base::text_at(object, {"metadata", "uid"}));
  kube::Ref events{&objects::Event::info, base::text_at(object, {"metadata", "namespace"}), {}, {}};
  try {
    page = co_await session.api.list(std::move(events), std::move(options));
  } catch (const base::Error& error) {
    if (error.code() != base::Code::denied) throw;
  }
  co_return std::move(page.items);
}

}  // namespace

const schema::KindInfo& kind_named(const std::string& word) {
  static constexpr schema::KindInfo run_record{.group = protocol::journal_group,
                                               .version = protocol::journal_version,
                                               .kind = "RunRecord",
                                               .plural = "runrecords",
                                               .singular = "runrecord"};
  const std::string lower = base::lower(word);
  if (lower == run_record.plural || lower == run_record.singular) return run_record;
  if (lower == "run" || lower == "runs") return objects::AgentRun::info;
  if (lower == "skill" || lower == "skills") return *objects::find_kind_named("skillpacks");
  const schema::KindInfo* kind = objects::find_kind_named(lower);
  if (kind && is_kept(*kind)) return *kind;
  std::vector<std::string> known;
  for (auto kinds : {objects::own_kinds(), objects::core_kinds()})
    for (const schema::KindInfo* other : kinds)
      if (is_kept(*other)) known.emplace_back(other->plural);
  throw base::Error(base::Code::invalid,
                    cat("there is no kind \"", word, "\"; there are: ", base::join(known, ", ")));
}

std::string name_of(const schema::KindInfo& kind, const std::string& name) {
  return cat(kind.singular, kind.group.empty() ? "" : ".", kind.group, "/", name);
}

std::string namespace_for(const Session& session, const schema::KindInfo& kind) {
  return kind.scope == schema::Scope::namespaced ? session.ns : "";
}

std::string format_objects(std::vector<Json> list, Output output) {
  std::string out;
  for (Json& object : list) hide_managed_fields(object);
  if (output == Output::name) {
    for (const Json& object : list) {
      const auto* kind = objects::find_kind_of(base::text_at(object, {"apiVersion"}),
                                               base::text_at(object, {"kind"}));
      const std::string name = base::text_at(object, {"metadata", "name"});
      out += (kind ? name_of(*kind, name) : name) + "\n";
    }
    return out;
  }
  Json tree = list.size() == 1
                  ? list.front()
                  : Json(base::JsonObject{{"apiVersion", "v1"},
                                          {"kind", "List"},
                                          {"items", base::JsonArray(list.begin(), list.end())}});
  return output == Output::json ? base::to_text(tree) + "\n" : format_yaml(tree);
}

io::Task<int> execute(Session& session, DescribeOptions options) {
  const schema::KindInfo& kind = kind_named(options.kind);
  kube::Ref ref{&kind, namespace_for(session, kind), options.name, {}};
  const Json object = co_await session.api.get(std::move(ref), kube::GetOptions{});
  const base::JsonArray events = co_await events_of(session, object);
  const base::Time now = session.clock.now();
  session.terminal.print(&kind == &objects::AgentRun::info ? describe_run(object, now)
                                                           : describe_object(object, now));
  session.terminal.print(describe_events(events, now));
  co_return exit_ok;
}

io::Task<int> execute(Session& session, DeleteOptions options) {
  const schema::KindInfo& kind = kind_named(options.kind);
  int code = exit_ok;
  for (const std::string& name : options.names) {
    kube::Ref ref{&kind, namespace_for(session, kind), name, {}};
    kube::RemoveOptions remove;
    remove.propagation = kube::Propagation::background;
    try {
      co_await session.api.remove(std::move(ref), std::move(remove));
      session.terminal.print(cat(name_of(kind, name), " deleted\n"));
    } catch (const base::Error& error) {
      if (error.code() != base::Code::not_found) throw;
      session.terminal.note(cat("sympozium: ", error.what()));
      code = exit_error;  // and on to the others
    }
  }
  co_return code;
}

io::Task<int> execute(Session& session, VersionOptions) {
  const Json server = co_await session.api.get_path("/version");
  session.terminal.print(
      cat("server     Kubernetes ", base::text_at(server, {"gitVersion"}), "\n"));
  co_return exit_ok;
}

}  // namespace cli
