// All kinds that this program knows: ours, and the slice of Kubernetes' own that it touches.
#pragma once

#include <span>
#include <string_view>

#include "schema/kind.h"

namespace objects {

using schema::KindInfo;
using schema::path_of;
using schema::Scope;

// The kinds of sympozium.ai.
std::span<const KindInfo* const> own_kinds();
// Kubernetes' own kinds, as far as we read or write them.
std::span<const KindInfo* const> core_kinds();

// By group and plural: find_kind("sympozium.ai", "agentruns"), find_kind("", "pods"). Null if
// unknown.
const KindInfo* find_kind(std::string_view group, std::string_view plural);
// By what an object says of itself: find_kind_of("batch/v1", "Job").
const KindInfo* find_kind_of(std::string_view api_version, std::string_view kind);
// By what a person types: a plural, singular, short name or kind, in any case; our kinds win.
const KindInfo* find_kind_named(std::string_view word);

// kind_of<AgentRun>(), of every struct that is a whole object.
template <class T>
const KindInfo& kind_of() {
  return T::info;
}

}  // namespace objects
