#include "objects/access_review.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

constexpr Struct ResourceAttributes::table{"ResourceAttributes", &room<ResourceAttributes>, {
    {"namespace", &ResourceAttributes::ns, honoured, "Namespace; \"\" for all."},
    {"verb", &ResourceAttributes::verb, honoured, "get, list, …"},
    {"group", &ResourceAttributes::group, honoured, "API group."},
    {"version", &ResourceAttributes::version, honoured, "API version."},
    {"resource", &ResourceAttributes::resource, honoured, "Plural."},
    {"subresource", &ResourceAttributes::subresource, honoured, "Subresource."},
    {"name", &ResourceAttributes::name, honoured, "Name; \"\" for all."},
}};

constexpr Struct NonResourceAttributes::table{"NonResourceAttributes", &room<NonResourceAttributes>, {
    {"path", &NonResourceAttributes::path, honoured, "Path."},
    {"verb", &NonResourceAttributes::verb, honoured, "get, …"},
}};

constexpr Struct AccessReviewSpec::table{"AccessReviewSpec", &room<AccessReviewSpec>, {
    {"resourceAttributes", &AccessReviewSpec::resourceAttributes, honoured, "What, if it is a resource."},
    {"nonResourceAttributes", &AccessReviewSpec::nonResourceAttributes, honoured, "What, if it is not."},
    {"user", &AccessReviewSpec::user, honoured, "Who."},
    {"uid", &AccessReviewSpec::uid, honoured, "Who."},
    {"groups", &AccessReviewSpec::groups, honoured, "Groups of the user."},
    {"extra", &AccessReviewSpec::extra, honoured, "What else is known of the user."},
}};

constexpr Struct AccessReviewStatus::table{"AccessReviewStatus", &room<AccessReviewStatus>, {
    {"allowed", &AccessReviewStatus::allowed, honoured, "Whether it is allowed."},
    {"denied", &AccessReviewStatus::denied, honoured, "Whether somebody forbids it."},
    {"reason", &AccessReviewStatus::reason, honoured, "Why."},
    {"evaluationError", &AccessReviewStatus::evaluationError, honoured, "What went wrong while finding out."},
}};

constexpr Struct SubjectAccessReview::table{"SubjectAccessReview", &room<SubjectAccessReview>, {
    {"metadata", &SubjectAccessReview::metadata, honoured, "Nothing."},
    {"spec", &SubjectAccessReview::spec, honoured, "Who and what."},
    {"status", &SubjectAccessReview::status, honoured, "The answer."},
}, &SubjectAccessReview::info};

constexpr KindInfo SubjectAccessReview::info{
    .group = "authorization.k8s.io", .version = "v1",
    .kind = "SubjectAccessReview", .plural = "subjectaccessreviews", .singular = "subjectaccessreview",
    .scope = Scope::cluster,
    .table = &SubjectAccessReview::table,
    .doc = "May somebody do something?",
};

constexpr Struct SelfSubjectAccessReview::table{"SelfSubjectAccessReview", &room<SelfSubjectAccessReview>, {
    {"metadata", &SelfSubjectAccessReview::metadata, honoured, "Nothing."},
    {"spec", &SelfSubjectAccessReview::spec, honoured, "What."},
    {"status", &SelfSubjectAccessReview::status, honoured, "The answer."},
}, &SelfSubjectAccessReview::info};

constexpr KindInfo SelfSubjectAccessReview::info{
    .group = "authorization.k8s.io", .version = "v1",
    .kind = "SelfSubjectAccessReview", .plural = "selfsubjectaccessreviews", .singular = "selfsubjectaccessreview",
    .scope = Scope::cluster,
    .table = &SelfSubjectAccessReview::table,
    .doc = "May I do something?",
};

}  // namespace objects
