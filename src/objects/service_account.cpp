#include "objects/service_account.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

constexpr Struct ServiceAccount::table{"ServiceAccount", &room<ServiceAccount>, {
    {"metadata", &ServiceAccount::metadata, honoured, "Name, labels, owners."},
    {"automountServiceAccountToken", &ServiceAccount::automountServiceAccountToken, honoured, "Whether pods mount a token of the API server. Default true."},
    {"imagePullSecrets", &ServiceAccount::imagePullSecrets, honoured, "Secrets for pulling images."},
}, &ServiceAccount::info};

constexpr KindInfo ServiceAccount::info{
    .group = "", .version = "v1",
    .kind = "ServiceAccount", .plural = "serviceaccounts", .singular = "serviceaccount",
    .short_names = {"sa"},
    .table = &ServiceAccount::table,
    .doc = "The identity of a pod.",
};

constexpr Struct BoundObjectReference::table{"BoundObjectReference", &room<BoundObjectReference>, {
    {"kind", &BoundObjectReference::kind, honoured, "Pod, Secret or Node."},
    {"apiVersion", &BoundObjectReference::apiVersion, honoured, "v1."},
    {"name", &BoundObjectReference::name, honoured, "Name."},
    {"uid", &BoundObjectReference::uid, honoured, "UID."},
}};

constexpr Struct TokenRequestSpec::table{"TokenRequestSpec", &room<TokenRequestSpec>, {
    {"audiences", &TokenRequestSpec::audiences, honoured, "For whom the token is."},
    {"expirationSeconds", &TokenRequestSpec::expirationSeconds, by_default(3600) | at_least(600) | honoured, "Seconds that it lasts, at least 600. Default 3600."},
    {"boundObjectRef", &TokenRequestSpec::boundObjectRef, honoured, "Object with which it dies."},
}};

constexpr Struct TokenRequestStatus::table{"TokenRequestStatus", &room<TokenRequestStatus>, {
    {"token", &TokenRequestStatus::token, honoured, "The token, a JWT."},
    {"expirationTimestamp", &TokenRequestStatus::expirationTimestamp, honoured, "When it ends."},
}};

constexpr Struct TokenRequest::table{"TokenRequest", &room<TokenRequest>, {
    {"metadata", &TokenRequest::metadata, honoured, "Name, namespace."},
    {"spec", &TokenRequest::spec, honoured, "For whom and how long."},
    {"status", &TokenRequest::status, honoured, "The token."},
}, &TokenRequest::info};

constexpr KindInfo TokenRequest::info{
    .group = "authentication.k8s.io", .version = "v1",
    .kind = "TokenRequest", .plural = "tokenrequests", .singular = "tokenrequest",
    .table = &TokenRequest::table,
    .doc = "A token of a ServiceAccount.",
};

}  // namespace objects
