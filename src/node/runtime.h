// The node's view of its containers: a mirror of what the shim tells.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "io/loop.h"
#include "node/shim/orders.h"

namespace node {

using shim::Record;

// Orders are answered by records, never directly; repeating one is fine.
class Runtime {
 public:
  virtual ~Runtime() = default;
  virtual void run(const shim::Run&) = 0;
  virtual void kill(const std::string& id, int signal) = 0;
  virtual void remove(const std::string& id) = 0;
  virtual std::optional<Record> find(const std::string& id) const = 0;
  virtual std::vector<Record> list() const = 0;
};

// Over the shim's socket. Connects again when the connection breaks; orders given meanwhile are
// lost, and whoever gave them sees no change and gives them again.
class ShimRuntime final : public Runtime {
 public:
  using Changed = std::function<void(const std::string& id)>;
  ShimRuntime(io::Loop&, base::Clock&, base::Log&, std::string socket);
  ~ShimRuntime() override;

  // Keeps the mirror until cancelled. `changed` is called for each record, and with "" when the
  // mirror is complete.
  io::Task<> follow(Changed);
  io::Task<> ready();  // until the mirror is complete for the first time

  void run(const shim::Run&) override;
  void kill(const std::string& id, int signal) override;
  void remove(const std::string& id) override;
  std::optional<Record> find(const std::string& id) const override;
  std::vector<Record> list() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace node
