#include "journal/audit_lines.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"
#include "io/crypto.h"
#include "journal/export.h"
#include "journal/line.h"
#include "journal/merkle.h"

namespace journal {

using base::cat;
using base::Code;
using base::Error;
using base::Json;
using base::JsonObject;
using base::text_at;

namespace {

JsonObject encode(const Head& head) {
  JsonObject object{{"run", head.run}, {"seq", head.seq}, {"link", head.link}};
  if (head.forgotten) object["forgotten"] = true;
  return object;
}

}  // namespace

std::optional<Proof> make_proof(const Checkpoint& checkpoint, const std::vector<Head>& heads,
                                const std::string& run) {
  const auto head = std::ranges::find(heads, run, &Head::run);
  if (head == heads.end() || head->forgotten) return std::nullopt;
  const auto index = static_cast<std::size_t>(head - heads.begin());
  Proof proof{.checkpoint = checkpoint.number,
              .seq = head->seq,
              .link = head->link,
              .index = static_cast<std::int64_t>(index),
              .path = {}};
  for (const auto& hash : inclusion_path(leaf_hashes(heads), index))
    proof.path.push_back(base::hex(hash));
  return proof;
}

std::optional<std::string> find_fault(const Proof& proof, const Checkpoint& checkpoint,
                                      const std::string& run) {
  std::vector<std::string> path;
  for (const auto& hex : proof.path) {
    auto hash = base::parse_hex(hex);
    if (!hash || hash->size() != 32) return cat("\"", base::clip(hex, 80), "\" is no hash");
    path.push_back(*std::move(hash));
  }
  const auto root = proof.index < 0 || checkpoint.size < 0
                        ? std::nullopt
                        : root_of_path(leaf_hash(leaf_text({run, proof.seq, proof.link})),
                                       static_cast<std::size_t>(proof.index),
                                       static_cast<std::size_t>(checkpoint.size), path);
  if (!root || base::hex(*root) != checkpoint.root)
    return cat("its proof does not lead to the root of checkpoint ", checkpoint.number);
  return std::nullopt;
}

std::string format_line(const AuditKey& key) {
  return line_of({{"key", JsonObject{{"id", key.id}, {"pem", key.pem}}}});
}

std::string format_line(const Checkpoint& checkpoint) {
  return line_of({{"checkpoint", JsonObject{{"ns", checkpoint.ns},
                                            {"number", checkpoint.number},
                                            {"at", base::format_time_millis(checkpoint.at)},
                                            {"previous", checkpoint.previous},
                                            {"size", checkpoint.size},
                                            {"root", checkpoint.root},
                                            {"key", checkpoint.key},
                                            {"signature", checkpoint.signature}}}});
}

std::string format_line(const Head& head) { return line_of({{"head", encode(head)}}); }
std::string format_unsigned(const Head& head) { return line_of({{"unsigned", encode(head)}}); }

std::string format_line(const Proof& proof) {
  base::JsonArray path;
  for (const auto& hash : proof.path) path.emplace_back(hash);
  return line_of({{"proof", JsonObject{{"checkpoint", proof.checkpoint},
                                       {"seq", proof.seq},
                                       {"link", proof.link},
                                       {"index", proof.index},
                                       {"path", std::move(path)}}}});
}

AuditKey parse_key(const Json& object) {
  return {text_at(object, {"id"}), text_at(object, {"pem"})};
}

Checkpoint parse_checkpoint(const Json& object) {
  const auto at = base::parse_time(text_at(object, {"at"}));
  if (!at) throw Error(Code::invalid, "it has no time");
  return {.ns = text_at(object, {"ns"}),
          .number = int_at(object, "number"),
          .at = std::chrono::floor<std::chrono::milliseconds>(*at),
          .previous = text_at(object, {"previous"}),
          .size = int_at(object, "size"),
          .root = text_at(object, {"root"}),
          .key = text_at(object, {"key"}),
          .signature = text_at(object, {"signature"})};
}

Head parse_head(const Json& object) {
  return {text_at(object, {"run"}), int_at(object, "seq"), text_at(object, {"link"}),
          base::find_bool(object, {"forgotten"}).value_or(false)};
}

Proof parse_proof(const Json& object) {
  Proof proof{.checkpoint = int_at(object, "checkpoint"),
              .seq = int_at(object, "seq"),
              .link = text_at(object, {"link"}),
              .index = int_at(object, "index"),
              .path = {}};
  if (const Json* path = base::find(object, {"path"}); path && path->is_array())
    for (const Json& hash : path->get_array())
      proof.path.emplace_back(hash.is_string() ? hash.get_string() : "");
  return proof;
}

void AuditReader::add(std::string_view line) {
  const Json object = base::parse_json(line);
  if (const Json* head = base::find(object, {"head"})) {
    heads_.push_back(parse_head(*head));
    return;
  }
  finish();
  if (const Json* key = base::find(object, {"key"}))
    audit_.add(parse_key(*key));
  else if (const Json* checkpoint = base::find(object, {"checkpoint"}))
    checkpoint_ = parse_checkpoint(*checkpoint);
  else if (const Json* waiting = base::find(object, {"unsigned"}))
    audit_.add_unsigned(parse_head(*waiting));
}

void AuditReader::finish() {
  if (checkpoint_) audit_.add(*std::move(checkpoint_), std::move(heads_));
  checkpoint_.reset();
  heads_.clear();
}

void SeenRunReader::add(std::string_view line) {
  const auto found = [&](std::int64_t seq, std::string what) {
    run_.faults.push_back({.run = run_.uid, .seq = seq, .what = std::move(what)});
  };
  const std::int64_t last = run_.events.empty() ? -1 : run_.events.back().seq;
  try {
    const Json object = base::parse_json(line);
    if (text_at(object, {"sympozium"}) == "run") {
      run_.uid = text_at(object, {"uid"});
      run_.seq = int_at(object, "events") - 1;
      run_.link = text_at(object, {"link"});
    } else if (const Json* event = base::find(object, {"event"})) {
      run_.events.push_back(parse_event(run_.uid, *event));
    } else if (const Json* blob = base::find(object, {"blob"})) {
      const Batch::Blob content = parse_blob(*blob);
      if (io::sha256_hex(content.bytes) != content.sha256)
        found(last, cat("its content ", content.sha256, " is not what it was"));
    } else if (const Json* fault = base::find(object, {"fault"})) {
      const auto seq = base::find_int(*fault, {"seq"}).value_or(-1);
      if (seq < 0) run_.whole = false;
      found(seq, cat("it cannot be read: ", text_at(*fault, {"what"})));
    }
  } catch (const Error& error) {
    found(last + 1, error.what());
  }
}

}  // namespace journal
