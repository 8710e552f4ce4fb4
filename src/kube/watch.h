// Keeps somebody informed about every object of a kind: lists, then watches, and starts over when
// it must.
//
//   Listing ──all pages──▶ Watching ──end, idle time-out──▶ Watching (from the last revision seen)
//      ▲                      │ broken connection, 429, 5xx ──▶ Waiting ──back-off──▶ Watching
//      └────── 410 Gone ──────┘
//
// In Listing, 410 on a page starts the list anew; any other error goes through Waiting back to
// Listing.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "kube/api.h"

namespace kube {

// Who is told. Calls come in order and never while another one runs. An object that cannot be
// parsed is logged and counts as gone; one that a sink cannot decode is the sink's to report. The
// stream goes on after both.
class WatchSink {
 public:
  virtual ~WatchSink() = default;
  // A list begins: what is not `put` before `listed` does not exist any more.
  virtual void list_begins() = 0;
  virtual void put(const base::Json& object) = 0;
  virtual void gone(const base::Json& object) = 0;
  virtual void listed() = 0;
  // All that happened up to this revision has been told: before `listed`, after an event, at a
  // bookmark.
  virtual void reached(const std::string& /*revision*/) {}
};

struct WatchSettings {
  Ref collection;
  std::string label_selector, field_selector;
  Detail detail = Detail::object;
  int page = 500;  // halved while a page is too large to be read
  // The server is asked to end a watch after a random time between this and twice this.
  base::Duration timeout{300'000};
  base::Duration idle_margin{
      15'000};  // silence beyond the server's own end means a dead connection
  base::Duration backoff_first{500}, backoff_most{30'000};
};

class Watcher {
 public:
  enum class State : unsigned char { listing, watching, waiting };

  Watcher(base::Clock&, base::Random&, base::Log&, Api&, WatchSettings, WatchSink&);

  io::Task<> run();  // until cancelled
  State state() const { return state_; }
  const std::string& resource_version() const { return resource_version_; }

 private:
  io::Task<> list();
  io::Task<> watch();
  io::Task<> wait(base::Error, base::Duration not_before);
  io::Task<std::optional<Page>> read_page(ListOptions);
  void take(const WatchEvent&);
  void report(const base::Json& object, const std::string& problem);
  void advance(std::string revision);

  base::Clock& clock_;
  base::Random& random_;
  base::Log& log_;
  Api& api_;
  WatchSettings settings_;
  WatchSink& sink_;
  State state_ = State::listing;
  std::string resource_version_;  // "" after it expired: list
  int failures_ = 0;              // in a row
  bool expired_ = false;          // the last thing that happened was 410
};

}  // namespace kube
