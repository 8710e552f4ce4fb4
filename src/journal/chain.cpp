#include "journal/chain.h"

#include "base/text.h"
#include "io/crypto.h"

namespace journal {

std::string first_link() { return std::string(64, '0'); }

std::string link_of(const Event& event) {
  const base::Json fields = base::JsonArray{event.prev,
                                            event.run,
                                            event.seq,
                                            event.fence.attempt,
                                            event.fence.execution,
                                            schema::name(event.kind),
                                            event.version,
                                            std::int64_t{event.at.time_since_epoch().count()},
                                            event.bodyHash};
  return io::sha256_hex(base::canonical(fields));
}

std::optional<std::string> find_fault(std::span<const Event> events, const RunState& state) {
  std::string link = first_link();
  std::int64_t seq = 0;
  Fence fence{0, 0};
  for (const Event& event : events) {
    if (event.seq != seq)
      return base::cat("event ", seq, " is missing: the next one is ", event.seq);
    if (event.prev != link) return base::cat("event ", seq, " does not follow the one before");
    if (event.fence < fence) return base::cat("event ", seq, " is of an overtaken execution");
    if (!event.body.empty() && event.bodyHash != io::sha256_hex(event.body))
      return base::cat("event ", seq, " has another body than it was written with");
    link = link_of(event);
    fence = event.fence;
    ++seq;
  }
  if (seq != state.seq + 1)
    return base::cat("there are ", seq, " events, there were ", state.seq + 1);
  if (link != state.link) return "the last event is not the one that was written";
  return std::nullopt;
}

}  // namespace journal
