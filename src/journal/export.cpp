#include "journal/export.h"

#include "base/encoding.h"
#include "base/text.h"
#include "io/crypto.h"
#include "journal/chain.h"

namespace journal {

using base::cat;
using base::Code;
using base::Error;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

namespace {

std::string line_of(JsonObject object) { return base::to_text(object) + "\n"; }

std::int64_t int_at(const Json& object, std::string_view member) {
  auto number = base::find_int(object, {member});
  if (!number) throw Error(Code::invalid, cat("it has no number \"", member, "\""));
  return *number;
}

// What is missing in words: one, or the first of several.
std::string describe(const std::set<std::string>& contents) {
  const std::size_t more = contents.size() - 1;
  return cat("content ", *contents.begin(), more ? cat(" and ", more, " more") : "");
}

}  // namespace

std::string format_export_head(const std::string& run, const RunState& state) {
  return line_of({{"sympozium", "run"},
                  {"format", export_format},
                  {"uid", run},
                  {"events", state.seq + 1},
                  {"link", state.link}});
}

std::string format_export(const Event& event) {
  return line_of({{"event", JsonObject{{"seq", event.seq},
                                       {"attempt", event.fence.attempt},
                                       {"execution", event.fence.execution},
                                       {"kind", schema::name(event.kind)},
                                       {"version", event.version},
                                       {"at", base::format_time_millis(event.at)},
                                       {"prev", event.prev},
                                       {"bodyHash", event.bodyHash},
                                       {"body", event.body},
                                       {"link", link_of(event)}}}});
}

std::string format_export(const Batch::Blob& blob) {
  JsonObject content{{"sha256", blob.sha256}};
  if (base::valid_utf8(blob.bytes)) {
    content["text"] = blob.bytes;
  } else {
    content["base64"] = base::base64(blob.bytes);
  }
  return line_of({{"blob", std::move(content)}});
}

std::string format_export_end(std::size_t blobs, const std::vector<std::string>& erased) {
  JsonArray gone;
  for (const auto& name : erased) gone.emplace_back(name);
  return line_of({{"end", JsonObject{{"blobs", static_cast<std::int64_t>(blobs)},
                                     {"erased", std::move(gone)}}}});
}

void ExportReader::refuse(std::string_view why) const {
  // The event that the line is, or whose contents it is among.
  const auto seq = static_cast<std::int64_t>(run_.events.size());
  throw Error(Code::invalid,
              cat("line ", line_, seq == 0 ? "" : cat(" (after event ", seq - 1, ")"), ": ", why));
}

void ExportReader::add(std::string_view line) {
  ++line_;
  if (ended_) refuse("the export has ended");
  Json object;
  try {
    object = base::parse_json(line);
  } catch (const Error& error) {
    refuse(cat(line_ == 1 ? "no export of a run: " : "not as it was written: ", error.what()));
  }
  if (line_ == 1) return add_head(object);
  if (const Json* event = base::find(object, {"event"})) {
    add_event(*event);
    if (format_export(run_.events.back()) != cat(line, "\n"))
      throw Error(Code::invalid, cat("line ", line_, ": event ", run_.events.back().seq,
                                     " is not as it was written"));
  } else if (const Json* blob = base::find(object, {"blob"})) {
    add_blob(*blob);
    if (format_export(run_.blobs.back()) != cat(line, "\n")) refuse("not as it was written");
  } else if (const Json* end = base::find(object, {"end"})) {
    add_end(*end);
    if (format_export_end(run_.blobs.size(), run_.erased) != cat(line, "\n"))
      refuse("not as it was written");
  } else {
    refuse("neither an event nor a content");
  }
}

void ExportReader::add_head(const Json& head) {
  if (text_at(head, {"sympozium"}) != "run") refuse("no export of a run");
  const auto format = base::find_int(head, {"format"}).value_or(0);
  if (format > export_format)
    refuse(cat("format ", format, " is newer than this program, which knows ", export_format,
               "; take a newer sympozium"));
  if (format < 1) refuse("it names no format");
  uid_ = text_at(head, {"uid"});
  last_link_ = text_at(head, {"link"});
  events_ = base::find_int(head, {"events"}).value_or(0);
  link_ = first_link();
}

void ExportReader::add_event(const Json& line) {
  const auto seq = static_cast<std::int64_t>(run_.events.size());
  const auto wrong = [&](const auto&... why) {
    throw Error(Code::invalid, cat("line ", line_, ": event ", seq, " ", why...));
  };
  Event event{.run = uid_};
  try {
    event.seq = int_at(line, "seq");
    event.fence = {int_at(line, "attempt"), int_at(line, "execution")};
    event.version = int_at(line, "version");
  } catch (const Error& error) {
    wrong("is not as it was written: ", error.what());
  }
  if (event.seq != seq) wrong("is missing here; the line holds event ", event.seq);
  if (!stray_.empty()) throw Error(Code::invalid, stray_);
  const auto kind = schema::parse_name<Kind>(text_at(line, {"kind"}));
  if (!kind)
    wrong("is of kind \"", text_at(line, {"kind"}), "\", which this program does not know");
  event.kind = *kind;
  const auto at = base::parse_time(text_at(line, {"at"}));
  if (!at) wrong("has no time");
  event.at = std::chrono::floor<std::chrono::milliseconds>(*at);
  event.prev = text_at(line, {"prev"});
  event.bodyHash = text_at(line, {"bodyHash"});
  event.body = text_at(line, {"body"});
  if (!event.body.empty() && io::sha256_hex(event.body) != event.bodyHash)
    wrong("has another body than it was written with");
  if (event.prev != link_) wrong("does not follow the one before");
  link_ = link_of(event);
  if (link_ != text_at(line, {"link"})) wrong("is not as it was written: its hash is another");
  if (!run_.events.empty() && event.fence < run_.events.back().fence)
    wrong("is of an overtaken execution");
  expected_.clear();
  try {
    if (!event.body.empty())
      for (const auto& name : blobs_of(event))
        if (named_.insert(name).second) expected_.insert(name);
  } catch (const Error& error) {
    wrong("cannot be read: ", error.what());
  }
  run_.events.push_back(std::move(event));
}

void ExportReader::add_blob(const Json& line) {
  Batch::Blob blob{text_at(line, {"sha256"}), {}};
  if (auto text = base::find_string(line, {"text"})) {
    blob.bytes = *std::move(text);
  } else if (auto bytes = base::parse_base64(text_at(line, {"base64"}))) {
    blob.bytes = *std::move(bytes);
  }
  // The event before may be what is missing: the next one tells.
  if (expected_.erase(blob.sha256) == 0 && stray_.empty())
    stray_ = cat("line ", line_, ": content ", blob.sha256, " does not belong behind event ",
                 static_cast<std::int64_t>(run_.events.size()) - 1);
  if (io::sha256_hex(blob.bytes) != blob.sha256)
    refuse(cat("content ", blob.sha256, " is not what it was"));
  run_.blobs.push_back(std::move(blob));
}

void ExportReader::add_end(const Json& line) {
  if (const auto read = static_cast<std::int64_t>(run_.events.size()); read != events_)
    refuse(cat("event ", std::min(read, events_), " is ",
               read < events_ ? "missing" : "one too many", ": the first line says ", events_,
               " events, the file has ", read));
  if (!stray_.empty()) throw Error(Code::invalid, stray_);
  ended_ = true;
  std::set<std::string> missing = named_;
  for (const auto& blob : run_.blobs) missing.erase(blob.sha256);
  if (const Json* erased = base::find(line, {"erased"}); erased && erased->is_array())
    for (const Json& name : erased->get_array()) {
      if (!name.is_string() || missing.erase(std::string(name.get_string())) == 0)
        refuse("it says that a content was erased which no event names, or which is here");
      run_.erased.emplace_back(name.get_string());
    }
  for (const Event& event : run_.events)  // by the event that names it first
    if (!missing.empty() && !event.body.empty())
      for (const auto& name : blobs_of(event))
        if (missing.contains(name))
          throw Error(Code::invalid, cat("line ", line_, ": ", describe(missing),
                                         " is missing; event ", event.seq, " names it"));
}

ExportedRun ExportReader::finish() {
  const auto read = static_cast<std::int64_t>(run_.events.size());
  if (line_ == 0) throw Error(Code::invalid, "the file is empty");
  if (!ended_)
    throw Error(Code::invalid, cat("the file ends early, after line ", line_, " (", read, " of ",
                                   events_, " events)"));
  if (link_ != last_link_)
    throw Error(Code::invalid, "the first line names another last event than the file has");
  return std::move(run_);
}

ExportedRun read_export(std::string_view text) {
  ExportReader reader;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    reader.add(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return reader.finish();
}

}  // namespace journal
