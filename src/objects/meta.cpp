#include "objects/meta.h"

// clang-format off: a field is a line

namespace objects {

using namespace schema;

constexpr Struct OwnerReference::table{"OwnerReference", &room<OwnerReference>, {
    {"apiVersion", &OwnerReference::apiVersion, required | honoured, "API version of the owner."},
    {"kind", &OwnerReference::kind, required | honoured, "Kind of the owner."},
    {"name", &OwnerReference::name, required | honoured, "Name of the owner, in the same namespace or in none."},
    {"uid", &OwnerReference::uid, required | honoured, "UID of the owner."},
    {"controller", &OwnerReference::controller, honoured, "Whether the owner is the one that manages this object."},
    {"blockOwnerDeletion", &OwnerReference::blockOwnerDeletion, honoured, "Whether deleting the owner in the foreground waits for this object."},
}};

constexpr Struct ObjectMeta::table{"ObjectMeta", &room<ObjectMeta>, {
    {"name", &ObjectMeta::name, honoured, "Name, unique among the kind's objects of a namespace. Cannot be changed."},
    {"generateName", &ObjectMeta::generateName, honoured, "Prefix of a name that the server makes when name is absent."},
    {"namespace", &ObjectMeta::ns, honoured, "Namespace. Cannot be changed."},
    {"uid", &ObjectMeta::uid, honoured, "Identity in time and space; made by the server."},
    {"resourceVersion", &ObjectMeta::resourceVersion, honoured, "Version of the stored object; a precondition when sent with a change."},
    {"generation", &ObjectMeta::generation, honoured, "Counts changes of the spec, from 1."},
    {"creationTimestamp", &ObjectMeta::creationTimestamp, honoured, "When the server made it."},
    {"deletionTimestamp", &ObjectMeta::deletionTimestamp, honoured, "When it shall be gone; set by a deletion that waits for finalizers or a grace period."},
    {"deletionGracePeriodSeconds", &ObjectMeta::deletionGracePeriodSeconds, honoured, "Seconds between the request for deletion and deletionTimestamp."},
    {"labels", &ObjectMeta::labels, honoured, "Labels, to be selected by."},
    {"annotations", &ObjectMeta::annotations, honoured, "Notes of tools and people; not selected by."},
    {"finalizers", &ObjectMeta::finalizers, unique | honoured, "Who must agree before the object is gone."},
    {"ownerReferences", &ObjectMeta::ownerReferences, keyed_by("uid") | honoured, "Objects with which this one goes."},
    {"selfLink", &ObjectMeta::selfLink, inert, "Not set by any current server."},
    {"managedFields", &ObjectMeta::managedFields, inert, "Who set which field; kept by servers with server-side apply."},
}};

constexpr Struct Condition::table{"Condition", &room<Condition>, {
    {"type", &Condition::type, required | min_length(1) | max_length(316) | honoured, "What it is about, in CamelCase."},
    {"status", &Condition::status, required | honoured, "True, False or Unknown."},
    {"observedGeneration", &Condition::observedGeneration, at_least(0) | honoured, "metadata.generation on which it rests."},
    {"lastTransitionTime", &Condition::lastTransitionTime, required | honoured, "When the status last changed."},
    {"reason", &Condition::reason, required | min_length(1) | max_length(1024) | honoured, "Why, in one CamelCase word for programs."},
    {"message", &Condition::message, required | max_length(32768) | honoured, "Why, for people."},
}};

constexpr Struct LocalObjectReference::table{"LocalObjectReference", &room<LocalObjectReference>, {
    {"name", &LocalObjectReference::name, required | min_length(1) | honoured, "Name of an object in the same namespace."},
}};

constexpr Struct SecretKeySelector::table{"SecretKeySelector", &room<SecretKeySelector>, {
    {"name", &SecretKeySelector::name, required | honoured, "Name of an object in the same namespace."},
    {"key", &SecretKeySelector::key, required | honoured, "Key in its data."},
    {"optional", &SecretKeySelector::optional, honoured, "Whether object or key may be absent. Default false."},
}};

constexpr Struct LabelSelector::table{"LabelSelector", &room<LabelSelector>, {
    {"matchLabels", &LabelSelector::matchLabels, honoured, "Labels that must be there with these values."},
    {"matchExpressions", &LabelSelector::matchExpressions, honoured, "Further demands on labels."},
}};

}  // namespace objects
