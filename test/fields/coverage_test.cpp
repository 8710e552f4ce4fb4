// DESIGN: each field that we accept is honoured, inert or refused, and an honoured field that no
// test names fails. Here the tables are asked, after all tests of this program have run.
#include "fields/fields.h"
#include "objects/kinds.h"
#include "schema/reference.h"

namespace fields {
namespace {

using schema::Form;
using schema::Type;
using schema::Use;

// A struct's fields are tested one by one, the struct as such is not.
bool is_struct(const Type& type) {
  if (type.form == Form::object) return true;
  return type.element && type.form != Form::map && is_struct(*type.element);
}

bool lies_below(std::string_view path, std::string_view above) {
  return !above.empty() && path.starts_with(above) && path.size() > above.size() &&
         (path[above.size()] == '.' || path[above.size()] == '[' || path[above.size()] == '{');
}

class EveryHonouredField final : public testing::Environment {
  void TearDown() override {
    const auto& run = *testing::UnitTest::GetInstance();
    if (run.test_to_run_count() < run.total_test_count()) return;  // --gtest_filter
    for (const auto* kind : objects::own_kinds()) expect_tested(*kind);
  }

  static void expect_tested(const schema::KindInfo& kind) {
    std::string refused;
    for (const auto& [path, field] : schema::list_fields(*kind.table)) {
      // Kubernetes' own, and what nobody can set.
      if (path == "metadata" || lies_below(path, "metadata") || lies_below(path, refused)) continue;
      if (field->rule.use == Use::refused) refused = path;
      if (field->rule.use != Use::honoured || is_struct(*field->type)) continue;
      EXPECT_TRUE(is_tested(kind, path))
          << kind.kind << " " << path << " is honoured, and no test shows what it does";
    }
  }
};
[[maybe_unused]] const auto* const environment =
    testing::AddGlobalTestEnvironment(new EveryHonouredField);

}  // namespace
}  // namespace fields
