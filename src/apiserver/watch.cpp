// watch: changes of one kind as a stream of JSON lines.
#include <algorithm>

#include "apiserver/list.h"
#include "base/text.h"
#include "io/loop.h"

namespace apiserver {

using base::cat;

namespace {

constexpr std::size_t chunk_bytes = 256 * 1024;  // written together at most

struct Selection {
  LabelSelector labels;
  FieldSelector fields;
  std::string ns;
  bool has(const ObjectPtr& object) const {
    return object && (ns.empty() || object->key.ns == ns) && labels.matches(object->labels) &&
           fields.matches(object->fields);
  }
};

// One watch: where it stands and what it has to say.
class Watch {
 public:
  Watch(Context& context, Call& call)
      : context_(context),
        call_(call),
        resource_(*call.resource),
        rendering_(make_rendering(call.target, call.exchange.headers().get("Accept"),
                                  context.clock.now())) {
    const auto& target = call.target;
    selection_ = {parse_label_selector(target.get("labelSelector")), field_selector_of(call),
                  resource_.scope == Scope::namespaced ? call.info.ns : ""};
    bookmarks_ = query_flag(target, "allowWatchBookmarks");
    read_start();
    if (auto seconds = query_number(target, "timeoutSeconds"); seconds && *seconds > 0) {
      most_ = std::chrono::seconds(*seconds);
    } else {
      most_ = context.settings.watch_most;
    }
  }

  io::Task<> run() {
    io::Headers headers{{"Content-Type", "application/json"},
                        {"Cache-Control", "no-cache, private"}};
    for (const auto& warning : call_.warnings)
      headers.add("Warning", cat("299 - \"", warning, "\""));
    call_.status = 200;
    co_await call_.exchange.begin(200, headers);
    io::TaskGroup group(context_.loop);
    context_.store.add_waiter(resource_.storage, wake_);
    auto timeout = context_.clock.call_after(most_, [this] {
      over_ = true;
      wake_.set();
    });
    group.spawn("client", notice_client());
    group.spawn("stop", notice_stop());
    arm_bookmark();
    std::exception_ptr error;
    try {
      co_await follow();
    } catch (...) {
      error = std::current_exception();
    }
    context_.store.remove_waiter(resource_.storage, wake_);
    context_.clock.cancel(timeout);
    context_.clock.cancel(bookmark_timer_);
    group.stop();
    co_await group.join();
    if (error) std::rethrow_exception(error);
    if (!gone_) co_await call_.exchange.end();
  }

 private:
  // Where a watch begins, as the reflector of client-go asks for it (KEP-3157 for
  // sendInitialEvents).
  void read_start() {
    const auto& target = call_.target;
    auto version = target.get("resourceVersion");
    bool streams_list = query_flag(target, "sendInitialEvents");
    if (target.has("sendInitialEvents") && (target.get("resourceVersionMatch") != "NotOlderThan"))
      throw invalid({"meta.k8s.io", "", "ListOptions"}, "",
                    {{"resourceVersionMatch",
                      "Forbidden: sendInitialEvents requires setting resourceVersionMatch to "
                      "NotOlderThan"}});
    initial_ =
        streams_list || ((version.empty() || version == "0") && !target.has("sendInitialEvents"));
    ends_initial_ = streams_list && bookmarks_;
    at_ = context_.store.version();
    if (version.empty() || version == "0") return;
    auto number = base::parse_int(version);
    if (!number || *number < 0)
      throw invalid(
          {"meta.k8s.io", "", "ListOptions"}, "",
          {{"resourceVersion", cat("Invalid value: \"", version, "\": must be a number")}});
    if (streams_list) {
      if (*number > at_) throw too_large_version(*number, at_);
    } else {
      at_ = *number;
    }
  }

  io::Task<> notice_client() {
    co_await call_.exchange.client_gone();
    gone_ = true;
    wake_.set();
  }

