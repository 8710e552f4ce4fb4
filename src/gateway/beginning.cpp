#include "gateway/beginning.h"

#include "base/text.h"
#include "journal/recall.h"

namespace gateway {

using base::cat;
using base::Code;
using base::Error;

namespace {

constexpr std::size_t page = 500;

// A run of another namespace is like none: tenants never meet.
io::Task<> share_into(journal::Batch& batch, journal::Journal& journal, std::string ns,
                      objects::Fork fork) {
  const auto source = co_await journal.state(fork.run);
  if (!source || source->ns != ns)
    throw Error(Code::not_found,
                cat("the journal has no run \"", fork.run, "\" in namespace ", ns));
  if (fork.step == 0) co_return;
  std::vector<journal::Event> events;
  for (bool last = false; !last;) {
    auto more = co_await journal.events(fork.run, events.empty() ? -1 : events.back().seq, page);
    last = more.size() < page;
    std::ranges::move(more, std::back_inserter(events));
  }
  const journal::Shared shared = journal::share(events, fork.step);
  std::vector<std::string> contents;
  try {
    contents = co_await journal.blobs(shared.blobs);
  } catch (const Error& error) {
    if (error.code() != Code::not_found) throw;
    throw Error(Code::not_found, "contents of the shared steps were erased");
  }
  for (const auto& event : shared.events) batch.add(event);
  for (std::size_t i = 0; i < contents.size(); ++i)
    batch.blobs.push_back({shared.blobs[i], std::move(contents[i])});
}

}  // namespace

io::Task<journal::Batch> plan_beginning(journal::Journal& journal, const objects::AgentRun& run,
                                        std::string policy_hash) {
  journal::Batch batch{.run = run.metadata.uid, .fence = {run.status.attempt, 0}};
  journal::RunBegun begun{.ns = run.metadata.ns,
                          .name = run.metadata.name,
                          .policyHash = std::move(policy_hash),
                          .attempt = run.status.attempt};
  begun.spec = batch.add_blob(base::to_text(schema::encode(run.spec)));
  const std::optional<objects::Fork> fork = run.spec.fork;
  if (fork) {
    begun.forkOf = fork->run;
    begun.forkStep = fork->step;
  }
  batch.add(begun);
  if (!fork) co_return batch;
  std::string refused;
  try {
    co_await share_into(batch, journal, run.metadata.ns, *fork);
  } catch (const Error& error) {
    if (error.code() != Code::not_found && error.code() != Code::invalid) throw;
    refused = cat("spec.fork: ", error.what());
  }
  if (!refused.empty())
    batch.add(journal::RunOutcome{
        .status = protocol::RunStatus::error, .text = "", .error = std::move(refused)});
  co_return batch;
}

}  // namespace gateway
