// What can go wrong between a controller and its API server, and when.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faults {

enum class Mishap : std::uint8_t {
  none,
  // at a write: the process dies and another begins …
  crash_before,   // … the write was not sent
  crash_after,    // … the write is done, its answer lost
  crash_stale,    // … the same, and the next one lists the world from before the write
  crash_ancient,  // … the same, and the next one lists the world from before the story
  // at a write
  conflict,       // 409; AlreadyExists to a create
  timeout_after,  // no answer for 30 s, but it was done
  pause,          // it leaves 30 s late: what it was decided on is old by then
  // at a call, reading or writing
  gone,            // 410 Expired
  too_many,        // 429 with Retry-After
  server_error,    // 500
  timeout_before,  // no answer for 30 s, and nothing was done
  // at an event of a watch
  broken,     // the connection breaks before it; the watch resumes
  relist,     // 410 instead of it
  skip,       // never shown: the next one of this object comes, else a new list
  duplicate,  // shown twice
  rewind,     // the last events and it are shown again
  delay,      // it and all after it come 5 s late
  reorder,    // after the next one of another object, at most 2 s later
};

enum class Place : std::uint8_t { write, call, event };
Place place_of(Mishap);
bool is_crash(Mishap);
// All mishaps that happen at such a place.
std::vector<Mishap> mishaps_at(Place);
std::string_view name(Mishap);
std::string_view name(Place);

struct Fault {
  Mishap mishap = Mishap::none;
  std::size_t at = 0;  // the number of the write, call or event, from 1
};
// "crash_after@7"
std::string format(const Fault&);
std::optional<Fault> parse_fault(std::string_view);

}  // namespace faults
