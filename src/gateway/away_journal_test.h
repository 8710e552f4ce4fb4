// A real journal whose disk is full, or whose database is away, for as long as the test says.
#pragma once

#include <optional>

#include "journal/journal.h"

namespace gateway {

class AwayJournal final : public journal::Journal {
 public:
  explicit AwayJournal(journal::Journal& journal) : journal_(journal) {}

  io::Task<std::int64_t> append(journal::Batch batch) override {
    check();
    return journal_.append(std::move(batch));
  }
  io::Task<std::optional<journal::RunState>> state(std::string run) override {
    check();
    return journal_.state(std::move(run));
  }
  io::Task<std::vector<journal::Event>> events(std::string run, std::int64_t after,
                                               std::size_t limit) override {
    check();
    return journal_.events(std::move(run), after, limit);
  }
  io::Task<std::optional<journal::Event>> find(std::string run, journal::Kind kind,
                                               std::string subject) override {
    check();
    return journal_.find(std::move(run), kind, std::move(subject));
  }
  io::Task<std::vector<std::string>> blobs(std::vector<std::string> names) override {
    check();
    return journal_.blobs(std::move(names));
  }
  io::Task<std::vector<journal::Delivery>> next(std::string consumer,
                                                std::optional<std::int64_t> after,
                                                std::size_t limit) override {
    check();
    return journal_.next(std::move(consumer), after, limit);
  }
  io::Task<> ack(std::string consumer, std::int64_t position) override {
    check();
    return journal_.ack(std::move(consumer), position);
  }
  io::Task<> erase(std::string run) override {
    check();
    return journal_.erase(std::move(run));
  }
  io::Task<> forget(std::string run) override {
    check();
    return journal_.forget(std::move(run));
  }

  std::optional<base::Code> failure;
  int asked = 0;

 private:
  void check() {
    ++asked;
    if (failure) throw base::Error(*failure, "journal.db: disk full");
  }
  journal::Journal& journal_;
};

}  // namespace gateway
