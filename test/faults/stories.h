// Lives of runs, told by what a person, a kubelet and the gateway do.
#pragma once

#include <string>
#include <vector>

#include "faults/world.h"

namespace faults {

// Where a story begins.
enum class Beginning : bool {
  empty,    // nothing but a node: the cast comes within the story, before the controller's eyes
  settled,  // the cast is there, a run of it came and went
};

struct Story {
  std::string name;
  void (*tell)(World&);
  base::Duration retention{60 * 60'000};
  Beginning beginning = Beginning::settled;
  base::Duration dying{0};  // so long a pod that is deleted is still to be seen
  // Much like another one: told with faults by chance, not with every one at every place.
  bool is_variation = false;
};
const std::vector<Story>& stories();

// What a world of that beginning holds.
apiserver::History history_of(Beginning);

}  // namespace faults
