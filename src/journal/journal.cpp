#include "journal/journal.h"

#include "base/text.h"
#include "io/crypto.h"

namespace journal {

void read_body(const Event& event, Kind kind, std::int64_t version, const schema::Struct& table,
               void* out) {
  using base::cat;
  const std::string what = cat("event ", event.id(), " (", schema::name(event.kind), ")");
  if (event.kind != kind)
    throw base::Error(base::Code::internal, cat(what, " was read as ", schema::name(kind)));
  if (event.version > version)
    throw base::Error(base::Code::internal, cat(what, " has version ", event.version,
                                                ", this program knows ", version, " at most"));
  const base::Issues issues = schema::decode(table, out, base::parse_json(event.body));
  if (!issues.empty())
    throw base::Error(base::Code::internal, cat(what, ": ", base::format(issues)));
}

std::string Batch::add_blob(std::string bytes) {
  std::string name = io::sha256_hex(bytes);
  blobs.push_back({name, std::move(bytes)});
  return name;
}

std::string not_last(const std::string& run, std::int64_t after) {
  return base::cat("event ", after, " is not the last one of run ", run);
}

}  // namespace journal
