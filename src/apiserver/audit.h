// The audit log: what was asked by whom, and how it ended (audit.k8s.io/v1, level Metadata).
#pragma once

#include "apiserver/server.h"

namespace apiserver {

struct Call;

enum class AuditStage : unsigned char { started, complete };

class Audit {
 public:
  Audit(base::Clock& clock, base::Random& random, AuditSink sink)
      : clock_(clock), random_(random), sink_(std::move(sink)) {}
  void write(const Call&, AuditStage) const;

 private:
  base::Clock& clock_;
  base::Random& random_;
  AuditSink sink_;
};

}  // namespace apiserver
