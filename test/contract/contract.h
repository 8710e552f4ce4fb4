// The fixture of contract cases: a namespace of its own, requests as any user, stock kubectl.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "contract/provider.h"
#include "io/http.h"
#include "io/loop.h"
#include "io/process.h"

namespace contract {

using base::Json;
using base::JsonArray;
using base::JsonObject;
using base::text_at;

struct Answer {
  int status = 0;
  Json body;
  std::string text;
  io::Headers headers;
  std::string message() const { return text_at(body, {"message"}); }
  std::string reason() const { return text_at(body, {"reason"}); }
  std::string version() const { return text_at(body, {"metadata", "resourceVersion"}); }
};

struct Headers {
  std::string type = "application/json", accept = "application/json", token = "";
  std::vector<std::pair<std::string, std::string>> more = {};
};

// A watch that is open; its events come as they are asked for.
class OpenWatch {
 public:
  OpenWatch(io::Loop& loop, base::Clock& clock, std::unique_ptr<io::ResponseStream> stream)
      : loop_(loop), clock_(clock), stream_(std::move(stream)) {}
  int status() const { return stream_->status(); }
  Json next();  // Error(timeout) after ten seconds; null at the end
  // "ADDED a" and so on, for the next `count` events.
  std::vector<std::string> next_names(std::size_t count);

 private:
  io::Loop& loop_;
  base::Clock& clock_;
  std::unique_ptr<io::ResponseStream> stream_;
  io::LineSplitter lines_{16 * 1024 * 1024};
};

class Contract : public testing::Test {
 protected:
  Contract();
  ~Contract() override;

  // Requests. `path` begins with '/'.
  Answer ask(const std::string& method, const std::string& path, const std::string& body = "",
             const Headers& headers = {});
  Answer create(const std::string& path, const Json& object);
  Answer merge(const std::string& path, const std::string& patch);
  std::unique_ptr<OpenWatch> watch(const std::string& path, const Headers& headers = {});
  // From now on as this user; {"admin", {"system:masters"}} at first.
  void be(const std::string& user, const std::vector<std::string>& groups);
  void be_admin() { be("admin", {"system:masters"}); }
  void be_nobody();  // no credentials at all

  // Stock kubectl in this case's namespace; output of both streams, and the exit code.
  struct Result {
    int code;
    std::string out, err;
  };
  Result kubectl(std::vector<std::string> arguments, std::string input = "");

  std::string path(const std::string& collection) const;  // "/api/v1/namespaces/<ns>/pods"
  std::string ns() const { return ns_; }
  Provider& provider();
  // Waits until `done` holds.
  bool eventually(const std::function<bool()>& done, base::Duration limit = base::Duration(10'000));

  io::Loop& loop();

 private:
  io::HttpClient& client();
  std::string ns_;
  std::string user_ = "admin";
  std::vector<std::string> groups_{"system:masters"};
  bool anonymous_ = false;
};

Json make_config_map(const std::string& name, JsonObject data = {});
Json make_pod(const std::string& name);
Json make_job(const std::string& name);

}  // namespace contract
