// The embedded home's own certificate authority and what it signs: one client certificate per
// identity, one kubeconfig each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "home/state.h"

namespace home {

struct Credential {
  std::string certificate_pem;
  std::string key_pem;
};

// pki/<name>.crt and .key; nothing when they are missing, or when less than a third of a year is
// left.
std::optional<Credential> find_credential(const Layout&, base::Clock&, const std::string& name);
void write_credential(const Layout&, const std::string& name, const Credential&);

// Made once per state folder and kept; client and server certificates are renewed when less than a
// third of their year is left.
class Authority {
 public:
  // Loads pki/, or makes it.
  Authority(const Layout&, base::Clock&);
  const std::string& certificate_pem() const { return ca_.certificate_pem; }
  // `name` is the file name below pki/.
  Credential client(const std::string& name, const std::string& common_name,
                    const std::vector<std::string>& organizations);
  // For localhost, 127.0.0.1 and these names.
  Credential server(const std::string& name, std::vector<std::string> dns_names);
  std::string signing_key(const std::string& name);  // P-256, for service account tokens

 private:
  const Layout& layout_;
  base::Clock& clock_;
  Credential ca_;
};

// A kubeconfig with everything inside it (kubectl's format v1), context "sympozium".
std::string format_kubeconfig(const std::string& server_url, const std::string& ca_pem,
                              const Credential&);

}  // namespace home
