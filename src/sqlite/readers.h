// Reads beside the writer: each sees one committed state.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <type_traits>

#include "io/blocking.h"
#include "sqlite/database.h"

namespace sqlite {

// Two read-only connections. One serves short reads on the loop: a point read of a write-ahead
// logged file is a few microseconds from memory and waits for no writer. The other serves scans on
// the blocking threads. A read-only connection never syncs and never checkpoints.
// Open them after the writer (which creates the file) and close them before it.
class Readers {
 public:
  Readers(io::BlockingPool& pool, const std::string& path, const FileKind& kind)
      : pool_(pool),
        near_(path, kind, Access::read_only),
        far_(std::make_shared<Far>(path, kind)) {}

  // On the loop, at once: lookups by key and lists of known, small size.
  template <class F>
  auto read_now(F query) {
    const Snapshot snapshot(near_);
    return query(near_);
  }

  // On a blocking thread: anything whose size is not known. Runs one after the other.
  template <class F>
  auto read(F query) -> io::Task<std::invoke_result_t<F&, Database&>> {
    auto call = [far = far_, query = std::move(query)]() mutable {
      const std::lock_guard turn(far->mutex);
      const Snapshot snapshot(far->database);
      return query(far->database);
    };
    auto task = pool_.run(std::move(call));
    co_return co_await std::move(task);
  }

 private:
  // One transaction: all statements of a read see the same state.
  struct Snapshot {
    explicit Snapshot(Database& d) : database(d) { database.run("BEGIN"); }
    Snapshot(const Snapshot&) = delete;
    ~Snapshot() {
      try {
        database.run("COMMIT");
      } catch (const base::Error&) {
        // Nothing was written; the next BEGIN tells when the connection is of no use any more.
      }
    }
    Database& database;
  };
  struct Far {
    Far(const std::string& path, const FileKind& kind) : database(path, kind, Access::read_only) {}
    std::mutex mutex;
    Database database;
  };

  io::BlockingPool& pool_;
  Database near_;
  std::shared_ptr<Far> far_;
};

}  // namespace sqlite
