// get, list, create, update, patch, delete, deletecollection over HTTP.
#include <algorithm>

#include "apiserver/context.h"
#include "apiserver/list.h"
#include "base/text.h"

namespace apiserver {

using base::cat;
using base::Json;

namespace {

Write make_write(const Call& call) {
  const auto& info = call.info;
  auto ns = call.resource->scope == Scope::namespaced ? info.ns : "";
  return {*call.resource,
          ns,
          info.name,
          info.subresource,
          call.user,
          parse_write_options(call.target),
          {}};
}

Rendering rendering_of(Context& context, Call& call) {
  return make_rendering(call.target, call.exchange.headers().get("Accept"), context.clock.now());
}

io::Task<> serve_list(Context& context, Call& call) {
  auto rendering = rendering_of(context, call);
  auto list = parse_list(context, call);
  auto page = make_page(context, list);
  auto body = render_list(*call.resource, page.objects, page.meta, rendering);
  co_await answer(call, 200, std::move(body));
}

// ---- one object ----

io::Task<> serve_get(Context& context, Call& call) {
  auto rendering = rendering_of(context, call);
  auto write = make_write(call);
  auto object = context.verbs.get(write);
  auto version = base::parse_int(call.target.get("resourceVersion"));
  if (version && *version > context.store.version())
    throw too_large_version(*version, context.store.version());
  auto body = render_object(*call.resource, object->text, rendering);
  co_await answer(call, 200, std::move(body));
}

io::Task<> serve_create(Context& context, Call& call) {
  auto rendering = rendering_of(context, call);
  auto write = make_write(call);
  if (call.resource->scope == Scope::namespaced && write.ns.empty())
    throw bad_request("an empty namespace may not be set during creation");
  auto object = co_await read_json(context, call);
  auto made = co_await context.verbs.create(write, std::move(object));
  call.warnings = std::move(write.warnings);
  call.answer_name = write.name;
  if (call.resource->storage == "namespaces" && !write.options.dry_run) {
    auto ns = write.name;
    co_await context.furnish(ns);
  }
  auto body = render_object(*call.resource, made->text, rendering);
  co_await answer(call, 201, std::move(body));
}

io::Task<> serve_update(Context& context, Call& call) {
  auto rendering = rendering_of(context, call);
  auto write = make_write(call);
  auto object = co_await read_json(context, call);
  auto made = co_await context.verbs.update(write, std::move(object));
  call.warnings = std::move(write.warnings);
  auto body = render_object(*call.resource, made->text, rendering);
  co_await answer(call, 200, std::move(body));
}

PatchType patch_type_of(const Call& call) {
  auto header = parse_accept(call.exchange.headers().get("Content-Type"));
  auto type = header.empty() ? "" : header.front().type;
  if (type == "application/merge-patch+json") return PatchType::merge;
  if (type == "application/json-patch+json") return PatchType::json;
  if (type == "application/strategic-merge-patch+json" && !call.resource->custom)
    return PatchType::strategic;
  std::vector<std::string> accepted{"application/json-patch+json", "application/merge-patch+json"};
  if (!call.resource->custom) accepted.emplace_back("application/strategic-merge-patch+json");
  throw unsupported_media_type(accepted);
}

io::Task<> serve_patch(Context& context, Call& call) {
  auto rendering = rendering_of(context, call);
  auto write = make_write(call);
  auto type = patch_type_of(call);
  auto text = co_await read_body(context, call);
  auto patch = base::parse_json(text);
  auto made = co_await context.verbs.patch(write, std::move(patch), type);
  call.warnings = std::move(write.warnings);
  auto body = render_object(*call.resource, made->text, rendering);
  co_await answer(call, 200, std::move(body));
}

io::Task<> serve_delete(Context& context, Call& call) {
  auto rendering = rendering_of(context, call);
  auto write = make_write(call);
  auto text = co_await read_options(context, call);
  auto options = parse_delete_options(call.target, text);
  auto removal = co_await context.verbs.remove(write, options);
  std::string body;
  if (removal.gone && !call.resource->returns_deleted) {
    auto status = success(call.resource->subject(), write.name, removal.object->uid);
    body = base::to_text(status);
  } else {
    body = render_object(*call.resource, removal.object->text, rendering);
  }
  co_await answer(call, 200, std::move(body));
}

io::Task<> serve_delete_collection(Context& context, Call& call) {
  auto rendering = rendering_of(context, call);
  auto list = parse_list(context, call);
  auto text = co_await read_options(context, call);
  auto options = parse_delete_options(call.target, text);
  auto page = make_page(context, list);
  for (const auto& victim : page.objects) {
    auto write = make_write(call);
    write.ns = victim->key.ns;
    write.name = victim->key.name;
    try {
      co_await context.verbs.remove(write, options);
    } catch (const StatusError& error) {
      if (error.http() != 404) throw;
    }
  }
  page.meta.version = context.store.version();
  auto body = render_list(*call.resource, page.objects, page.meta, rendering);
  co_await answer(call, 200, std::move(body));
}

}  // namespace

io::Task<> serve_resource(Context& context, Call& call) {
  const auto& verb = call.info.verb;
  const auto& resource = *call.resource;
  if (!call.info.rest.empty())
    throw StatusError(404, "NotFound", "the server could not find the requested resource");
  if (!call.info.subresource.empty() && call.info.subresource != "status")
    return serve_subresource(context, call);
  bool allowed = call.info.subresource.empty() ? resource.can(verb) : false;
  if (!call.info.subresource.empty()) {
    auto sub = resource.find_subresource(call.info.subresource);
    allowed = sub && std::ranges::find(sub->verbs, verb) != sub->verbs.end();
  }
  if (verb == "create" && !call.info.name.empty() && call.info.subresource.empty()) allowed = false;
  if (!allowed) throw method_not_allowed();
  if (resource.verbs.size() == 1 && verb == "create") return serve_review(context, call);
  if (verb == "get") return serve_get(context, call);
  if (verb == "list") return serve_list(context, call);
  if (verb == "watch") return serve_watch(context, call);
  if (verb == "create") return serve_create(context, call);
  if (verb == "update") return serve_update(context, call);
  if (verb == "patch") return serve_patch(context, call);
  if (verb == "delete") return serve_delete(context, call);
  if (verb == "deletecollection") return serve_delete_collection(context, call);
  throw method_not_allowed();
}

}  // namespace apiserver
