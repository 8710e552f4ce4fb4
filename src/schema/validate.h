// What else is asked of an object than that it decodes. All functions work on the JSON of it and
// report everything at once.
#pragma once

#include "schema/schema.h"

namespace schema {

// Adds the defaults of absent (or null) fields, in objects that are there; as an API server does.
void apply_defaults(const Struct&, base::Json&);
// Takes out what the table does not know.
void prune(const Struct&, base::Json&);

// Everything that is wrong: what decode() reports, plus ranges, lengths, formats, duplicate keys,
// and refused fields that say something ("spec.sandbox: is not supported by this version; remove
// it").
base::Issues validate(const Struct&, const base::Json&, Unknown = Unknown::ignore,
                      std::string_view path = {});
template <class S>
base::Issues validate(const S& in, std::string_view path = {}) {
  return validate(S::table, encode(in), Unknown::ignore, path);
}

// Immutable fields that differ between two versions of an object.
base::Issues validate_update(const Struct&, const base::Json& before, const base::Json& after,
                             std::string_view path = {});

// Inert fields that say something; for Kubernetes' Warning header.
base::Issues warnings(const Struct&, const base::Json&, std::string_view path = {});

}  // namespace schema
