// Which objects a request for many means, and a page of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/context.h"
#include "apiserver/render.h"
#include "apiserver/selector.h"
#include "apiserver/store.h"

namespace apiserver {

// A place in a list: the version that its first page saw (none: whatever is current) and the last
// key sent. It travels as the `continue` token.
struct Position {
  std::optional<std::int64_t> version;
  Key after;
};

struct ListRequest {
  LabelSelector labels;
  FieldSelector fields;
  std::string ns;  // "" all
  std::int64_t limit = 0;
  Position from;
  bool continues = false;  // a list that another request began
};
ListRequest parse_list(const Context&, const Call&);  // 400, 422, 504
FieldSelector field_selector_of(const Call&);         // 400; fields by their path

struct ListPage {
  std::vector<ObjectPtr> objects;
  ListMeta meta;
};
ListPage make_page(const Context&, const ListRequest&);  // 410

}  // namespace apiserver