  io::Task<> notice_stop() {
    co_await context_.stopping.wait();
    over_ = true;
    wake_.set();
  }

  void arm_bookmark() {
    if (!bookmarks_) return;
    bookmark_timer_ = context_.clock.call_after(context_.settings.bookmark_every, [this] {
      bookmark_due_ = true;
      wake_.set();
      arm_bookmark();
    });
  }

  void add_line(std::string& out, std::string_view type, std::string_view object) {
    ((((out += "{\"type\":\"") += type) += "\",\"object\":") += object) += "}\n";
  }

  void add_object(std::string& out, std::string_view type, const std::string& text) {
    rendering_.now = context_.clock.now();
    add_line(out, type,
             render_watched(resource_, text, rendering_, !std::exchange(columns_sent_, true)));
  }

  void add_bookmark(std::string& out, bool ends_initial) {
    add_line(out, "BOOKMARK", render_bookmark(resource_, at_, rendering_, ends_initial));
  }

  // What a change means to this selection: objects enter and leave it.
  void add_change(std::string& out, const Change& change) {
    bool had = selection_.has(change.before);
    bool has = change.type != ChangeType::deleted && selection_.has(change.after);
    if (has) {
      add_object(out, had ? "MODIFIED" : "ADDED", change.after->text);
    } else if (had && change.type == ChangeType::deleted) {
      add_object(out, "DELETED", change.after->text);
    } else if (had) {
      // It left the selection: its last selected state, with the version of the change.
      auto tree = change.before->tree();
      base::ensure(tree, {"metadata", "resourceVersion"}) = std::to_string(change.version);
      add_object(out, "DELETED", base::to_text(tree));
    }
  }

  io::Task<> follow() {
    if (initial_) co_await send_initial();
    while (!gone_) {
      wake_.clear();
      auto changes = context_.store.changes_after(resource_.storage, at_);
      if (!changes) {
        co_await send_expired();
        co_return;
      }
      std::string out;
      for (const auto& change : *changes) {
        add_change(out, change);
        at_ = change.version;
        if (out.size() >= chunk_bytes) {
          co_await call_.exchange.send(out);
          out.clear();
        }
      }
      // Everything up to the store's version is known to be none of ours.
      if (changes->empty()) at_ = std::max(at_, context_.store.version());
      if ((std::exchange(bookmark_due_, false) || over_) && bookmarks_) add_bookmark(out, false);
      if (!out.empty()) co_await call_.exchange.send(out);
      if (over_) co_return;
      if (!changes->empty()) continue;  // there may be more by now
      co_await wake_.wait();
    }
  }

  io::Task<> send_initial() {
    std::string out;
    auto objects = context_.store.list(resource_.storage, selection_.ns);
    at_ = context_.store.version();
    for (const auto& object : objects) {
      if (selection_.has(object)) add_object(out, "ADDED", object->text);
      if (out.size() >= chunk_bytes) {
        co_await call_.exchange.send(out);
        out.clear();
      }
    }
    if (ends_initial_) add_bookmark(out, true);
    if (!out.empty()) co_await call_.exchange.send(out);
  }

  io::Task<> send_expired() {
    auto error =
        expired(cat("too old resource version: ", at_, " (", context_.store.version(), ")"));
    std::string out;
    add_line(out, "ERROR", base::to_text(error.body()));
    co_await call_.exchange.send(out);
  }

  Context& context_;
  Call& call_;
  const Resource& resource_;
  Rendering rendering_;
  Selection selection_;
  bool bookmarks_ = false, initial_ = false, ends_initial_ = false, columns_sent_ = false;
  bool gone_ = false, over_ = false, bookmark_due_ = false;
  std::int64_t at_ = 0;
  base::Duration most_{0};
  base::Clock::TimerId bookmark_timer_ = 0;
  io::Event wake_;
};

}  // namespace

io::Task<> serve_watch(Context& context, Call& call) {
  Watch watch(context, call);
  co_await watch.run();
}

}  // namespace apiserver
