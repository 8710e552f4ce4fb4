#include "gateway/deltas.h"

#include "base/text.h"

namespace gateway {

struct Deltas::Writer::Live {
  std::shared_ptr<const LiveCall> call;
  std::string text;       // the beginning of it
  std::int64_t size = 0;  // of all
};

// ---- publishing ----

Deltas::Writer::Writer(Deltas& deltas, LiveCall call)
    : deltas_(deltas),
      live_(std::make_unique<Live>(Live{std::make_shared<const LiveCall>(std::move(call)), {}})) {
  deltas_.live_.insert(live_.get());
}

Deltas::Writer::~Writer() {
  if (live_) finish({});
}

void Deltas::Writer::add(std::string_view text) {
  if (!live_ || text.empty()) return;
  Live& live = *live_;
  const std::int64_t offset = live.size;
  live.size += static_cast<std::int64_t>(text.size());
  // Once something was left out nothing more is kept: what is kept has no gap.
  if (static_cast<std::size_t>(offset) == live.text.size())
    live.text += base::clip(text, deltas_.limits_.late_bytes - live.text.size());
  for (Reader* reader : deltas_.readers_)
    reader->put({.call = live.call, .offset = offset, .text = std::string(text)});
}

void Deltas::Writer::end(std::int64_t outcome) { finish({outcome}); }

void Deltas::Writer::finish(Delta::End end) {
  if (!live_) return;
  const auto live = std::move(live_);
  deltas_.live_.erase(live.get());
  for (Reader* reader : deltas_.readers_)
    reader->put({.call = live->call, .offset = live->size, .text = {}, .end = end});
}

// ---- reading ----

std::unique_ptr<Deltas::Reader> Deltas::subscribe(std::string ns, std::string run) {
  std::unique_ptr<Reader> reader(new Reader(*this, std::move(ns), std::move(run)));
  for (const Writer::Live* live : live_)
    if (!live->text.empty()) reader->put({.call = live->call, .offset = 0, .text = live->text});
  return reader;
}

Deltas::Reader::Reader(Deltas& deltas, std::string ns, std::string run)
    : deltas_(deltas), ns_(std::move(ns)), run_(std::move(run)) {
  deltas_.readers_.insert(this);
}

Deltas::Reader::~Reader() { deltas_.readers_.erase(this); }

bool Deltas::Reader::wants(const LiveCall& call) const {
  return call.ns == ns_ && (run_.empty() || run_ == call.run || run_ == call.name);
}

void Deltas::Reader::put(Delta delta) {
  if (!wants(*delta.call)) return;
  std::int64_t& reached = reached_[delta.call];
  delta.lost = delta.offset - reached;
  const bool full = items_.size() >= deltas_.limits_.reader_items ||
                    bytes_ + delta.text.size() > deltas_.limits_.reader_bytes;
  if (!full) {
    reached = delta.offset + static_cast<std::int64_t>(delta.text.size());
    bytes_ += delta.text.size();
    const bool goes_on =
        !items_.empty() && items_.back().call == delta.call && !delta.end && delta.lost == 0;
    if (delta.end) reached_.erase(delta.call);
    if (goes_on)
      items_.back().text += delta.text;
    else
      items_.push_back(std::move(delta));
    filled_.set();
  } else if (delta.end) {
    reached_.erase(delta.call);  // the journal tells how it ended
  }
}

std::optional<Delta> Deltas::Reader::take() {
  if (items_.empty()) return std::nullopt;
  std::optional<Delta> delta(std::move(items_.front()));
  items_.pop_front();
  bytes_ -= delta->text.size();
  return delta;
}

io::Task<Delta> Deltas::Reader::next() {
  for (;;) {
    if (auto delta = take()) co_return *std::move(delta);
    filled_.clear();
    co_await filled_.wait();
  }
}

}  // namespace gateway
