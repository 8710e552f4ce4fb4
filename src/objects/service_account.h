// core/v1 ServiceAccount and the request for a token of one.
#pragma once

#include "objects/meta.h"
#include "schema/kind.h"

namespace objects {

struct ServiceAccount {
  ObjectMeta metadata;
  std::optional<bool> automountServiceAccountToken;
  std::vector<LocalObjectReference> imagePullSecrets;
  bool operator==(const ServiceAccount&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

// authentication.k8s.io/v1 TokenRequest, posted to serviceaccounts/<name>/token.
struct BoundObjectReference {
  std::string kind, apiVersion, name, uid;
  bool operator==(const BoundObjectReference&) const = default;
  static const Struct table;
};
struct TokenRequestSpec {
  Texts audiences;
  std::int64_t expirationSeconds = 3600;  // at least 600
  std::optional<BoundObjectReference> boundObjectRef;
  bool operator==(const TokenRequestSpec&) const = default;
  static const Struct table;
};
struct TokenRequestStatus {
  std::string token;
  Time expirationTimestamp{};
  bool operator==(const TokenRequestStatus&) const = default;
  static const Struct table;
};
struct TokenRequest {
  ObjectMeta metadata;
  TokenRequestSpec spec;
  TokenRequestStatus status;
  bool operator==(const TokenRequest&) const = default;
  static const Struct table;
  static const schema::KindInfo info;
};

}  // namespace objects
