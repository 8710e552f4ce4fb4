// Reading a log file that still grows and may be renamed.
#pragma once

#include <functional>
#include <string>

#include "io/blocking.h"
#include "io/file.h"
#include "node/logs.h"

namespace node {

// Gives out what is added to `file` after `from` bytes of it, decoded, until `may_grow` says no and
// all has been read.
io::Task<> follow_log(base::Clock&, io::BlockingPool&, std::string file, std::int64_t from,
                      LogDecoder, std::function<bool()> may_grow,
                      std::function<io::Task<>(std::string)> give);

}  // namespace node
