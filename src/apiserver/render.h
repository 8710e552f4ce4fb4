// Objects as answers: as they are, as rows of a Table, or as metadata only.
#pragma once

#include <string>
#include <vector>

#include "apiserver/request.h"
#include "apiserver/resource.h"
#include "apiserver/store.h"

namespace apiserver {

// What a Table row carries of its object (query `includeObject`).
enum class IncludeObject : unsigned char { none, metadata, object };

struct Rendering {
  Form form;
  IncludeObject include = IncludeObject::metadata;
  base::Time now;
};
Rendering make_rendering(const io::Target&, std::string_view accept, base::Time now);  // 400, 406

struct ListMeta {
  std::int64_t version = 0;
  std::string next;  // `continue` token, "" at the end
  std::int64_t remaining = 0;
};

// The body of a get, create, update, patch or delete.
std::string render_object(const Resource&, const std::string& text, const Rendering&);
std::string render_object(const Resource&, const base::Json& tree, const Rendering&);
// The body of a list.
std::string render_list(const Resource&, const std::vector<ObjectPtr>&, const ListMeta&,
                        const Rendering&);
// The `object` of a watch event; only the first Table of a watch names its columns.
std::string render_watched(const Resource&, const std::string& text, const Rendering&,
                           bool with_columns);
// A bookmark: an object of this kind with nothing but a resourceVersion.
std::string render_bookmark(const Resource&, std::int64_t version, const Rendering&,
                            bool ends_initial_events);

// "5m", "3d4h" as kubectl shows ages (duration.HumanDuration).
std::string format_age(base::Duration);
// Age cell of a timestamp's text: "<unknown>" when it is none.
std::string age_cell(std::string_view timestamp, base::Time now);

}  // namespace apiserver
