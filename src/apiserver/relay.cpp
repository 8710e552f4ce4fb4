#include "apiserver/relay.h"

namespace apiserver {

namespace {

// Sets an event when its scope is left, however it is left.
struct SetAtEnd {
  io::Event& event;
  ~SetAtEnd() { event.set(); }
};

io::Task<> copy(io::ResponseStream& from, io::Exchange& to, io::Event& done) {
  SetAtEnd at_end{done};
  for (;;) {
    auto piece = co_await from.next();
    if (!piece) break;
    co_await to.send(*piece);
  }
}

io::Task<> notice_client(io::Exchange& exchange, bool& gone, io::Event& done) {
  SetAtEnd at_end{done};
  co_await exchange.client_gone();
  gone = true;
}

}  // namespace

io::Task<> relay(Context& context, io::ResponseStream& from, io::Exchange& to) {
  bool gone = false;
  io::Event done;
  io::TaskGroup group(context.loop);
  group.spawn("copy", copy(from, to, done));
  group.spawn("client", notice_client(to, gone, done));
  std::exception_ptr error;
  try {
    co_await done.wait();
    group.stop();
    co_await group.join();
  } catch (...) {
    error = std::current_exception();
  }
  if (error) std::rethrow_exception(error);
  if (!gone) co_await to.end();
}

}  // namespace apiserver
