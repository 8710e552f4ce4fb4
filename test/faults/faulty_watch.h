// A watch whose events go wrong as planned.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "faults/plan.h"
#include "kube/api.h"

namespace faults {

class FaultyWatch final : public kube::WatchStream {
 public:
  // Nothing is told before `lag` has passed.
  FaultyWatch(base::Clock&, std::unique_ptr<kube::WatchStream> inner, Plan&, base::Duration lag);
  io::Task<std::optional<kube::WatchEvent>> next() override;

 private:
  using Event = kube::WatchEvent;
  io::Task<std::optional<Event>> read();
  io::Task<std::optional<Event>> read_within(base::Duration);
  io::Task<> happen(Mishap, Event);
  io::Task<> follow_unseen();
  io::Task<> reorder(Event);

  base::Clock& clock_;
  std::unique_ptr<kube::WatchStream> inner_;
  Plan& plan_;
  base::Duration lag_;
  std::deque<Event> ready_;      // to be told before anything else
  std::deque<Event> recent_;     // the last ones that were told
  std::optional<Event> unseen_;  // the one that is never told
  bool over_ = false;            // ends when `ready_` is told
};

}  // namespace faults
