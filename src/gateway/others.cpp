#include "gateway/others.h"

#include "gateway/foreign.h"
#include "io/loop.h"

namespace gateway {

namespace {

// A rare wait that nobody ends by a word of his: the other gateway's append is news to its own
// listeners only.
constexpr base::Duration between_looks{200};

}  // namespace

Others::Others(base::Clock& clock, journal::Writers& writers) : clock_(clock), writers_(writers) {}

io::Task<bool> Others::is_at_work(std::string name) {
  try {
    co_return co_await writers_.is_at_work(std::move(name));
  } catch (const base::Error& error) {
    if (error.code() != base::Code::unavailable) throw;
  }
  co_return true;  // it waits for the journal as we do
}

io::Task<> Others::wait_for(std::shared_ptr<Session> session, std::int64_t turn) {
  for (bool last_look = false; !last_look;) {
    const auto known = session->record().turns.find(turn);
    if (known == session->record().turns.end() || known->second.outcome) co_return;
    const std::string maker = known->second.intent.gateway;
    if (maker.empty() || maker == writers_.self()) co_return;
    const bool at_work = co_await is_at_work(maker);
    if (at_work) co_await io::sleep(clock_, between_looks);
    last_look = !at_work;
    co_await session->catch_up();
  }
}

io::Task<> Others::wait_for(std::shared_ptr<Session> session, ForeignKey key) {
  std::vector<std::int64_t> same;
  for (const auto& [turn, known] : session->record().turns)
    if (!known.outcome && key_of(known.intent) == key) same.push_back(turn);
  for (const std::int64_t turn : same) co_await wait_for(session, turn);
}

}  // namespace gateway
