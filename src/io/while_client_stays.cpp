#include "io/while_client_stays.h"

namespace io {

namespace {

Task<> work(Task<> task, TaskGroup& both) {
  co_await std::move(task);
  both.stop();
}

Task<> notice(Exchange& exchange, bool& gone, TaskGroup& both) {
  co_await exchange.client_gone();
  gone = true;
  both.stop();
}

}  // namespace

Task<bool> while_client_stays(Loop& loop, Exchange& exchange, Task<> task) {
  bool gone = false;
  TaskGroup both(loop);
  both.spawn("work", work(std::move(task), both));
  both.spawn("client", notice(exchange, gone, both));
  co_await both.join();
  co_return !gone;
}

}  // namespace io
