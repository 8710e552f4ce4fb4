// What the model is told about the tools of our runner: upstream's names and parameters.
#pragma once

#include <vector>

#include "protocol/gateway.h"

namespace agent {

// The definitions of the offered tools, in a fixed order. An offered name that we do not know is
// left out.
std::vector<protocol::ToolDefinition> define_tools(
    const std::vector<protocol::OfferedTool>& offered);

}  // namespace agent
