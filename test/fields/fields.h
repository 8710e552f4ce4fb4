// Fields of our kinds, set and read under the paths that their tables give them:
// "spec.skills[].params" is the `params` of the first skill. Whoever calls effect() or written()
// has tested that field; coverage_test.cpp asks the tables which field nobody has tested.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "schema/kind.h"
#include "schema/schema.h"

namespace fields {

// Notes that a field is tested. A failure when there is no such field, or when it is not honoured.
void note_tested(const schema::KindInfo&, std::string_view path);
bool is_tested(const schema::KindInfo&, std::string_view path);

// The place of a field in an object; makes what is missing along the way.
base::Json& place_of(base::Json& object, std::string_view path);

// What `look` sees once `path` holds `value`. A failure when it sees the same without: then the
// field does nothing.
template <class Kind, class Look>
auto effect(const Kind& object, std::string_view path, base::Json value, Look look) {
  note_tested(Kind::info, path);
  base::Json changed = schema::encode(object);
  place_of(changed, path) = std::move(value);
  auto without = look(object);
  auto with = look(schema::read<Kind>(changed));
  EXPECT_NE(without, with) << Kind::info.kind << " " << path << " does nothing";
  return with;
}

// What the platform wrote at `path`. A failure when nothing is there.
template <class Kind>
base::Json written(const Kind& object, std::string_view path) {
  note_tested(Kind::info, path);
  base::Json tree = schema::encode(object);
  base::Json found = std::exchange(place_of(tree, path), nullptr);
  EXPECT_FALSE(found.is_null()) << "nobody wrote " << Kind::info.kind << " " << path;
  return found;
}

}  // namespace fields
