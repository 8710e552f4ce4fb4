// An API server as one process of a controller meets it when things go wrong as planned.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "faults/ledger.h"
#include "faults/plan.h"
#include "io/sync.h"
#include "kube/api.h"

namespace faults {

// Passes everything on to `inner`. After a crash nothing passes any more: calls do not return.
class FaultyApi final : public kube::Api {
 public:
  // `view`: the first list of each collection is as of this version of the world, and what followed
  // is told 5 s later.
  FaultyApi(base::Clock&, kube::Api& inner, Plan&, const Ledger&, std::optional<std::int64_t> view);

  io::Task<base::Json> get(kube::Ref, kube::GetOptions) override;
  io::Task<kube::Page> list(kube::Ref, kube::ListOptions) override;
  io::Task<std::unique_ptr<kube::WatchStream>> watch(kube::Ref, kube::WatchOptions) override;
  io::Task<base::Json> create(kube::Ref, base::Json object, kube::CreateOptions) override;
  io::Task<base::Json> patch(kube::Ref, base::Json patch, kube::PatchOptions) override;
  io::Task<base::Json> remove(kube::Ref, kube::RemoveOptions) override;
  io::Task<std::unique_ptr<kube::LogStream>> log(kube::Ref pod, kube::LogOptions) override;
  io::Task<base::Json> get_path(std::string path) override;

 private:
  template <class T>
  io::Task<T> pass(Plan::Access, std::string what, std::function<io::Task<T>()> call);
  io::Task<> go_down(Mishap);
  io::Task<> happen_before(Mishap, std::string what);
  io::Task<> happen_after(Mishap, std::string what);

  base::Clock& clock_;
  kube::Api& inner_;
  Plan& plan_;
  const Ledger& ledger_;
  std::optional<std::int64_t> view_;
  std::set<std::string> listed_;  // collections that were listed once
  io::Event never_;
  bool down_ = false;
};

}  // namespace faults
