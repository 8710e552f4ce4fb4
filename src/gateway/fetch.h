// fetch_url, done by the gateway: a public page, never an address of ours.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "io/loop.h"
#include "protocol/gateway.h"

namespace gateway {

struct FetchSettings {
  std::vector<std::string> also;            // "127.0.0.1:8080": fetched although not public
  std::size_t bytes_max = 5 * 1024 * 1024;  // read from the page
  base::Duration deadline{30'000};
};

// Runs one call with the tool's arguments {url, maxChars, headers}. What goes wrong is a failed
// result: the model reads it. Private, loopback, link-local and metadata addresses are refused on
// the resolved address, at each redirect anew.
io::Task<protocol::ToolResult> fetch_url(io::Loop&, base::Clock&, FetchSettings,
                                         std::string arguments);

}  // namespace gateway
