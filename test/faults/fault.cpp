#include "faults/fault.h"

#include <array>

#include "base/text.h"

namespace faults {

namespace {

constexpr std::array<std::string_view, 19> names{
    "none",         "crash_before",   "crash_after", "crash_stale", "crash_ancient",
    "conflict",     "timeout_after",  "pause",       "gone",        "too_many",
    "server_error", "timeout_before", "broken",      "relist",      "skip",
    "duplicate",    "rewind",         "delay",       "reorder"};

}  // namespace

bool is_crash(Mishap mishap) { return mishap != Mishap::none && mishap < Mishap::conflict; }

std::string_view name(Mishap mishap) { return names[static_cast<std::size_t>(mishap)]; }

std::string_view name(Place place) {
  constexpr std::array<std::string_view, 3> words{"write", "call", "event"};
  return words[static_cast<std::size_t>(place)];
}

Place place_of(Mishap mishap) {
  if (mishap < Mishap::gone) return Place::write;
  return mishap < Mishap::broken ? Place::call : Place::event;
}

std::vector<Mishap> mishaps_at(Place place) {
  std::vector<Mishap> some;
  for (std::size_t i = 1; i < names.size(); ++i)
    if (place_of(Mishap(i)) == place) some.push_back(Mishap(i));
  return some;
}

std::string format(const Fault& fault) { return base::cat(name(fault.mishap), "@", fault.at); }

std::optional<Fault> parse_fault(std::string_view text) {
  const auto parts = base::split(text, '@');
  if (parts.size() != 2) return {};
  const auto at = base::parse_int(parts[1]);
  for (std::size_t i = 1; at && *at > 0 && i < names.size(); ++i)
    if (names[i] == parts[0]) return Fault{Mishap(i), static_cast<std::size_t>(*at)};
  return {};
}

}  // namespace faults
