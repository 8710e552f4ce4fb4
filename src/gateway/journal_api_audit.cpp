// What was signed: the checkpoints of a namespace, and those that hold a run.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "gateway/journal_api_impl.h"
#include "journal/audit_lines.h"

namespace gateway {

namespace {

constexpr std::size_t page_checkpoints = 200, unsigned_max = 10'000;

}  // namespace

io::Task<> JournalApi::Impl::write_checkpoints(io::Exchange& exchange, std::string ns,
                                               std::int64_t after) {
  const auto keys = co_await checkpoints.keys();
  for (const auto& key : keys) {
    const std::string line = journal::format_line(key);
    co_await exchange.send(line);
  }
  // Looked at first: what is signed meanwhile is told as a checkpoint, too.
  const auto next = co_await checkpoints.unsigned_heads(ns, unsigned_max);
  for (bool more = true; more;) {
    const auto page = co_await checkpoints.checkpoints(ns, after, page_checkpoints);
    more = page.size() == page_checkpoints;
    for (const auto& checkpoint : page) {
      after = checkpoint.number;
      std::string lines = journal::format_line(checkpoint);
      const auto heads = co_await checkpoints.heads(ns, checkpoint.number);
      for (const auto& head : heads) lines += journal::format_line(head);
      co_await exchange.send(lines);
    }
  }
  for (const auto& head : next.heads) {
    const std::string line = journal::format_unsigned(head);
    co_await exchange.send(line);
  }
}

// Keys, and the checkpoints from the first to the last that hold a head of the run up to its state
// here, each of those with its proof.
io::Task<JournalApi::Impl::Proven> JournalApi::Impl::write_proofs(io::Exchange& exchange, Run run) {
  Proven out;
  const auto numbers = co_await checkpoints.numbers(run.state.ns, run.uid);
  if (numbers.empty()) co_return out;
  std::vector<std::string> lines;  // of checkpoints behind the last proof
  std::set<std::string> used;
  const auto keys = co_await checkpoints.keys();
  std::int64_t after = numbers.front() - 1;
  for (bool more = true; more;) {
    const auto page = co_await checkpoints.checkpoints(run.state.ns, after, page_checkpoints);
    more = page.size() == page_checkpoints;
    for (const auto& checkpoint : page) {
      after = checkpoint.number;
      if (checkpoint.number > numbers.back()) co_return out;
      std::string line;
      if (used.insert(checkpoint.key).second)
        for (const auto& key : keys)
          if (key.id == checkpoint.key) line += journal::format_line(key);
      lines.push_back(line + journal::format_line(checkpoint));
      if (!std::ranges::binary_search(numbers, checkpoint.number)) continue;
      const auto heads = co_await checkpoints.heads(run.state.ns, checkpoint.number);
      const auto proof = journal::make_proof(checkpoint, heads, run.uid);
      if (!proof) continue;
      if (proof->seq > run.state.seq) co_return out;  // it has gone on since
      lines.push_back(journal::format_line(*proof));
      out.checkpoints += std::int64_t(lines.size()) - 1;
      ++out.proofs;
      const std::string text = base::join(lines, "");
      lines.clear();
      co_await exchange.send(text);
    }
  }
  co_return out;
}

}  // namespace gateway
