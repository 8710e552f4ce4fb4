// Answers while they come: the text of model calls under way, published by whoever makes them, read
// by whoever shows them. Within this process, best effort, never journaled: what counts is the
// answer that the journal has in the end. Publishing waits for nobody; a reader that is too slow
// misses text and sees by the offsets that it did.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "io/sync.h"
#include "journal/journal.h"

namespace gateway {

// Whose answer it is.
struct LiveCall {
  std::string ns, name, run;  // run: UID
  journal::Fence fence;
  std::int64_t turn = 0;
  std::int64_t intent = 0;  // number of its model.intent
};

// A piece of an answer's text, or its end.
struct Delta {
  std::shared_ptr<const LiveCall> call;
  std::int64_t offset = 0;  // bytes of the text before this piece
  std::string text;
  std::int64_t lost = 0;  // bytes right before `offset` that this reader missed
  struct End {
    std::optional<std::int64_t> outcome;  // number of the committed model.outcome; nothing: none
  };
  std::optional<End> end = {};  // nothing more comes of this call; `text` is empty
};

// Limits of what is kept for readers.
struct DeltaLimits {
  std::size_t late_bytes = 256 * 1024;    // of each call under way, for those who join late
  std::size_t reader_bytes = 512 * 1024;  // that a reader has not taken yet
  std::size_t reader_items = 1024;        // likewise
};

class Deltas {
 public:
  explicit Deltas(DeltaLimits limits = {}) : limits_(limits) {}
  Deltas(const Deltas&) = delete;

  // The publishing side of one call. Its end without end(): nothing was committed.
  class Writer {
   public:
    Writer(Deltas&, LiveCall);
    ~Writer();
    Writer(const Writer&) = delete;
    void add(std::string_view text);
    void end(std::int64_t outcome);

   private:
    struct Live;
    friend class Deltas;
    void finish(Delta::End);
    Deltas& deltas_;
    std::unique_ptr<Live> live_;
  };

  // Calls of a namespace, or of one run in it; begins with what those under way have said so far.
  class Reader {
   public:
    ~Reader();
    Reader(const Reader&) = delete;
    io::Task<Delta> next();       // waits
    std::optional<Delta> take();  // what is there

   private:
    friend class Deltas;
    Reader(Deltas&, std::string ns, std::string run);
    bool wants(const LiveCall&) const;
    void put(Delta);

    Deltas& deltas_;
    std::string ns_, run_;
    std::deque<Delta> items_;
    std::size_t bytes_ = 0;
    std::map<std::shared_ptr<const LiveCall>, std::int64_t> reached_;  // of the calls it has seen
    io::Event filled_;
  };
  // `run`: name or UID; "": all.
  std::unique_ptr<Reader> subscribe(std::string ns, std::string run);

 private:
  DeltaLimits limits_;
  std::set<Writer::Live*> live_;
  std::set<Reader*> readers_;
};

}  // namespace gateway
