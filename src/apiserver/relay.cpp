#include "apiserver/relay.h"

namespace apiserver {

namespace {

io::Task<> copy(io::ResponseStream& from, io::Exchange& to, io::TaskGroup& both) {
  for (;;) {
    auto piece = co_await from.next();
    if (!piece) break;
    co_await to.send(*piece);
  }
  both.stop();
}

io::Task<> notice_client(io::Exchange& exchange, bool& gone, io::TaskGroup& both) {
  co_await exchange.client_gone();
  gone = true;
  both.stop();
}

}  // namespace

io::Task<> relay(Context& context, io::ResponseStream& from, io::Exchange& to) {
  bool gone = false;
  io::TaskGroup both(context.loop);
  both.spawn("copy", copy(from, to, both));
  both.spawn("client", notice_client(to, gone, both));
  co_await both.join();
  if (!gone) co_await to.end();
}

}  // namespace apiserver
