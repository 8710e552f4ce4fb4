// get: tables as the server draws them, objects as they are, once or as they change.
#include "base/text.h"
#include "cli/render.h"
#include "cli/session.h"

namespace cli {

using base::Json;

namespace {

// One `get` in progress.
class Getter {
 public:
  Getter(Session& session, const schema::KindInfo& kind, GetOptions options)
      : session_(session),
        kind_(kind),
        options_(std::move(options)),
        ns_(options_.all_namespaces ? "" : namespace_for(session, kind)),
        tables_(session.output == Output::text || session.output == Output::wide),
        printer_(session.output == Output::wide ? Width::wide : Width::normal,
                 ns_.empty() && kind.scope == schema::Scope::namespaced ? NamespaceColumn::yes
                                                                        : NamespaceColumn::no) {}

  io::Task<> names() {
    std::vector<Json> objects;
    for (const std::string& name : options_.names) {
      kube::Ref ref{&kind_, ns_, name, {}};
      kube::GetOptions get{tables_ ? kube::Detail::table : kube::Detail::object};
      Json found = co_await session_.api.get(std::move(ref), std::move(get));
      if (tables_)
        session_.terminal.print(printer_.add(found));
      else
        objects.push_back(std::move(found));
    }
    if (!tables_) session_.terminal.print(format_objects(objects, session_.output));
  }

  // The whole collection, or with one name that object as a collection; returns the revision that
  // a watch goes on from.
  io::Task<std::string> collection() {
    std::string revision;
    if (tables_) {
      kube::Ref ref{&kind_, ns_, {}, {}};
      kube::GetOptions get{kube::Detail::table, options_.selector, field_selector()};
      const Json table = co_await session_.api.get(std::move(ref), std::move(get));
      revision = base::text_at(table, {"metadata", "resourceVersion"});
      const std::string text = printer_.add(table);
      if (text.empty() && !options_.watch) note_nothing();
      session_.terminal.print(text);
      co_return revision;
    }
    std::vector<Json> objects;
    kube::ListOptions list;
    list.label_selector = options_.selector;
    list.field_selector = field_selector();
    list.limit = 500;
    do {
      kube::Ref ref{&kind_, ns_, {}, {}};
      kube::Page page = co_await session_.api.list(std::move(ref), list);
      for (Json& item : page.items) objects.push_back(std::move(item));
      list.continue_token = page.continue_token;
      revision = page.resource_version;
    } while (!list.continue_token.empty());
    if (options_.watch) {
      for (const Json& object : objects) print_object(object);
    } else if (session_.output != Output::name || !objects.empty()) {
      Json all(base::JsonObject{{"apiVersion", "v1"},
                                {"kind", "List"},
                                {"items", base::JsonArray(objects.begin(), objects.end())}});
      session_.terminal.print(session_.output == Output::name
                                  ? format_objects(objects, Output::name)
                                  : format_objects({std::move(all)}, session_.output));
    }
    co_return revision;
  }

  // Prints changes until the server ends the watch; returns the revision seen last, "" when it is
  // too old to go on from.
  io::Task<std::string> changes(std::string revision) {
    kube::Ref ref{&kind_, ns_, {}, {}};
    kube::WatchOptions watch{.label_selector = options_.selector,
                             .field_selector = field_selector(),
                             .resource_version = revision,
                             .detail = tables_ ? kube::Detail::table : kube::Detail::object};
    std::unique_ptr<kube::WatchStream> stream;
    try {
      stream = co_await session_.api.watch(std::move(ref), std::move(watch));
    } catch (const base::Error& error) {
      if (error.code() != base::Code::gone) throw;
    }
    if (!stream) co_return std::string();
    for (;;) {
      std::optional<kube::WatchEvent> event = co_await stream->next();
      if (!event) co_return revision;
      if (event->type == kube::WatchEvent::Type::error) co_return std::string();
      if (auto seen = revision_of(event->object); !seen.empty()) revision = seen;
      if (event->type == kube::WatchEvent::Type::bookmark) continue;
      if (tables_)
        session_.terminal.print(printer_.add(event->object));
      else
        print_object(event->object);
    }
  }

 private:
  std::string field_selector() const {
    return options_.names.empty() ? "" : "metadata.name=" + options_.names.front();
  }
  void note_nothing() const {
    session_.terminal.note(ns_.empty() ? "No resources found"
                                       : base::cat("No resources found in ", ns_, " namespace."));
  }
  void print_object(const Json& object) const {
    const std::string text = format_objects({object}, session_.output);
    session_.terminal.print(session_.output == Output::yaml ? "---\n" + text : text);
  }
  // An object's own revision; of a Table, that of its last row.
  static std::string revision_of(const Json& object) {
    auto rows = base::find(object, {"rows"});
    if (rows && rows->is_array() && !rows->get_array().empty())
      return base::text_at(rows->get_array().back(), {"object", "metadata", "resourceVersion"});
    return base::text_at(object, {"metadata", "resourceVersion"});
  }

  Session& session_;
  const schema::KindInfo& kind_;
  GetOptions options_;
  std::string ns_;
  bool tables_;
  TablePrinter printer_;
};

io::Task<> watch_on(Getter& getter) {
  for (std::string revision;;) {
    if (revision.empty()) revision = co_await getter.collection();
    revision = co_await getter.changes(revision);
  }
}

io::Task<> leave(Session& session, io::TaskGroup& group) {
  co_await session.interrupted();
  group.stop();
}

}  // namespace

io::Task<int> execute(Session& session, GetOptions options) {
  // KIND/NAME, as other tools print it.
  if (const auto slash = options.kind.find('/'); slash != std::string::npos) {
    options.names.insert(options.names.begin(), options.kind.substr(slash + 1));
    options.kind.resize(std::min(slash, options.kind.find('.')));
  }
  if (options.watch && options.names.size() > 1)
    throw base::Error(base::Code::invalid, "-w: takes one NAME or none");
  if (options.all_namespaces && !options.names.empty())
    throw base::Error(base::Code::invalid, "-A: a NAME needs one namespace; give it with -n");
  if (!options.selector.empty() && !options.names.empty())
    throw base::Error(base::Code::invalid, "-l: takes no NAME");
  const schema::KindInfo& kind = kind_named(options.kind);
  const bool watch = options.watch, named = !options.names.empty();
  Getter getter(session, kind, std::move(options));
  if (!watch) {
    if (named) {
      co_await getter.names();
    } else {
      co_await getter.collection();
    }
    co_return exit_ok;
  }
  io::TaskGroup group(session.loop);
  group.spawn("watch", watch_on(getter));
  group.spawn("leave", leave(session, group));
  co_await group.join();
  co_return exit_ok;
}

}  // namespace cli
