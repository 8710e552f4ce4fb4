#include "gateway/credentials.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace gateway {
namespace {

ProviderTarget target_of(const std::string& provider, const std::string& base_url) {
  return {"default", provider, base_url, "key"};
}

std::string failure_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const ProviderFailed& failed) {
    return failed.failure.code + ": " + failed.failure.message;
  }
  return "";
}

void expect_words(const std::string& text, const std::vector<std::string>& words) {
  for (const auto& word : words)
    EXPECT_NE(text.find(word), std::string::npos) << word << "\n" << text;
}

ProviderAddress asked_at(const ProviderTarget& target) {
  return address_of(target, llm::turn_endpoint(llm::family_of(target.provider)));
}

TEST(Endpoint, IsTheBaseUrlOrTheProvidersOwn) {
  EXPECT_EQ(asked_at(target_of("openai", "")).url,
            parse_url("https://api.openai.com/v1/chat/completions"));
  EXPECT_EQ(asked_at(target_of("openai", "https://h:8443/v1/")).url,
            parse_url("https://h:8443/v1/chat/completions"));
  EXPECT_EQ(asked_at(target_of("x", "https://h/v1?api-version=3")).url,
            parse_url("https://h/v1/chat/completions?api-version=3"));
  EXPECT_EQ(asked_at(target_of("vllm", "http://127.0.0.1:8000")).name,
            "vllm at http://127.0.0.1:8000");
  expect_words(failure_of([] { asked_at(target_of("mine", "")); }),
               {"invalid_request", "\"mine\"", "set spec.model.baseURL"});
  expect_words(failure_of([] { asked_at(target_of("x", "http://10.0.0.1/v1")); }),
               {"spec.model.baseURL", "plain http to 10.0.0.1", "https"});
  expect_words(failure_of([] { asked_at(target_of("x", "ftp://h/")); }),
               {"spec.model.baseURL", "https:// or http://"});
}

// What upstream and the programs' own documentation name as their places.
TEST(Endpoint, IsWhereProgramsOfOnesOwnMachineListen) {
  for (const auto& [provider, url] :
       {std::pair{"ollama", "http://localhost:11434/v1/chat/completions"},
        {"lm-studio", "http://localhost:1234/v1/chat/completions"},
        {"vllm", "http://localhost:8000/v1/chat/completions"},
        {"llama-server", "http://localhost:8080/v1/chat/completions"},
        {"unsloth", "http://localhost:8080/v1/chat/completions"}}) {
    const ProviderAddress address = asked_at(target_of(provider, ""));
    EXPECT_EQ(address.url, parse_url(url));
    EXPECT_EQ(address.key_header, "Authorization");
  }
}

struct AzureCase {
  std::string base_url, asked;
};
TEST(Endpoint, OfAzureNamesDeploymentAndVersion) {
  const std::string deployment = "/openai/deployments/gpt-4o.prod/chat/completions";
  const std::vector<AzureCase> cases{
      {"https://n.openai.azure.com", deployment + "?api-version=2024-10-21"},
      {"https://n.openai.azure.com/", deployment + "?api-version=2024-10-21"},
      {"https://n.openai.azure.com/openai", deployment + "?api-version=2024-10-21"},
      {"https://n.openai.azure.com?api-version=2025-01-01-preview",
       deployment + "?api-version=2025-01-01-preview"},
      {"https://n.openai.azure.com/openai/deployments/other?x=y",
       "/openai/deployments/other/chat/completions?x=y&api-version=2024-10-21"},
      {"https://n.openai.azure.com/openai/v1/", "/openai/v1/chat/completions"},
      {"https://gate.example.com/team/a", "/team/a" + deployment + "?api-version=2024-10-21"},
  };
  for (const auto& [base_url, asked] : cases) {
    ProviderTarget target = target_of("azure-openai", base_url);
    target.model = "gpt-4o.prod";
    const ProviderAddress address = asked_at(target);
    EXPECT_EQ(address.url.target, asked) << base_url;
    EXPECT_EQ(address.key_header, "api-key");
  }
}

TEST(Endpoint, OfAzureIsRefusedInWordsThatNameTheField) {
  ProviderTarget target = target_of("azure-openai", "");
  target.model = "a/b?c";
  expect_words(failure_of([&] { asked_at(target); }),
               {"azure-openai", "spec.model.baseURL", "https://NAME.openai.azure.com"});
  target.base_url = "https://n.openai.azure.com";
  expect_words(failure_of([&] { asked_at(target); }),
               {"invalid_request", "spec.model.model", "a/b?c", "deployment"});
  target.model = "gpt-4o";
  expect_words(failure_of([&] { address_of(target, llm::Endpoint::responses); }),
               {"invalid_request", "spec.model.baseURL", "/openai/v1"});
  target.base_url += "/openai/v1";
  EXPECT_EQ(address_of(target, llm::Endpoint::responses).url.target, "/openai/v1/responses");
}

