#include "apiserver/render.h"

#include "base/text.h"

namespace apiserver {

using base::cat;
using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

// Columns of a kind that declares none, as apiserver's default table convertor has them.
const std::vector<Column>& columns_of(const Resource& resource) {
  static const std::vector<Column> plain{
      {"Name", "string", "name",
       "Name must be unique within a namespace. Is required when creating resources, although some "
       "resources may allow a client to request the generation of an appropriate name "
       "automatically."},
      {"Created At", "date", "",
       "CreationTimestamp is a timestamp representing the server time when this object was "
       "created."}};
  return resource.columns.empty() ? plain : resource.columns;
}

JsonArray column_definitions(const Resource& resource) {
  JsonArray definitions;
  for (const auto& column : columns_of(resource))
    definitions.push_back(JsonObject{{"name", column.name},
                                     {"type", column.type},
                                     {"format", column.format},
                                     {"description", column.description},
                                     {"priority", column.priority}});
  return definitions;
}

Json partial_of(const Json& tree, const std::string& version) {
  JsonObject partial{{"kind", "PartialObjectMetadata"},
                     {"apiVersion", cat("meta.k8s.io/", version)}};
  auto metadata = base::find(tree, {"metadata"});
  partial["metadata"] = metadata ? *metadata : Json(JsonObject{});
  return partial;
}

Json row_of(const Resource& resource, const Json& tree, const Rendering& rendering) {
  JsonArray cells;
  if (resource.cells) {
    cells = resource.cells(tree, rendering.now);
  } else {
    cells.emplace_back(base::text_at(tree, {"metadata", "name"}));
    cells.emplace_back(base::text_at(tree, {"metadata", "creationTimestamp"}));
  }
  JsonObject row{{"cells", std::move(cells)}};
  if (rendering.include == IncludeObject::object) {
    row["object"] = tree;
  } else if (rendering.include == IncludeObject::metadata) {
    row["object"] = partial_of(tree, rendering.form.version);
  }
  return row;
}

Json table_of(const Resource& resource, JsonArray rows, Json metadata, const Rendering& rendering,
              bool with_columns) {
  return JsonObject{
      {"kind", "Table"},
      {"apiVersion", cat("meta.k8s.io/", rendering.form.version)},
      {"metadata", std::move(metadata)},
      {"columnDefinitions", with_columns ? Json(column_definitions(resource)) : Json()},
      {"rows", std::move(rows)}};
}

Json list_metadata(const ListMeta& meta) {
  JsonObject metadata{{"resourceVersion", std::to_string(meta.version)}};
  if (!meta.next.empty()) {
    metadata["continue"] = meta.next;
    if (meta.remaining > 0) metadata["remainingItemCount"] = meta.remaining;
  }
  return metadata;
}

Json served(const Resource& resource, Json tree) {
  return resource.to_served ? resource.to_served(tree) : tree;
}

}  // namespace

Rendering make_rendering(const io::Target& target, std::string_view accept, base::Time now) {
  Rendering rendering{negotiate(accept), IncludeObject::metadata, now};
  auto include = target.get("includeObject");
  if (include == "Object") {
    rendering.include = IncludeObject::object;
  } else if (include == "None") {
    rendering.include = IncludeObject::none;
  } else if (!include.empty() && include != "Metadata") {
    throw bad_request(cat("includeObject: Unsupported value: \"", include,
                          "\": supported values: \"Metadata\", \"None\", \"Object\""));
  }
  return rendering;
}

std::string render_object(const Resource& resource, const std::string& text,
                          const Rendering& rendering) {
  if (rendering.form.shape == Form::Shape::object && !resource.to_served) return text;
  return render_object(resource, base::parse_json(text), rendering);
}

std::string render_object(const Resource& resource, const Json& stored,
                          const Rendering& rendering) {
  auto tree = served(resource, stored);
  switch (rendering.form.shape) {
    case Form::Shape::object: return base::to_text(tree);
    case Form::Shape::partial: return base::to_text(partial_of(tree, rendering.form.version));
    case Form::Shape::table: {
      JsonObject metadata{
          {"resourceVersion", base::text_at(tree, {"metadata", "resourceVersion"})}};
      JsonArray rows;
      rows.push_back(row_of(resource, tree, rendering));
      return base::to_text(
          table_of(resource, std::move(rows), std::move(metadata), rendering, true));
    }
  }
  return {};
}

