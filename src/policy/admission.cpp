#include "policy/admission.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "base/time.h"
#include "policy/tools.h"
#include "protocol/names.h"
#include "schema/format.h"
#include "schema/validate.h"

namespace policy {

namespace {

using base::cat;
using base::Issues;

constexpr std::size_t pack_name_max =
    50;  // of a pack with a sidecar: its volumes are named after it

template <class T>
Issues check_as(const base::Json& object) {
  Issues issues = schema::validate(T::table, object);
  T value;
  if (schema::decode(value, object, schema::Unknown::ignore).empty())
    for (base::Issue& issue : rules_of(value)) issues.push_back(std::move(issue));
  return issues;
}

// That it is a duration is for the field's format to say.
void check_timeout(Issues& issues, const std::string& path, const std::string& text) {
  const auto duration = base::parse_duration(text);
  if (duration && *duration == base::Duration(0))
    issues.push_back({path, cat("\"", text, "\" must be longer than 0s")});
}

void check_skills(Issues& issues, const std::string& path,
                  const std::vector<objects::SkillRef>& skills) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < skills.size(); ++i) {
    const std::string at = cat(path, "[", i, "]");
    const auto& skill = skills[i];
    if (skill.skillPackRef.empty() == skill.configMapRef.empty()) {
      issues.push_back({at, "must name either a skillPackRef or a configMapRef"});
    } else if (!seen.insert(skill.skillPackRef + "/" + skill.configMapRef).second) {
      issues.push_back(
          {at, cat("\"", skill.skillPackRef, skill.configMapRef, "\" is named twice")});
    }
  }
}

// Names that change what program runs, or are ours.
bool is_reserved_environment(std::string_view name) {
  constexpr std::array<std::string_view, 11> reserved{
      "PATH", "HOME", "SHELL",     "USER",     "HOSTNAME",      "IFS",
      "ENV",  "PS4",  "SHELLOPTS", "BASHOPTS", "GLIBC_TUNABLES"};
  return name.starts_with("LD_") || name.starts_with("SYMPOZIUM_") || name.starts_with("BASH_") ||
         std::ranges::find(reserved, name) != reserved.end();
}

void check_reserved(Issues& issues, const std::string& path, std::string_view name) {
  if (is_reserved_environment(name))
    issues.push_back({path, cat("\"", name, "\" is reserved; choose another name")});
}

void check_environment(Issues& issues, const std::string& path, const objects::TextMap& env) {
  for (const auto& [name, value] : env) {
    const std::string at = cat(path, ".", name);
    if (!schema::matches(schema::Format::env_name, name))
      issues.push_back({at, cat("\"", name, "\" is not valid; write ",
                                schema::expected(schema::Format::env_name))});
    check_reserved(issues, at, name);
  }
}

// That it begins with http:// or https:// is for the field's format to say.
void check_base_url(Issues& issues, const std::string& path, const std::string& url) {
  const auto scheme_end = url.find("://");
  if (scheme_end == url.npos) return;
  const std::string_view rest = std::string_view(url).substr(scheme_end + 3);
  if (rest.find_first_of(":?#") == 0) issues.push_back({path, cat("\"", url, "\" has no host")});
  if (rest.substr(0, rest.find_first_of("/?#")).contains('@'))
    issues.push_back({path, "must not hold a user or password; keys are in the Secret"});
}

void check_foreign(Issues& issues, const std::optional<objects::Harness>& harness,
                   const std::optional<objects::Resume>& resume) {
  if (harness) check_environment(issues, "spec.harness.env", harness->env);
  if (resume && resume->onDivergence == objects::OnDivergence::ask)
    issues.push_back({"spec.resume.onDivergence",
                      "\"ask\" needs approvals, which are not supported by this version; write "
                      "continue or fail"});
}

void check_tool(Issues& issues, const std::string& path, const objects::SidecarTool& tool) {
  if (is_builtin_tool(tool.name))
    issues.push_back(
        {path + ".name", cat("\"", tool.name, "\" is a built-in tool; choose another name")});
  const base::Json parameters(tool.parameters);
  const base::Json* properties = base::find(parameters, {"properties"});
  const base::Json* required = base::find(parameters, {"required"});
  for (std::size_t i = 0; i < tool.positionalArgs.size(); ++i) {
    const std::string& name = tool.positionalArgs[i];
    const bool declared =
        properties && properties->is_object() && properties->get_object().contains(name);
    const bool needed = required && required->is_array() &&
                        std::ranges::any_of(required->get_array(), [&](const base::Json& one) {
                          return one.is_string() && std::string_view(one.get_string()) == name;
                        });
    if (!declared || !needed)
      issues.push_back(
          {cat(path, ".positionalArgs[", i, "]"),
           cat("\"", name, "\" must be in parameters.properties and in parameters.required")});
  }
  if (tool.inputMode != objects::InputMode::args || !properties || !properties->is_object()) return;
  for (const auto& [name, schema] : properties->get_object())
    if (std::ranges::find(tool.positionalArgs, std::string_view(name)) == tool.positionalArgs.end())
      issues.push_back(
          {path + ".positionalArgs",
           cat("must name \"", std::string_view(name),
               "\", too: with inputMode args a parameter is passed by its position; or "
               "use inputMode stdin")});
}

}  // namespace

