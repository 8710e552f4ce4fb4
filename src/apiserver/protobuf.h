// Kubernetes' protobuf bodies, read as JSON; and the one document that clients take as protobuf
// only.
//
// Typed clients of client-go send `application/vnd.kubernetes.protobuf` without asking, for a few
// small kinds (`kubectl create secret`, `kubectl auth can-i`); only those are understood.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace apiserver {

// "k8s\0" + runtime.Unknown. Nothing for a kind that is not understood; StatusError 400 when the
// bytes are none of this.
std::optional<base::Json> parse_protobuf(std::string_view bytes);

// openapi.v2.Document of gnostic for what make_openapi_v2 says.
std::string encode_openapi_v2(const base::Json& document);

}  // namespace apiserver
