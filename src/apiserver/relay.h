// Passing on what another server says.
#pragma once

#include "apiserver/context.h"

namespace apiserver {

// The rest of an answer that has begun, piece by piece, and its end; stops when the client goes.
io::Task<> relay(Context&, io::ResponseStream& from, io::Exchange& to);

}  // namespace apiserver
