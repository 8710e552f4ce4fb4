// What is wrong with our objects: everything at once, each problem with its path and what would be
// right.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "objects/agent.h"
#include "objects/agent_run.h"
#include "objects/skill_pack.h"

namespace policy {

// An object as it was sent (`object`: the whole tree). Fields: types, required, ranges, formats,
// refused. Then the rules below, when the fields hold. Unknown fields are the server's business
// (fieldValidation).
base::Issues check_agent(const base::Json& object);
base::Issues check_agent_run(const base::Json& object);
base::Issues check_skill_pack(const base::Json& object);
// By group "sympozium.ai" and plural; no issues for any other kind.
base::Issues check(std::string_view plural, const base::Json& object);

// The rules between fields, on decoded objects:
//   timeouts are longer than nothing; a skill reference names exactly one thing, each once;
//   environment names are names, none that the loader or the shell reads; base URLs have a host and
//   no user information.
base::Issues rules_of(const objects::Agent&);
base::Issues rules_of(const objects::AgentRun&);
//   no tool takes a built-in's name, positional arguments are
//   declared and required.
base::Issues rules_of(const objects::SkillPack&);

// A Secret that `path` names: it must exist and be annotated sympozium.ai/use: <use> and, for
// provider keys, sympozium.ai/hosts. `annotations` nothing: there is no such Secret.
base::Issues check_secret(std::string_view path, std::string_view name, std::string_view use,
                          const std::optional<objects::TextMap>& annotations);

// What the packs of one run must not do to each other: two of them with one skill file or one tool
// name.
base::Issues check_packs_together(const std::vector<objects::SkillPack>& packs);

}  // namespace policy
