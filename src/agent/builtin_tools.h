// What the model is told about the tools of our runner: upstream's names and parameters.
#pragma once

#include <vector>

#include "protocol/gateway.h"

namespace agent {

// The definitions of the offered tools: ours in a fixed order, then the packs' own. An offered name
// that we do not know and that nobody describes is left out.
std::vector<protocol::ToolDefinition> define_tools(
    const std::vector<protocol::OfferedTool>& offered);

}  // namespace agent
