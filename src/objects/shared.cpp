#include "objects/shared.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

constexpr Struct SkillRef::table{"SkillRef", &room<SkillRef>, {
    {"skillPackRef", &SkillRef::skillPackRef, formatted(Format::dns_subdomain) | honoured, "Name of a SkillPack in the run's namespace."},
    {"configMapRef", &SkillRef::configMapRef, refused, "Name of a ConfigMap whose keys are Markdown skills."},
    {"params", &SkillRef::params, honoured, "Settings of the pack: each becomes SKILL_<KEY>, upper-cased, in its sidecar's environment."},
}};

constexpr Struct EnvFromSecret::table{"EnvFromSecret", &room<EnvFromSecret>, {
    {"secretKeyRef", &EnvFromSecret::secretKeyRef, refused, "Key of a Secret."},
}};

constexpr Struct SimpleEnvVar::table{"SimpleEnvVar", &room<SimpleEnvVar>, {
    {"name", &SimpleEnvVar::name, required | formatted(Format::env_name) | honoured, "Name of the variable."},
    {"value", &SimpleEnvVar::value, honoured, "Its text. Default empty."},
    {"valueFrom", &SimpleEnvVar::valueFrom, refused, "Where the text comes from; a Secret is never put into an environment."},
}};

constexpr Struct RoleRule::table{"RoleRule", &room<RoleRule>, {
    {"apiGroups", &RoleRule::apiGroups, required | refused, "API groups; \"\" is the core group."},
    {"resources", &RoleRule::resources, required | refused, "Resources, as plural nouns."},
    {"verbs", &RoleRule::verbs, required | refused, "Verbs."},
}};

constexpr Struct ResourceAmounts::table{"ResourceAmounts", &room<ResourceAmounts>, {
    {"requests", &ResourceAmounts::requests, refused, "Amounts set aside: cpu, memory."},
    {"limits", &ResourceAmounts::limits, refused, "Amounts at most: cpu, memory."},
}};

constexpr Struct Harness::table{"Harness", &room<Harness>, {
    {"image", &Harness::image, required | min_length(1) | honoured, "Image that holds the program. In the embedded home: one that `sympozium image import` has taken, or host."},
    {"command", &Harness::command, required | min_length(1) | honoured, "Program and its first arguments. The image's own entrypoint is not used: our launcher starts this. $(NAME) stands for a variable of the environment, also for TASK and SYSTEM_PROMPT."},
    {"args", &Harness::args, honoured, "Further arguments."},
    {"env", &Harness::env, honoured, "Environment of the program, added last. It finds TASK, SYSTEM_PROMPT, MODEL_NAME, MODEL_PROVIDER, OPENAI_BASE_URL, OPENAI_API_KEY, ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY there; the keys are placeholders, the gateway has the real one."},
}};
constexpr Struct Resume::table{"Resume", &room<Resume>, {
    {"onDivergence", &Resume::onDivergence, by_default("continue") | honoured, "When a foreign agent, run again after a loss, asks what its record does not hold: continue makes the new call, fail ends the run. Either way condition Diverged says where. Default continue."},
}};

constexpr Struct Hook::table{"Hook", &room<Hook>, {
    {"name", &Hook::name, required | refused, "Name of the hook's container, without its prefix pre- or post-."},
    {"image", &Hook::image, required | refused, "Image."},
    {"imagePullPolicy", &Hook::imagePullPolicy, refused, "Always, IfNotPresent or Never."},
    {"command", &Hook::command, refused, "Command; default the image's."},
    {"args", &Hook::args, refused, "Arguments."},
    {"env", &Hook::env, keyed_by("name") | refused, "Environment."},
    {"gate", &Hook::gate, refused, "postRun only: this hook decides whether the answer is released."},
    {"timeout", &Hook::timeout, refused, "Go duration."},
}};

constexpr Struct LifecycleHooks::table{"LifecycleHooks", &room<LifecycleHooks>, {
    {"gateDefault", &LifecycleHooks::gateDefault, by_default("block") | refused, "What happens when the gate gives no verdict: allow or block. Default block."},
    {"preRun", &LifecycleHooks::preRun, refused, "Containers that run before the agent, one after another."},
    {"postRun", &LifecycleHooks::postRun, refused, "Containers that run after the agent, one after another."},
    {"rbac", &LifecycleHooks::rbac, refused, "Role rules for the hooks."},
}};

}  // namespace objects
