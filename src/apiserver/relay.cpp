#include "apiserver/relay.h"

#include "io/while_client_stays.h"

namespace apiserver {

namespace {

io::Task<> copy(io::ResponseStream& from, io::Exchange& to) {
  while (auto piece = co_await from.next()) co_await to.send(*piece);
}

}  // namespace

io::Task<> relay(Context& context, io::ResponseStream& from, io::Exchange& to) {
  auto copied = copy(from, to);
  const bool stayed = co_await io::while_client_stays(context.loop, to, std::move(copied));
  if (stayed) co_await to.end();
}

}  // namespace apiserver
