// Api over HTTP.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "io/http.h"
#include "io/loop.h"
#include "kube/api.h"
#include "kube/kubeconfig.h"
#include "kube/raw.h"

namespace kube {

// Where a client connects to and who it says it is.
struct Endpoint {
  std::function<std::unique_ptr<io::Dialer>()> dialer;  // called twice: requests, streams
  std::string host;                                     // Host header
  std::string prefix;                                   // before every path, "" or "/x"
  base::Secret<std::string> token;
  std::string token_file;  // read again at most every 10 s; wins over `token`
};
// Error(invalid) when the server is no URL that we can use. Credentials never go over plain http.
Endpoint make_endpoint(const Config&);

struct ClientSettings {
  std::string user_agent = "sympozium";  // "sympozium-controller/0.1.0"
  base::Duration deadline{30'000};       // of each request; of the header of a stream
};

class Client final : public Api, public RawApi {
 public:
  Client(io::Loop&, base::Clock&, Endpoint, ClientSettings = {});
  ~Client() override;

  io::Task<base::Json> get(Ref, GetOptions) override;
  io::Task<Page> list(Ref, ListOptions) override;
  io::Task<std::unique_ptr<WatchStream>> watch(Ref, WatchOptions) override;
  io::Task<base::Json> create(Ref, base::Json object, CreateOptions) override;
  io::Task<base::Json> patch(Ref, base::Json patch, PatchOptions) override;
  io::Task<base::Json> remove(Ref, RemoveOptions) override;
  io::Task<std::unique_ptr<LogStream>> log(Ref pod, LogOptions) override;
  io::Task<base::Json> get_path(std::string path) override;
  io::Task<std::unique_ptr<LogStream>> open_path(std::string path) override;
  io::Task<base::Json> delete_path(std::string path) override;
  io::Task<base::Json> post_path(std::string path, std::string type, std::string body) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kube