namespace {

// In a list, objects of Kubernetes' own kinds do not repeat their type, which leads their text.
std::string render_item(const Resource& resource, const std::string& text,
                        const Rendering& rendering, const std::string& type) {
  if (resource.custom || rendering.form.shape != Form::Shape::object)
    return render_object(resource, text, rendering);
  if (!resource.to_served && text.starts_with(type)) return '{' + text.substr(type.size());
  auto tree = served(resource, base::parse_json(text));
  for (std::string_view member : {"kind", "apiVersion"}) tree.as_object().erase(member);
  return base::to_text(tree);
}

}  // namespace

std::string render_list(const Resource& resource, const std::vector<ObjectPtr>& objects,
                        const ListMeta& meta, const Rendering& rendering) {
  if (rendering.form.shape == Form::Shape::table) {
    JsonArray rows;
    for (const auto& object : objects)
      rows.push_back(row_of(resource, served(resource, object->tree()), rendering));
    return base::to_text(table_of(resource, std::move(rows), list_metadata(meta), rendering, true));
  }
  bool partial = rendering.form.shape == Form::Shape::partial;
  std::string text =
      partial ? cat("{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/",
                    rendering.form.version, "\",\"metadata\":")
              : cat("{\"kind\":\"", resource.kind, "List\",\"apiVersion\":\"",
                    resource.api_version(), "\",\"metadata\":");
  text += base::to_text(list_metadata(meta)) + ",\"items\":[";
  auto type =
      cat("{\"kind\":\"", resource.kind, "\",\"apiVersion\":\"", resource.api_version(), "\",");
  bool first = true;
  for (const auto& object : objects) {
    if (!std::exchange(first, false)) text += ',';
    text += render_item(resource, object->text, rendering, type);
  }
  return text + "]}";
}

std::string render_watched(const Resource& resource, const std::string& text,
                           const Rendering& rendering, bool with_columns) {
  if (rendering.form.shape != Form::Shape::table) return render_object(resource, text, rendering);
  auto tree = served(resource, base::parse_json(text));
  JsonObject metadata{{"resourceVersion", base::text_at(tree, {"metadata", "resourceVersion"})}};
  JsonArray rows;
  rows.push_back(row_of(resource, tree, rendering));
  return base::to_text(
      table_of(resource, std::move(rows), std::move(metadata), rendering, with_columns));
}

std::string render_bookmark(const Resource& resource, std::int64_t version,
                            const Rendering& rendering, bool ends_initial_events) {
  JsonObject metadata{{"resourceVersion", std::to_string(version)}, {"creationTimestamp", nullptr}};
  if (ends_initial_events)
    metadata["annotations"] = JsonObject{{"k8s.io/initial-events-end", "true"}};
  if (rendering.form.shape == Form::Shape::table) {
    JsonObject place{{"kind", "PartialObjectMetadata"},
                     {"apiVersion", cat("meta.k8s.io/", rendering.form.version)},
                     {"metadata", metadata}};
    JsonArray rows;
    rows.push_back(JsonObject{{"cells", JsonArray{}}, {"object", std::move(place)}});
    metadata.erase("annotations");
    return base::to_text(
        table_of(resource, std::move(rows), std::move(metadata), rendering, false));
  }
  bool partial = rendering.form.shape == Form::Shape::partial;
  JsonObject bookmark{{"kind", partial ? "PartialObjectMetadata" : resource.kind},
                      {"apiVersion", partial ? cat("meta.k8s.io/", rendering.form.version)
                                             : resource.api_version()},
                      {"metadata", std::move(metadata)}};
  return base::to_text(bookmark);
}

std::string format_age(base::Duration age) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return cat(seconds, "s");
  auto minutes = seconds / 60;
  if (minutes < 10) return seconds % 60 ? cat(minutes, "m", seconds % 60, "s") : cat(minutes, "m");
  if (minutes < 180) return cat(minutes, "m");
  auto hours = minutes / 60;
  if (hours < 8) return minutes % 60 ? cat(hours, "h", minutes % 60, "m") : cat(hours, "h");
  if (hours < 48) return cat(hours, "h");
  auto days = hours / 24;
  if (days < 8) return hours % 24 ? cat(days, "d", hours % 24, "h") : cat(days, "d");
  if (days < 365 * 2) return cat(days, "d");
  auto years = days / 365;
  if (years < 8) return days % 365 ? cat(years, "y", days % 365, "d") : cat(years, "y");
  return cat(years, "y");
}

std::string age_cell(std::string_view timestamp, base::Time now) {
  auto time = base::parse_time(timestamp);
  if (!time) return "<unknown>";
  return format_age(now - std::chrono::floor<std::chrono::milliseconds>(*time));
}

}  // namespace apiserver
