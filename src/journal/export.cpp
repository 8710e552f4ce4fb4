#include "journal/export.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/text.h"
#include "io/crypto.h"
#include "journal/audit_lines.h"
#include "journal/chain.h"
#include "journal/line.h"

namespace journal {

using base::cat;
using base::Code;
using base::Error;
using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

namespace {

// What is missing in words: one, or the first of several.
std::string describe(const std::set<std::string>& contents) {
  const std::size_t more = contents.size() - 1;
  return cat("content ", *contents.begin(), more ? cat(" and ", more, " more") : "");
}

}  // namespace

std::string format_export_head(const std::string& run, std::int64_t events, const std::string& link,
                               std::int64_t format) {
  return line_of(
      {{"sympozium", "run"}, {"format", format}, {"uid", run}, {"events", events}, {"link", link}});
}

std::string format_export(const Event& event) { return format_export(event, link_of(event)); }

std::string format_export(const Event& event, const std::string& link) {
  return line_of({{"event", JsonObject{{"seq", event.seq},
                                       {"attempt", event.fence.attempt},
                                       {"execution", event.fence.execution},
                                       {"kind", schema::name(event.kind)},
                                       {"version", event.version},
                                       {"at", base::format_time_millis(event.at)},
                                       {"prev", event.prev},
                                       {"bodyHash", event.bodyHash},
                                       {"body", event.body},
                                       {"link", link}}}});
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

std::string format_export_end(const ExportEnd& end, std::int64_t format) {
  JsonArray gone;
  for (const auto& name : end.erased) gone.emplace_back(name);
  JsonObject object{{"blobs", end.blobs}, {"erased", std::move(gone)}};
  if (format > 1) {
    object["checkpoints"] = end.checkpoints;
    object["proofs"] = end.proofs;
  }
  return line_of({{"end", std::move(object)}});
}

std::string format_fault(std::int64_t seq, std::string_view what) {
  return line_of({{"fault", JsonObject{{"seq", seq}, {"what", what}}}});
}

Event parse_event(const std::string& run, const Json& object) {
  Event event{.run = run,
              .seq = int_at(object, "seq"),
              .fence = {int_at(object, "attempt"), int_at(object, "execution")},
              .version = int_at(object, "version"),
              .prev = text_at(object, {"prev"}),
              .bodyHash = text_at(object, {"bodyHash"}),
              .body = text_at(object, {"body"})};
  const auto kind = schema::parse_name<Kind>(text_at(object, {"kind"}));
  if (!kind)
    throw Error(Code::invalid, cat("it is of kind \"", text_at(object, {"kind"}),
                                   "\", which this program does not know"));
  event.kind = *kind;
  const auto at = base::parse_time(text_at(object, {"at"}));
  if (!at) throw Error(Code::invalid, "it has no time");
  event.at = std::chrono::floor<std::chrono::milliseconds>(*at);
  return event;
}

Batch::Blob parse_blob(const Json& object) {
  Batch::Blob blob{text_at(object, {"sha256"}), {}};
  if (auto text = base::find_string(object, {"text"}))
    blob.bytes = *std::move(text);
  else if (auto bytes = base::parse_base64(text_at(object, {"base64"})))
    blob.bytes = *std::move(bytes);
  return blob;
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
  const auto written_as = [&](std::string_view whole) {
    return whole.substr(0, whole.size() - 1) == line;
  };
  if (line_ == 1) {
    add_head(object);
    if (!written_as(format_export_head(uid_, events_, last_link_, format_)))
      refuse("not as it was written");
  } else if (const Json* event = base::find(object, {"event"})) {
    add_event(*event);
    if (!written_as(format_export(run_.events.back(), link_)))
      throw Error(Code::invalid, cat("line ", line_, ": event ", run_.events.back().seq,
                                     " is not as it was written"));
  } else if (const Json* blob = base::find(object, {"blob"})) {
    add_blob(*blob);
    if (!written_as(format_export(run_.blobs.back()))) refuse("not as it was written");
  } else if (const Json* end = base::find(object, {"end"})) {
    add_end(*end);
    const ExportEnd said{std::int64_t(run_.blobs.size()), run_.erased,
                         std::int64_t(run_.checkpoints.size()), proofs_};
    if (!written_as(format_export_end(said, format_))) refuse("not as it was written");
  } else if (const Json* key = base::find(object, {"key"}); key && format_ > 1) {
    add_key(*key);
    if (!written_as(format_line(run_.keys.back()))) refuse("not as it was written");
  } else if (const Json* checkpoint = base::find(object, {"checkpoint"});
             checkpoint && format_ > 1) {
    add_checkpoint(*checkpoint);
    if (!written_as(format_line(run_.checkpoints.back())))
      refuse(cat("checkpoint ", run_.checkpoints.back().number, " is not as it was written"));
  } else if (const Json* proof = base::find(object, {"proof"}); proof && format_ > 1) {
    add_proof(*proof);
    if (!written_as(format_line(parse_proof(*proof)))) refuse("not as it was written");
  } else if (const Json* fault = base::find(object, {"fault"})) {
    refuse(cat("the journal could not read it: ", text_at(*fault, {"what"})));
  } else {
    refuse("neither an event nor a content");
  }
}

void ExportReader::add_head(const Json& head) {
  if (text_at(head, {"sympozium"}) != "run") refuse("no export of a run");
  format_ = base::find_int(head, {"format"}).value_or(0);
  if (format_ > export_format)
    refuse(cat("format ", format_, " is newer than this program, which knows ", export_format,
               "; take a newer sympozium"));
  if (format_ < 1) refuse("it names no format");
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
  if (!run_.keys.empty()) refuse("an event behind what was signed");
  Event event;
  try {
    event = parse_event(uid_, line);
  } catch (const Error& error) {
    wrong("is not as it was written: ", error.what());
  }
  if (event.seq != seq) wrong("is missing here; the line holds event ", event.seq);
  if (!stray_.empty()) throw Error(Code::invalid, stray_);
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
        if (named_.insert(name).second) expected_.push_back(name);
  } catch (const Error& error) {
    wrong("cannot be read: ", error.what());
  }
  links_.push_back(link_);
  run_.events.push_back(std::move(event));
}

void ExportReader::add_blob(const Json& line) {
  Batch::Blob blob = parse_blob(line);
  // In the order of their names in the event; some may be gone. The event before may be what is
  // missing: the next one tells.
  const auto place = std::ranges::find(expected_, blob.sha256);
  if (place == expected_.end() && stray_.empty())
    stray_ = cat("line ", line_, ": content ", blob.sha256, " does not belong behind event ",
                 static_cast<std::int64_t>(run_.events.size()) - 1, " and what is before it here");
  if (place != expected_.end()) expected_.erase(expected_.begin(), place + 1);
  if (io::sha256_hex(blob.bytes) != blob.sha256)
    refuse(cat("content ", blob.sha256, " is not what it was"));
  run_.blobs.push_back(std::move(blob));
}

// Of the events and contents.
void ExportReader::check_complete() {
  if (const auto read = static_cast<std::int64_t>(run_.events.size()); read != events_)
    refuse(cat("event ", std::min(read, events_), " is ",
               read < events_ ? "missing" : "one too many", ": the first line says ", events_,
               " events, the file has ", read));
  if (!stray_.empty()) throw Error(Code::invalid, stray_);
  if (link_ != last_link_)
    throw Error(Code::invalid, "the first line names another last event than the file has");
}

void ExportReader::add_key(const Json& line) {
  check_complete();
  AuditKey key = parse_key(line);
  std::string id;
  try {
    id = io::public_key_id(key.pem);
  } catch (const Error& error) {
    refuse(cat("key ", key.id, ": ", error.what()));
  }
  if (id != key.id) refuse(cat("key ", key.id, " is another one, ", id));
  run_.keys.push_back(std::move(key));
  fresh_key_ = true;
}

void ExportReader::add_checkpoint(const Json& line) {
  Checkpoint checkpoint;
  const auto* before = run_.checkpoints.empty() ? nullptr : &run_.checkpoints.back();
  try {
    checkpoint = parse_checkpoint(line);
  } catch (const Error& error) {
    refuse(cat(before ? cat("checkpoint ", before->number + 1) : "a checkpoint",
               " is not as it was written: ", error.what()));
  }
  const std::string name = cat("checkpoint ", checkpoint.number);
  if (before && checkpoint.number != before->number + 1)
    refuse(cat("checkpoint ", before->number + 1, " is missing here; the line holds ", name));
  if (const auto fault = journal::find_fault(checkpoint, run_.keys))
    refuse(cat(name, ": ", *fault));
  if (std::exchange(fresh_key_, false) && checkpoint.key != run_.keys.back().id)
    refuse(cat(name, " is not of the key before it"));
  if (before && checkpoint.previous != hash_of(*before))
    refuse(cat(name, " does not follow the one before"));
  run_.checkpoints.push_back(std::move(checkpoint));
}

void ExportReader::add_proof(const Json& line) {
  Proof proof;
  try {
    proof = parse_proof(line);
  } catch (const Error& error) {
    refuse(cat("a proof is not as it was written: ", error.what()));
  }
  if (run_.checkpoints.empty() || run_.checkpoints.back().number != proof.checkpoint)
    refuse(cat("a proof of checkpoint ", proof.checkpoint, ", which is not before it"));
  const std::string name = cat("event ", proof.seq, " in checkpoint ", proof.checkpoint);
  if (const auto fault = find_fault(proof, run_.checkpoints.back(), uid_))
    refuse(cat(name, ": ", *fault));
  if (proof.seq < 0 || proof.seq >= std::int64_t(links_.size()))
    refuse(cat(name, ": the file has no such event"));
  if (links_[static_cast<std::size_t>(proof.seq)] != proof.link)
    refuse(cat(name, " is not the one that was signed"));
  run_.signed_events = std::max(run_.signed_events, proof.seq + 1);
  ++proofs_;
}

void ExportReader::add_end(const Json& line) {
  check_complete();
  const auto compare = [&](std::string_view what, std::int64_t read) {
    const auto said = format_ > 1 ? base::find_int(line, {what}).value_or(-1) : 0;
    if (said != read)
      refuse(cat("the end says ", said, " ", what, ", the file has ", read,
                 run_.checkpoints.empty()
                     ? ""
                     : cat(", the last in checkpoint ", run_.checkpoints.back().number)));
  };
  compare("checkpoints", std::int64_t(run_.checkpoints.size()));
  compare("proofs", proofs_);
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
