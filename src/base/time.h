// Wall-clock time as Kubernetes writes it, and durations as Go writes them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace base {

using Duration = std::chrono::milliseconds;
using Time = std::chrono::sys_time<std::chrono::milliseconds>;       // wall clock, UTC
using MicroTime = std::chrono::sys_time<std::chrono::microseconds>;  // Lease and Event times
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;  // for waits only

// metav1.Time: RFC 3339 with whole seconds, "2026-01-02T03:04:05Z".
std::string format_time(Time);
// metav1.MicroTime: "2026-01-02T03:04:05.000006Z".
std::string format_micro_time(MicroTime);
// RFC 3339 with milliseconds, for our own records: "2026-01-02T03:04:05.006Z".
std::string format_time_millis(Time);
// Any RFC 3339 time with optional fraction and offset; nothing when it is not one.
std::optional<MicroTime> parse_time(std::string_view);

// Go duration ("1h30m", "250ms", "1.5s"); nothing when it is not one. Negative durations are
// accepted.
std::optional<Duration> parse_duration(std::string_view);
// The shortest Go spelling: "0s", "1h30m0s", "250ms".
std::string format_duration(Duration);

}  // namespace base
