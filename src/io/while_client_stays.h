// Work that is worth nothing to anybody once its client has left.
#pragma once

#include "io/http.h"
#include "io/loop.h"

namespace io {

// Runs a task for the client of this exchange, whose body was read. False when the client went
// first: the task was then cancelled, and there is nobody to answer.
Task<bool> while_client_stays(Loop&, Exchange&, Task<>);

}  // namespace io
