#include "gateway/keeper.h"

#include <algorithm>

#include "base/text.h"
#include "io/loop.h"

namespace gateway {

using base::Code;
using base::Error;

namespace {

constexpr std::size_t page_runs = 100;

class Keeper {
 public:
  Keeper(base::Clock& clock, base::Log& log, journal::Journal& journal, journal::Archive& archive,
         base::Duration keep)
      : clock_(clock), log_(log), journal_(journal), archive_(archive), keep_(keep) {}

  io::Task<> run() {
    using namespace std::chrono_literals;
    const auto pause = std::clamp<base::Duration>(keep_ / 24, 1s, 1h);
    for (;;) {
      try {
        co_await forget_all();
      } catch (const Error& error) {
        if (error.code() == Code::cancelled) throw;
        log_.warn("old runs were not looked for; it is tried again", {{"error", error.what()}});
      }
      co_await io::sleep(clock_, pause);
    }
  }

 private:
  io::Task<> forget_all() {
    const base::Time limit = clock_.now() - keep_;
    for (bool more = true; more;) {
      const auto old = co_await archive_.ended(limit, page_runs);
      std::size_t forgotten = 0;
      for (const auto& entry : old) {
        const bool done = co_await forget(entry);
        forgotten += done;
      }
      more = old.size() == page_runs && forgotten > 0;
    }
  }

  io::Task<bool> forget(const journal::RunEntry& entry) {
    try {
      co_await journal_.forget(entry.run);
    } catch (const Error& error) {
      // Another gateway was quicker, or a consumer is not done.
      if (error.code() == Code::not_found || error.code() == Code::conflict) co_return false;
      throw;
    }
    log_.info("run forgotten", {{"namespace", entry.state.ns},
                                {"run", entry.state.name},
                                {"run_uid", entry.run},
                                {"ended_before", base::format_duration(keep_)}});
    co_return true;
  }

  base::Clock& clock_;
  base::Log& log_;
  journal::Journal& journal_;
  journal::Archive& archive_;
  const base::Duration keep_;
};

}  // namespace

io::Task<> forget_old_runs(base::Clock& clock, base::Log& log, journal::Journal& journal,
                           journal::Archive& archive, base::Duration keep) {
  Keeper keeper(clock, log, journal, archive, keep);
  co_await keeper.run();
}

}  // namespace gateway
