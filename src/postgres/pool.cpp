#include "postgres/pool.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "io/sync.h"

namespace postgres {

namespace {

using base::Code;
using base::Error;
using Shared = std::shared_ptr<Connection>;

const Statement end_backend{
    "end_backend",
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE pid = $1 AND (extract(epoch FROM backend_start) * 1000000)::bigint = $2"};

}  // namespace

struct Pool::Impl {
  Impl(io::Loop& l, base::Clock& c, base::Random& r, ConnectOptions how, PoolOptions o)
      : loop(l), clock(c), random(r), connecting(std::move(how)), options(o) {}

  io::Loop& loop;
  base::Clock& clock;
  base::Random& random;
  const ConnectOptions connecting;
  const PoolOptions options;
  std::vector<Shared> connections;
  std::size_t opening = 0, under_way = 0;
  io::Event opened;  // or failed to
  std::exception_ptr failure;
  base::Duration pause{0};
  base::Instant next_try{};
  Counters counters;

  bool may_open() const {
    return opening == 0 && connections.size() < options.connections_max &&
           (!failure || clock.steady() >= next_try);
  }

  static io::Task<> open(std::shared_ptr<Impl> self) {
    try {
      auto connection = co_await Connection::connect(self->loop, self->clock, self->connecting);
      self->connections.push_back(std::move(connection));
      ++self->counters.connected;
      self->failure = nullptr;
      self->pause = base::Duration(0);
    } catch (const Error& error) {
      if (error.code() == Code::cancelled) throw;
      // Whatever it is, a password that was changed or a database that is being restored: for who
      // asks it is "not now".
      self->failure = std::make_exception_ptr(Error(Code::unavailable, error.what()));
      self->pause =
          std::clamp(self->pause * 2, self->options.first_pause, self->options.longest_pause);
      const auto more =
          base::random_below(self->random, static_cast<std::uint64_t>(self->pause.count()) / 2 + 1);
      self->next_try = self->clock.steady() + self->pause + base::Duration(more);
    }
    --self->opening;
    self->opened.set();
  }

  Shared find(const std::string& key) {
    std::erase_if(connections, [](const Shared& one) { return one->is_spent(); });
    if (connections.empty()) return nullptr;
    if (!key.empty())
      for (const auto& one : connections)
        if (one->has_under_way(key)) return one;
    return *std::ranges::min_element(connections, {},
                                     [](const Shared& one) { return one->under_way(); });
  }
};

Pool::Pool(io::Loop& loop, base::Clock& clock, base::Random& random, ConnectOptions connecting,
           PoolOptions options)
    : impl_(std::make_shared<Impl>(loop, clock, random, std::move(connecting), options)),
      group_(loop) {}

// A connection's end lets ready tasks run, one of which may have opened another: it finds a list of
// its own.
Pool::~Pool() {
  group_.stop();
  const auto ending = std::exchange(impl_->connections, {});
}

io::Task<std::vector<Result>> Pool::run(Transaction transaction) {
  auto impl = impl_;
  if (impl->under_way >= impl->options.under_way_max)
    throw Error(Code::unavailable, "PostgreSQL: too many transactions are waiting");
  struct Count {
    std::size_t& at;
    explicit Count(std::size_t& c) : at(++c) {}
    Count(const Count&) = delete;
    ~Count() { --at; }
  } count(impl->under_way);

  auto connection = impl->find(transaction.key);
  for (;;) {
    if ((!connection || connection->under_way() > 0) && impl->may_open()) {
      ++impl->opening;
      group_.spawn("connecting to PostgreSQL", Impl::open(impl));
    }
    if (connection) break;  // a new one is for those that come later
    if (impl->opening == 0) std::rethrow_exception(impl->failure);
    impl->opened.clear();
    co_await impl->opened.wait();
    connection = impl->find(transaction.key);
  }
  auto results = co_await connection->run(std::move(transaction));
  ++impl->counters.transactions;
  co_return results;
}

io::Task<> Pool::end(Backend backend) {
  Transaction transaction;
  transaction.add(end_backend, {integer(backend.pid), integer(backend.started)});
  const auto results = co_await run(std::move(transaction));
  if (results.front().rows() > 0 && !results.front().boolean(0, 0))
    throw Error(Code::unavailable, base::cat("PostgreSQL: backend ", backend.pid, " does not end"));
}

Pool::Counters Pool::counters() const { return impl_->counters; }

}  // namespace postgres