Issues check_agent(const base::Json& object) { return check_as<objects::Agent>(object); }
Issues check_agent_run(const base::Json& object) { return check_as<objects::AgentRun>(object); }
Issues check_skill_pack(const base::Json& object) { return check_as<objects::SkillPack>(object); }

Issues check(std::string_view plural, const base::Json& object) {
  if (plural == "agents") return check_agent(object);
  if (plural == "agentruns") return check_agent_run(object);
  if (plural == "skillpacks") return check_skill_pack(object);
  return {};
}

Issues rules_of(const objects::Agent& agent) {
  Issues issues;
  const auto& defaults = agent.spec.agents.defaults;
  check_timeout(issues, "spec.agents.default.runTimeout", defaults.runTimeout);
  check_environment(issues, "spec.agents.default.env", defaults.env);
  check_base_url(issues, "spec.agents.default.baseURL", defaults.baseURL);
  check_skills(issues, "spec.skills", agent.spec.skills);
  check_foreign(issues, agent.spec.harness, agent.spec.resume);
  return issues;
}

Issues rules_of(const objects::AgentRun& run) {
  Issues issues;
  check_timeout(issues, "spec.timeout", run.spec.timeout);
  check_environment(issues, "spec.env", run.spec.env);
  check_base_url(issues, "spec.model.baseURL", run.spec.model.baseURL);
  check_skills(issues, "spec.skills", run.spec.skills);
  check_foreign(issues, run.spec.harness, run.spec.resume);
  if (run.spec.harness && run.spec.toolPolicy != objects::ToolPolicy{})
    issues.push_back(
        {"spec.toolPolicy",
         "does not bind a foreign agent (spec.harness), which runs its own tools in its "
         "sandbox; remove it"});
  return issues;
}

Issues rules_of(const objects::SkillPack& pack) {
  Issues issues;
  if (!pack.spec.sidecar) return issues;
  const auto& sidecar = *pack.spec.sidecar;
  for (std::size_t i = 0; i < sidecar.tools.size(); ++i)
    check_tool(issues, cat("spec.sidecar.tools[", i, "]"), sidecar.tools[i]);
  for (std::size_t i = 0; i < sidecar.env.size(); ++i)
    check_reserved(issues, cat("spec.sidecar.env[", i, "].name"), sidecar.env[i].name);
  if (!base::is_dns_label(pack.metadata.name) || pack.metadata.name.size() > pack_name_max)
    issues.push_back(
        {"metadata.name", cat("\"", pack.metadata.name, "\" names a container, too: use at most ",
                              pack_name_max, " lower-case letters, digits and -")});
  return issues;
}

Issues check_secret(std::string_view path, std::string_view name, std::string_view use,
                    const std::optional<objects::TextMap>& annotations) {
  const std::string at(path);
  if (!annotations)
    return {{at, cat("there is no Secret \"", name,
                     "\" in this namespace; create it with the annotations ",
                     protocol::annotation_use, "=", use, " and ", protocol::annotation_hosts)}};
  auto value = [&](std::string_view key) -> std::string {
    const auto found = annotations->find(std::string(key));
    return found == annotations->end() ? "" : found->second;
  };
  Issues issues;
  if (const std::string given = value(protocol::annotation_use); given != use)
    issues.push_back({at, cat("Secret \"", name, "\" may not be used as ", use, ": its annotation ",
                              protocol::annotation_use, " is \"", given, "\"; annotate it with ",
                              protocol::annotation_use, "=", use)});
  if (base::trim(value(protocol::annotation_hosts)).empty())
    issues.push_back({at, cat("Secret \"", name,
                              "\" names no hosts that its key may be sent to; annotate it with ",
                              protocol::annotation_hosts, "=api.example.com")});
  return issues;
}

Issues check_packs_together(const std::vector<objects::SkillPack>& packs) {
  Issues issues;
  std::map<std::string, std::string> skills, tools;
  for (std::size_t i = 0; i < packs.size(); ++i) {
    const auto& pack = packs[i];
    auto claim = [&](std::map<std::string, std::string>& owners, std::string_view what,
                     const std::string& name) {
      const auto [owner, is_new] = owners.emplace(name, pack.metadata.name);
      if (!is_new && owner->second != pack.metadata.name)
        issues.push_back({cat("spec.skills[", i, "]"),
                          cat(what, " \"", name, "\" of SkillPack ", pack.metadata.name, " is in ",
                              owner->second, " too; use only one of them")});
    };
    for (const auto& skill : pack.spec.skills) claim(skills, "skill", skill.name);
    if (pack.spec.sidecar)
      for (const auto& tool : pack.spec.sidecar->tools) claim(tools, "tool", tool.name);
  }
  return issues;
}

}  // namespace policy
