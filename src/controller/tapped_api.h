// An Api with a tap on its wire: for tests that count calls, or break some.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "kube/api.h"

namespace controller {

class TappedApi final : public kube::Api {
 public:
  explicit TappedApi(kube::Api& inner) : inner_(inner) {}

  std::vector<std::string> calls;  // "patch Lease demo/x"
  // Runs before each call: may wait, may throw in its place.
  std::function<io::Task<>(std::string call)> before = [](std::string) -> io::Task<> { co_return; };

  io::Task<base::Json> get(kube::Ref ref, kube::GetOptions options) override {
    co_await tap("get", ref);
    base::Json got = co_await inner_.get(std::move(ref), std::move(options));
    co_return got;
  }
  io::Task<kube::Page> list(kube::Ref ref, kube::ListOptions options) override {
    co_await tap("list", ref);
    kube::Page page = co_await inner_.list(std::move(ref), std::move(options));
    co_return page;
  }
  io::Task<std::unique_ptr<kube::WatchStream>> watch(kube::Ref ref,
                                                     kube::WatchOptions options) override {
    co_await tap("watch", ref);
    auto stream = co_await inner_.watch(std::move(ref), std::move(options));
    co_return stream;
  }
  io::Task<base::Json> create(kube::Ref ref, base::Json object,
                              kube::CreateOptions options) override {
    co_await tap("create", ref);
    base::Json made = co_await inner_.create(std::move(ref), std::move(object), options);
    co_return made;
  }
  io::Task<base::Json> patch(kube::Ref ref, base::Json patch, kube::PatchOptions options) override {
    co_await tap("patch", ref);
    base::Json made = co_await inner_.patch(std::move(ref), std::move(patch), options);
    co_return made;
  }
  io::Task<base::Json> remove(kube::Ref ref, kube::RemoveOptions options) override {
    co_await tap("remove", ref);
    base::Json answer = co_await inner_.remove(std::move(ref), std::move(options));
    co_return answer;
  }
  io::Task<std::unique_ptr<kube::LogStream>> log(kube::Ref pod, kube::LogOptions options) override {
    co_await tap("log", pod);
    auto stream = co_await inner_.log(std::move(pod), std::move(options));
    co_return stream;
  }
  io::Task<base::Json> get_path(std::string path) override {
    base::Json got = co_await inner_.get_path(std::move(path));
    co_return got;
  }

 private:
  io::Task<> tap(std::string_view verb, const kube::Ref& ref) {
    calls.push_back(base::cat(verb, " ", kube::describe(ref)));
    return before(calls.back());
  }

  kube::Api& inner_;
};

}  // namespace controller
