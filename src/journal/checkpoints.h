// The third port of a journal, beside journal.h and archive.h: what was signed of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/task.h"
#include "journal/checkpoint.h"

namespace journal {

class Checkpoints {
 public:
  virtual ~Checkpoints() = default;

  // The namespaces with heads that no checkpoint holds: of runs that were begun, went on, were
  // imported or forgotten. Waits until there is one.
  virtual io::Task<std::vector<std::string>> unsigned_namespaces() = 0;
  // What the next checkpoint of a namespace follows and holds: at most `limit` heads, by run.
  struct Unsigned {
    std::optional<Checkpoint> latest;
    std::vector<Head> heads;
  };
  virtual io::Task<Unsigned> unsigned_heads(std::string ns, std::size_t limit) = 0;
  // All or nothing; the key is kept with the first checkpoint that it signs. Error(exists): the
  // namespace has a checkpoint of this number, somebody else was quicker.
  virtual io::Task<> add(Checkpoint, std::vector<Head>, AuditKey) = 0;

  // All that ever signed.
  virtual io::Task<std::vector<AuditKey>> keys() = 0;
  // With number > after, in order.
  virtual io::Task<std::vector<Checkpoint>> checkpoints(std::string ns, std::int64_t after,
                                                        std::size_t limit) = 0;
  // Of one checkpoint, by run.
  virtual io::Task<std::vector<Head>> heads(std::string ns, std::int64_t number) = 0;
  // The numbers of the checkpoints that hold a head of a run, in order.
  virtual io::Task<std::vector<std::int64_t>> numbers(std::string ns, std::string run) = 0;
};

}  // namespace journal
