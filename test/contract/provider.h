// Whose API server a contract is held against.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/conn.h"
#include "io/loop.h"

namespace contract {

class Provider {
 public:
  virtual ~Provider() = default;
  // A kubeconfig file for this user (client certificate with CN and O). Kept for the process.
  virtual std::string kubeconfig(const std::string& user,
                                 const std::vector<std::string>& groups) = 0;
  // Ours may lack what the contract's chapter on stock controllers names.
  virtual bool is_own() const = 0;
};

// The server that CONTRACT_KUBECONFIG names (a state folder of test/cluster/up), else our own,
// started now on `loop`.
std::unique_ptr<Provider> make_provider(io::Loop& loop, base::Clock& clock, base::Random& random);
// `journal` reaches the gateway's journal API; without it journal.sympozium.ai is not served.
using Dial = std::function<std::unique_ptr<io::Dialer>()>;
std::unique_ptr<Provider> make_own_provider(io::Loop&, base::Clock&, base::Random&,
                                            Dial journal = {});

// A program that test/cluster/build made, "" when it has not.
std::string find_stock_program(const std::string& name);
// kubectl of CONTRACT_KUBECTL, else the stock one.
std::string find_kubectl();

}  // namespace contract