struct KeyOf : testing::Test {
  std::optional<objects::Secret> secret = objects::Secret{};
  ProviderTarget target = target_of("openai", "https://api.example.com/v1");

  KeyOf() {
    secret->metadata.annotations = {{"sympozium.ai/use", "provider"},
                                    {"sympozium.ai/hosts", "api.example.com"}};
    secret->data["API_KEY"] = base::base64("general");
  }
  std::string key() { return key_of(target, asked_at(target), secret).reveal(); }
  std::string failure() {
    return failure_of([this] { key(); });
  }
};

TEST_F(KeyOf, PrefersTheProvidersOwnName) {
  EXPECT_EQ(key(), "general");
  secret->data["OPENAI_API_KEY"] = base::base64(" own\n");
  secret->data["GROQ_API_KEY"] = base::base64("another's");
  EXPECT_EQ(key(), "own");
  target.provider = "azure-openai";
  secret->data["AZURE_OPENAI_API_KEY"] = base::base64("azure");
  EXPECT_EQ(key(), "azure");
}

TEST_F(KeyOf, GoesOnlyWhereTheSecretSays) {
  auto& hosts = secret->metadata.annotations["sympozium.ai/hosts"];
  struct Case {
    std::string hosts, base_url;
    bool sent;
  };
  const std::vector<Case> cases{
      {"api.example.com", "https://api.example.com", true},
      {"API.example.com", "https://api.EXAMPLE.com:443", true},
      {"other, api.example.com:443", "https://api.example.com", true},
      {"other\napi.example.com:8443", "https://api.example.com:8443", true},
      {"api.example.com", "https://api.example.com:8443", false},  // a bare host means 443
      {"api.example.com:8443", "https://api.example.com", false},
      {"example.com", "https://api.example.com", false},
      {"api.example.com", "https://api.example.com.evil.org", false},
      {"localhost", "http://localhost", false},
      {"localhost:80", "http://localhost", true},
      {"127.0.0.1:9411", "http://127.0.0.1:9411/v1", true},
      {"[::1]:9411", "http://[::1]:9411/v1", true},
      {"::1", "https://[::1]", false},
      {"[::1]", "https://[::1]", true},
      {",", "https://api.example.com", false},
  };
  for (const auto& one : cases) {
    hosts = one.hosts;
    target.base_url = one.base_url;
    EXPECT_EQ(failure().empty(), one.sent) << one.hosts << " " << one.base_url;
  }
}

TEST_F(KeyOf, NamesSecretAnnotationAndFix) {
  target.base_url = "https://evil.org";
  expect_words(failure(), {"provider_unauthorized", "spec.model.authSecretRef", "\"key\"",
                           "evil.org:443", "sympozium.ai/hosts", "api.example.com", "add it"});
  target.base_url = "https://api.example.com";
  secret->metadata.annotations.erase("sympozium.ai/hosts");
  expect_words(failure(), {"\"key\"", "sympozium.ai/hosts", "annotate"});
  secret->metadata.annotations["sympozium.ai/hosts"] = "api.example.com";
  secret->metadata.annotations["sympozium.ai/use"] = "mcp";
  expect_words(failure(), {"\"key\"", "sympozium.ai/use", "provider"});
  secret.reset();
  expect_words(failure(), {"no Secret \"key\"", "create it"});
}

TEST_F(KeyOf, NeedsAKeyThatIsOne) {
  secret->data["API_KEY"] = base::base64("two\nlines: of it");
  expect_words(failure(), {"API_KEY", "\"key\""});
  EXPECT_EQ(failure().find("lines"), std::string::npos);
  secret->data = {{"KEY", base::base64("x")}, {"API_KEY", base::base64(" ")}};
  expect_words(failure(), {"holds no key", "OPENAI_API_KEY or API_KEY"});
}

TEST_F(KeyOf, IsNotNeededOnLoopbackOnly) {
  target.secret = "";
  secret.reset();
  expect_words(failure(), {"spec.model.authSecretRef is empty", "name a Secret"});
  target.base_url = "http://localhost:8000";
  EXPECT_EQ(key(), "");
}

}  // namespace
}  // namespace gateway
