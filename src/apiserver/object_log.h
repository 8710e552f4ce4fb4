// The durable form of a store: one SQLite file, `objects.db`.
#pragma once

#include <string>

#include "apiserver/store.h"
#include "base/clock.h"
#include "sqlite/writer.h"

namespace apiserver {

class SqliteObjectLog final : public ObjectLog {
 public:
  // Creates the file when it is not there. Error when it is not ours or newer than we are.
  SqliteObjectLog(io::Loop&, base::Clock&, std::string path);
  History load() override;
  io::Task<> append(Record) override;
  sqlite::Writer::Counters counters() const { return writer_.counters(); }
  void close() { writer_.close(); }  // blocks

 private:
  std::string path_;
  sqlite::Writer writer_;
};

}  // namespace apiserver
