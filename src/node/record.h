// What the node remembers of a pod: enough to go on after its own death. Kept as record.json in the
// pod's directory; everything else is derived from the Pod and from what is running.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"

namespace node {

// How a container ended, as ContainerStateTerminated has it.
struct Ended {
  std::string id;
  int exit_code = 0;
  int signal = 0;
  std::string reason, message;
  base::Time started{}, finished{};
  bool operator==(const Ended&) const = default;
};

struct ContainerRecord {
  enum class State : unsigned char {
    waiting,   // not made yet, or waits to be made again (`last` tells how it ended before)
    starting,  // ordered
    running,
    ended,
  } state = State::waiting;
  std::string id;              // "<pod uid>.<container>.<attempt>" of the newest attempt; "" before
  std::int64_t attempts = 0;   // made so far; restartCount is one less
  base::Time started{};        // while running
  std::optional<Ended> ended;  // while ended
  std::optional<Ended> last;   // of the attempt before
  std::int64_t delay_ms = -1;  // before the next attempt; -1: none was needed yet
  std::string waiting_reason, waiting_message;  // what keeps it from starting, when not the usual
  std::optional<base::Time> told_to_stop;       // when SIGTERM was sent
  bool operator==(const ContainerRecord&) const = default;
};

// Why and since when a pod's containers are being stopped.
struct Ending {
  enum class Why : unsigned char { completed, deleted, failed } why = Why::completed;
  std::string reason, message;  // of the status, for `failed`: Evicted, DeadlineExceeded, …
  base::Time since{};
  bool operator==(const Ending&) const = default;
};

struct PodRecord {
  std::optional<base::Time> started;  // the node has taken notice
  bool ready_to_start = false;        // sandbox and volumes are there
  std::optional<Ending> ending;
  bool over = false;                                  // all has ended and nothing will start again
  std::map<std::string, ContainerRecord> containers;  // by name; names are unique in a pod
  bool operator==(const PodRecord&) const = default;
};

base::Json encode(const PodRecord&);
PodRecord decode_record(const base::Json&);  // Error(invalid) when it is none

// Puts the end of the running attempt down and sets the delay before the next: none after the first
// end, then 10 s doubling to 300 s, and none again after ten minutes of life.
void note_end(ContainerRecord&, Ended);

}  // namespace node
