#include "apiserver/protobuf.h"

#include <span>

#include "apiserver/status.h"
#include "base/encoding.h"
#include "base/text.h"

namespace apiserver {

using base::Json;
using base::JsonArray;
using base::JsonObject;

namespace {

enum class Form : unsigned char { text, texts, number, boolean, message, text_map, bytes_map };

struct Field;
using Message = std::span<const Field>;

struct Field {
  unsigned number;
  std::string_view name;
  Form form;
  Message message = {};
};

// k8s.io/api …/generated.proto, the members that clients set.
constexpr Field object_meta[] = {{1, "name", Form::text},
                                 {2, "generateName", Form::text},
                                 {3, "namespace", Form::text},
                                 {5, "uid", Form::text},
                                 {6, "resourceVersion", Form::text},
                                 {11, "labels", Form::text_map},
                                 {12, "annotations", Form::text_map},
                                 {14, "finalizers", Form::texts}};
constexpr Field with_metadata[] = {{1, "metadata", Form::message, object_meta}};
constexpr Field secret[] = {{1, "metadata", Form::message, object_meta},
                            {2, "data", Form::bytes_map},
                            {3, "type", Form::text},
                            {4, "stringData", Form::text_map},
                            {5, "immutable", Form::boolean}};
constexpr Field config_map[] = {{1, "metadata", Form::message, object_meta},
                                {2, "data", Form::text_map},
                                {3, "binaryData", Form::bytes_map},
                                {4, "immutable", Form::boolean}};
constexpr Field service_account[] = {{1, "metadata", Form::message, object_meta},
                                     {4, "automountServiceAccountToken", Form::boolean}};
constexpr Field bound_object[] = {{1, "kind", Form::text},
                                  {2, "apiVersion", Form::text},
                                  {3, "name", Form::text},
                                  {4, "uid", Form::text}};
constexpr Field token_spec[] = {{1, "audiences", Form::texts},
                                {3, "boundObjectRef", Form::message, bound_object},
                                {4, "expirationSeconds", Form::number}};
constexpr Field token_request[] = {{1, "metadata", Form::message, object_meta},
                                   {2, "spec", Form::message, token_spec}};
constexpr Field resource_attributes[] = {
    {1, "namespace", Form::text}, {2, "verb", Form::text},     {3, "group", Form::text},
    {4, "version", Form::text},   {5, "resource", Form::text}, {6, "subresource", Form::text},
    {7, "name", Form::text}};
constexpr Field path_attributes[] = {{1, "path", Form::text}, {2, "verb", Form::text}};
constexpr Field access_spec[] = {{1, "resourceAttributes", Form::message, resource_attributes},
                                 {2, "nonResourceAttributes", Form::message, path_attributes}};
constexpr Field access_review[] = {{2, "spec", Form::message, access_spec}};
constexpr Field rules_spec[] = {{1, "namespace", Form::text}};
constexpr Field rules_review[] = {{2, "spec", Form::message, rules_spec}};
constexpr Field preconditions[] = {{1, "uid", Form::text}, {2, "resourceVersion", Form::text}};
constexpr Field delete_options[] = {{1, "gracePeriodSeconds", Form::number},
                                    {2, "preconditions", Form::message, preconditions},
                                    {4, "propagationPolicy", Form::text},
                                    {5, "dryRun", Form::texts}};
constexpr std::pair<std::string_view, Message> kinds[] = {
    {"Namespace", with_metadata},
    {"Secret", secret},
    {"ConfigMap", config_map},
    {"ServiceAccount", service_account},
    {"TokenRequest", token_request},
    {"SelfSubjectAccessReview", access_review},
    {"SelfSubjectRulesReview", rules_review},
    {"SelfSubjectReview", with_metadata},
    {"DeleteOptions", delete_options}};

[[noreturn]] void refuse() { throw bad_request("the body of the request is not valid protobuf"); }

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool more() const { return !bytes_.empty(); }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) refuse();
      auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= std::uint64_t(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    refuse();
  }
  std::string_view bytes() {
    auto size = varint();
    if (size > bytes_.size()) refuse();
    auto out = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return out;
  }
  void skip(unsigned wire) {
    switch (wire) {
      case 0: varint(); return;
      case 1: drop(8); return;
      case 2: bytes(); return;
      case 5: drop(4); return;
      default: refuse();
    }
  }

 private:
  void drop(std::size_t count) {
    if (bytes_.size() < count) refuse();
    bytes_.remove_prefix(count);
  }
  std::string_view bytes_;
};

std::string_view utf8(std::string_view text) {
  if (!base::valid_utf8(text)) refuse();
  return text;
}

