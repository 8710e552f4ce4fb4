// A struct with a field of every form, for the tests of this folder.
#pragma once

#include "schema/kind.h"

namespace schema::sample {

enum class Colour : std::uint8_t { unset, red, green };
constexpr Names names(Colour) { return {"", "red", "green"}; }
enum class Mode : std::uint8_t { once, always };
constexpr Names names(Mode) { return {"once", "always"}; }

struct Part {
  std::string name, zone;
  std::int64_t count = 1;
  bool operator==(const Part&) const = default;
  static const Struct table;
};

struct Options {
  bool enabled = false;
  std::string hint;
  bool operator==(const Options&) const = default;
  static const Struct table;
};

struct Spec {
  std::string title;
  std::int64_t size = 10;
  bool shiny = true;
  double ratio = 0;
  std::optional<base::Time> since;
  base::MicroTime beat{};
  base::Quantity weight;
  std::optional<base::IntOrString> port;
  base::Json anything;
  base::JsonObject shape;
  Colour colour = Colour::unset;
  Mode mode = Mode::once;
  std::vector<Part> parts;
  std::vector<std::string> tags;
  std::map<std::string, std::string> labels;
  std::map<std::string, Part> places;
  std::optional<bool> maybe;
  Part main;
  std::string timeout;
  Options old;
  std::string gone;
  std::string ignored;
  bool operator==(const Spec&) const = default;
  static const Struct table;
};

struct Thing {
  Spec spec;
  bool operator==(const Thing&) const = default;
  static const Struct table;
  static const KindInfo info;
};

}  // namespace schema::sample
