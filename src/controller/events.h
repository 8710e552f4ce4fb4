// Kubernetes Events (core/v1): what happened to an object, for people who run `kubectl describe`.
#pragma once

#include <map>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "io/sync.h"
#include "kube/api.h"
#include "objects/meta.h"

namespace controller {

enum class EventType : unsigned char { normal, warning };

// Best effort: an event that cannot be written is dropped. The same (object, type, reason, message)
// within ten minutes is one Event whose count rises.
class Events {
 public:
  Events(base::Clock&, base::Random&, base::Log&, kube::Api&, std::string component);

  // Queues it; never waits. `reason` is TitleCase, `message` a sentence.
  void record(const schema::KindInfo&, const objects::ObjectMeta& about, EventType,
              std::string reason, std::string message);
  io::Task<> run();  // until cancelled

 private:
  struct Record {
    std::string api_version, kind, ns, name, uid, resource_version, type, reason, message;
    auto identity() const { return uid + "\n" + type + "\n" + reason + "\n" + message; }
  };
  struct Series {
    std::string name;
    std::int64_t count;
    base::Instant last;
  };
  io::Task<> write(Record);
  io::Task<bool> count(Record);
  io::Task<> begin(Record);
  static std::string place_of(const Record&);
  base::Json make(const Record&, const std::string& name) const;
  void forget_old();

  base::Clock& clock_;
  base::Random& random_;
  base::Log& log_;
  kube::Api& api_;
  std::string component_;
  io::Channel<Record> pending_{1000};
  std::map<std::string, Series> series_;  // of the last ten minutes
};

}  // namespace controller