void read_entry(JsonObject& map, std::string_view bytes, bool is_bytes) {
  Reader reader(bytes);
  std::string_view key, value;
  while (reader.more()) {
    auto tag = reader.varint();
    if (tag == (1 << 3 | 2)) {
      key = utf8(reader.bytes());
    } else if (tag == (2 << 3 | 2)) {
      value = reader.bytes();
    } else {
      reader.skip(tag & 7);
    }
  }
  map[key] = is_bytes ? base::base64(value) : std::string(utf8(value));
}

JsonObject read_message(std::string_view bytes, Message message);

void read_field(JsonObject& out, const Field& field, Reader& reader, unsigned wire) {
  bool is_number = field.form == Form::number || field.form == Form::boolean;
  if (wire != (is_number ? 0u : 2u)) refuse();
  auto& place = out[field.name];
  switch (field.form) {
    case Form::text: place = utf8(reader.bytes()); return;
    case Form::number: place = std::int64_t(reader.varint()); return;
    case Form::boolean: place = reader.varint() != 0; return;
    case Form::message: place = read_message(reader.bytes(), field.message); return;
    case Form::texts:
      if (!place.is_array()) place.emplace_array();
      place.get_array().emplace_back(utf8(reader.bytes()));
      return;
    case Form::text_map:
    case Form::bytes_map:
      if (!place.is_object()) place.emplace_object();
      read_entry(place.get_object(), reader.bytes(), field.form == Form::bytes_map);
      return;
  }
}

JsonObject read_message(std::string_view bytes, Message message) {
  JsonObject out;
  Reader reader(bytes);
  while (reader.more()) {
    auto tag = reader.varint();
    auto wire = unsigned(tag & 7);
    const Field* known = nullptr;
    for (const auto& field : message)
      if (field.number == tag >> 3) known = &field;
    if (known) {
      read_field(out, *known, reader, wire);
    } else {
      reader.skip(wire);
    }
  }
  // Go writes empty strings that say nothing.
  for (const auto& field : message)
    if (auto at = out.if_contains(field.name);
        at && field.form == Form::text && at->get_string().empty())
      out.erase(field.name);
  return out;
}

}  // namespace

std::optional<Json> parse_protobuf(std::string_view bytes) {
  constexpr std::string_view magic("k8s\0", 4);
  if (!bytes.starts_with(magic)) refuse();
  std::string api_version, kind;
  std::string_view raw;
  Reader reader(bytes.substr(magic.size()));
  while (reader.more()) {
    auto tag = reader.varint();
    if (tag == (1 << 3 | 2)) {
      Reader type(reader.bytes());
      while (type.more()) {
        auto member = type.varint();
        if ((member & 7) != 2) refuse();
        (member >> 3 == 1 ? api_version : kind) = utf8(type.bytes());
      }
    } else if (tag == (2 << 3 | 2)) {
      raw = reader.bytes();
    } else {
      reader.skip(tag & 7);
    }
  }
  for (const auto& [name, message] : kinds) {
    if (name != kind) continue;
    auto object = read_message(raw, message);
    object["apiVersion"] = api_version;
    object["kind"] = kind;
    return object;
  }
  return {};
}

// ---- openapi.v2.Document ----

namespace {

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += char(value | 0x80);
  out += char(value);
}

// A field of text, or of a message already encoded.
void put(std::string& out, unsigned number, std::string_view bytes) {
  put_varint(out, number << 3 | 2);
  put_varint(out, bytes.size());
  out += bytes;
}

std::string message(std::initializer_list<std::pair<unsigned, std::string_view>> fields) {
  std::string out;
  for (auto [number, bytes] : fields) put(out, number, bytes);
  return out;
}

std::string encode_schema(const Json& schema) {
  auto out = message({{22, message({{1, base::text_at(schema, {"type"})}})}});  // TypeItem
  for (const auto& [key, value] : schema.as_object())
    if (std::string_view(key).starts_with("x-")) {
      auto any = message({{2, base::to_text(value)}});  // YAML, of which JSON is a part
      put(out, 31, message({{1, key}, {2, any}}));
    }
  return out;
}

}  // namespace

std::string encode_openapi_v2(const Json& document) {
  std::string definitions;
  for (const auto& [name, schema] : document.at("definitions").as_object())
    put(definitions, 1, message({{1, name}, {2, encode_schema(schema)}}));
  auto info = message({{1, base::text_at(document, {"info", "title"})},
                       {2, base::text_at(document, {"info", "version"})}});
  return message({{1, base::text_at(document, {"swagger"})}, {2, info}, {9, definitions}});
}

}  // namespace apiserver
