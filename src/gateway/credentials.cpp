#include "gateway/credentials.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/text.h"
#include "policy/admission.h"
#include "protocol/names.h"

namespace gateway {

using base::cat;

namespace {

constexpr char secret_field[] = "spec.model.authSecretRef";

[[noreturn]] void fail(std::string code, std::string message) {
  throw ProviderFailed{{std::move(code), std::move(message)}, {}};
}
[[noreturn]] void refuse_key(std::string message) {
  fail("provider_unauthorized", std::move(message));
}

struct KnownProvider {
  std::string_view name, base_url;
};
// Those that have a place of their own. What runs on one's own machine
// is found at its usual port.
constexpr std::array<KnownProvider, 12> known_providers{{
    {"openai", "https://api.openai.com/v1"},
    {"anthropic", "https://api.anthropic.com"},
    {"google", "https://generativelanguage.googleapis.com/v1beta/openai"},
    {"mistral", "https://api.mistral.ai/v1"},
    {"groq", "https://api.groq.com/openai/v1"},
    {"deepseek", "https://api.deepseek.com/v1"},
    {"openrouter", "https://openrouter.ai/api/v1"},
    {"ollama", "http://localhost:11434/v1"},
    {"lm-studio", "http://localhost:1234/v1"},
    {"llama-server", "http://localhost:8080/v1"},
    {"unsloth", "http://localhost:8080/v1"},
    {"vllm", "http://localhost:8000/v1"},
}};

// "https://h/v1/?api-version=1" → path "/v1/chat/completions", the query kept.
void append_path(std::string& target, std::string_view path) {
  const auto query_at = std::min(target.find('?'), target.size());
  const std::string query = target.substr(query_at);
  target.resize(query_at);
  while (target.ends_with('/')) target.pop_back();
  target += path;
  target += query;
}

constexpr std::string_view azure = "azure-openai";
// The oldest that tells the usage of a stream (stream_options).
constexpr std::string_view azure_version = "api-version=2024-10-21";

bool is_deployment(std::string_view model) {
  return !model.empty() && std::ranges::all_of(model, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

// "/" → "/openai/deployments/MODEL?api-version=…"; what is there already stays. Its v1 API is
// addressed as OpenAI's (Azure OpenAI REST API reference, "Data plane inference").
void complete_azure(std::string& target, const std::string& model, llm::Endpoint endpoint) {
  const auto query_at = std::min(target.find('?'), target.size());
  std::string query = target.substr(query_at), path = target.substr(0, query_at);
  while (path.ends_with('/')) path.pop_back();
  if (path.ends_with("/v1")) return;
  if (endpoint == llm::Endpoint::responses)
    fail("invalid_request",
         cat("a deployment of ", azure,
             " does not speak /v1/responses: set spec.model.baseURL to "
             "its v1 API, which ends in /openai/v1, or use a client of chat completions"));
  if (!path.ends_with("/openai") && !path.contains("/openai/")) path += "/openai";
  if (!path.contains("/deployments/")) {
    if (!is_deployment(model))
      fail("invalid_request", cat("spec.model.model \"", model, "\" is no name of a deployment of ",
                                  azure, ": letters, digits, '-', '_' and '.'"));
    path += cat("/deployments/", model);
  }
  if (!query.contains("api-version=")) query += cat(query.empty() ? "?" : "&", azure_version);
  target = path + query;
}

// The list's entries are `host` (port 443) or `host:port`.
bool names_host(std::string_view list, const Url& url) {
  const std::string bare = authority({.scheme = Scheme::https, .host = url.host, .port = 443});
  std::string entry;
  for (char c : cat(list, ",")) {
    if (c != ',' && c != ' ' && c != '\n' && c != '\t') {
      entry += c;
      continue;
    }
    entry = base::lower(entry);
    if (!entry.empty() && (entry == host_and_port(url) || (url.port == 443 && entry == bare)))
      return true;
    entry.clear();
  }
  return false;
}

std::vector<std::string> key_names(std::string_view provider) {
  std::string own;
  for (char c : provider)
    own += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c == '-' ? '_' : c;
  return {own + "_API_KEY", "API_KEY"};
}

}  // namespace

ProviderAddress address_of(const ProviderTarget& target, llm::Endpoint endpoint) {
  const llm::Family family = llm::family_of(target.provider);
  if (!llm::speaks(family, endpoint))
    fail("invalid_request",
         cat("the run's provider \"", target.provider, "\" does not speak ",
             llm::request_path(endpoint, "/v1"), "; use a client of ",
             family == llm::Family::anthropic ? "Anthropic's messages" : "OpenAI's API",
             ", or another provider in spec.model"));
  std::string base_url = target.base_url;
  if (base_url.empty()) {
    const auto known = std::ranges::find(known_providers, target.provider, &KnownProvider::name);
    if (known == known_providers.end())
      fail("invalid_request",
           cat("the provider \"", target.provider,
               "\" has no address of its own: set spec.model.baseURL",
               target.provider == azure ? " to https://NAME.openai.azure.com" : ""));
    base_url = known->base_url;
  }
  ProviderAddress out;
  try {
    out.url = parse_url(base_url);
  } catch (const base::Error& error) {
    fail("invalid_request", cat("spec.model.baseURL ", error.what()));
  }
  if (out.url.scheme == Scheme::http && !is_loopback(out.url.host))
    fail("invalid_request",
         cat("spec.model.baseURL is plain http to ", out.url.host,
             ": a key and a conversation leave this machine by https only; use https://"));
  out.name = cat(target.provider, " at ", origin(out.url));
  if (target.provider == azure) complete_azure(out.url.target, target.model, endpoint);
  const std::string base_path = out.url.target.substr(0, out.url.target.find('?'));
  append_path(out.url.target, llm::request_path(endpoint, base_path));
  out.key_header = target.provider == azure           ? "api-key"
                   : family == llm::Family::anthropic ? llm::anthropic_key_header
                                                      : "Authorization";
  return out;
}

base::Secret<std::string> key_of(const ProviderTarget& target, const ProviderAddress& address,
                                 const std::optional<objects::Secret>& secret) {
  if (target.secret.empty()) {
    if (is_loopback(address.url.host)) return {};
    refuse_key(cat(secret_field, " is empty: ", address.name,
                   " is another machine, and is spoken to with a key only; name a Secret"));
  }
  std::optional<objects::TextMap> annotations;
  if (secret) annotations = secret->metadata.annotations;
  if (auto issues = policy::check_secret(secret_field, target.secret, "provider", annotations);
      !issues.empty())
    refuse_key(base::format(issues));

  const std::string& hosts = annotations->at(std::string(protocol::annotation_hosts));
  if (!names_host(hosts, address.url))
    refuse_key(cat(secret_field, ": the key in Secret \"", target.secret, "\" may not be sent to ",
                   host_and_port(address.url), ": its annotation ", protocol::annotation_hosts,
                   " is \"", hosts, "\"; add it there, or correct spec.model.baseURL"));

  const auto names = key_names(target.provider);
  for (const auto& name : names) {
    const auto found = secret->data.find(name);
    if (found == secret->data.end()) continue;
    auto bytes = base::parse_base64(found->second);
    std::string key(base::trim(bytes ? *bytes : std::string()));
    if (key.empty()) continue;
    if (std::ranges::any_of(key, [](unsigned char c) { return c <= ' ' || c > '~'; }))
      refuse_key(cat(secret_field, ": ", name, " in Secret \"", target.secret,
                     "\" is no key: it holds spaces or other characters that no header takes"));
    return base::Secret<std::string>(std::move(key));
  }
  refuse_key(cat(secret_field, ": Secret \"", target.secret, "\" holds no key: put it under ",
                 base::join(names, " or ")));
}

}  // namespace gateway
