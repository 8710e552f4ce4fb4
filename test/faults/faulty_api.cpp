#include "faults/faulty_api.h"

#include "base/text.h"
#include "faults/faulty_watch.h"
#include "io/loop.h"
#include "kube/status.h"

namespace faults {

using base::Json;
using Access = Plan::Access;

namespace {

constexpr base::Duration patience{30'000};  // a client's deadline; how long a pause is
constexpr base::Duration lag{5'000};        // how far behind an old view stays

[[noreturn]] void refuse(const std::string& what, int status, std::string reason) {
  Json body{{"kind", "Status"}, {"status", "Failure"}, {"code", status}, {"message", "as planned"}};
  body.get_object()["reason"] = std::move(reason);
  throw kube::make_status_error(what, status, base::to_text(body), status == 429 ? "1" : "");
}

}  // namespace

FaultyApi::FaultyApi(base::Clock& clock, kube::Api& inner, Plan& plan, const Ledger& ledger,
                     std::optional<std::int64_t> view)
    : clock_(clock), inner_(inner), plan_(plan), ledger_(ledger), view_(view) {}

// The process has died: nobody hears of what it waits for.
io::Task<> FaultyApi::go_down(Mishap mishap) {
  if (!down_) plan_.crash(mishap);
  down_ = true;
  co_await never_.wait();
}

io::Task<> FaultyApi::happen_before(Mishap mishap, std::string what) {
  if (down_ || mishap == Mishap::crash_before) co_await go_down(mishap);
  if (plan_.is_storm()) co_await never_.wait();
  const base::Duration delay = plan_.next_delay();
  if (delay > base::Duration(0)) co_await io::sleep(clock_, delay);
  if (mishap == Mishap::pause || mishap == Mishap::timeout_before)
    co_await io::sleep(clock_, patience);
  if (mishap == Mishap::timeout_before) throw base::Error(base::Code::timeout, what);
  const bool creates = what.starts_with("create");
  if (mishap == Mishap::conflict) refuse(what, 409, creates ? "AlreadyExists" : "Conflict");
  if (mishap == Mishap::gone) refuse(what, 410, "Expired");
  if (mishap == Mishap::too_many) refuse(what, 429, "TooManyRequests");
  if (mishap == Mishap::server_error) refuse(what, 500, "InternalError");
}

io::Task<> FaultyApi::happen_after(Mishap mishap, std::string what) {
  if (down_ || is_crash(mishap)) co_await go_down(mishap);
  if (mishap != Mishap::timeout_after) co_return;
  co_await io::sleep(clock_, patience);
  throw base::Error(base::Code::timeout, what);
}

template <class T>
io::Task<T> FaultyApi::pass(Access access, std::string what, std::function<io::Task<T>()> call) {
  Mishap mishap = Mishap::none;
  if (!down_) mishap = plan_.next_call(access, what, ledger_.version());
  co_await happen_before(mishap, what);
  std::optional<T> result;
  std::exception_ptr refusal;
  try {
    auto task = call();
    T answer = co_await std::move(task);
    result.emplace(std::move(answer));
  } catch (...) {
    refusal = std::current_exception();
  }
  if (refusal && io::is_cancelled(refusal)) std::rethrow_exception(refusal);
  co_await happen_after(mishap, what);
  if (refusal) std::rethrow_exception(refusal);
  co_return std::move(*result);
}

io::Task<Json> FaultyApi::get(kube::Ref ref, kube::GetOptions options) {
  return pass<Json>(Access::read, "get " + kube::describe(ref),
                    [=, this] { return inner_.get(ref, options); });
}

io::Task<kube::Page> FaultyApi::list(kube::Ref ref, kube::ListOptions options) {
  const bool is_old = view_ && listed_.insert(kube::describe(ref)).second;
  auto old = [=, this]() -> io::Task<kube::Page> {
    co_return ledger_.list_at(*view_, ref, options.label_selector);
  };
  auto now = [=, this] { return inner_.list(ref, options); };
  std::function<io::Task<kube::Page>()> call = now;
  if (is_old) call = old;
  return pass<kube::Page>(Access::read, "list " + kube::describe(ref), std::move(call));
}

io::Task<std::unique_ptr<kube::WatchStream>> FaultyApi::watch(kube::Ref ref,
                                                              kube::WatchOptions options) {
  using Stream = std::unique_ptr<kube::WatchStream>;
  auto call = [=, this]() -> io::Task<Stream> {
    Stream inner = co_await inner_.watch(ref, options);
    const bool is_old = view_ && options.resource_version == std::to_string(*view_);
    co_return std::make_unique<FaultyWatch>(clock_, std::move(inner), plan_,
                                            is_old ? lag : base::Duration(0));
  };
  return pass<Stream>(Access::read, "watch " + kube::describe(ref), call);
}

io::Task<Json> FaultyApi::create(kube::Ref ref, Json object, kube::CreateOptions options) {
  const std::string name =
      ref.name.empty() ? base::text_at(object, {"metadata", "name"}) : std::string();
  return pass<Json>(Access::write, base::cat("create ", kube::describe(ref), " ", name),
                    [=, this] { return inner_.create(ref, object, options); });
}

io::Task<Json> FaultyApi::patch(kube::Ref ref, Json patch, kube::PatchOptions options) {
  return pass<Json>(Access::write,
                    base::cat("patch ", kube::describe(ref), " ", base::to_text(patch)),
                    [=, this] { return inner_.patch(ref, patch, options); });
}

io::Task<Json> FaultyApi::remove(kube::Ref ref, kube::RemoveOptions options) {
  return pass<Json>(Access::write, "remove " + kube::describe(ref),
                    [=, this] { return inner_.remove(ref, options); });
}

io::Task<std::unique_ptr<kube::LogStream>> FaultyApi::log(kube::Ref pod, kube::LogOptions options) {
  return inner_.log(std::move(pod), std::move(options));
}

io::Task<Json> FaultyApi::get_path(std::string path) { return inner_.get_path(std::move(path)); }

}  // namespace faults
