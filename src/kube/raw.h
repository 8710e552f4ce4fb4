// Paths whose answers are no objects: streams of lines, files. Beside Api, for aggregated APIs that
// serve more than Kubernetes' verbs.
#pragma once

#include <memory>
#include <string>

#include "kube/api.h"

namespace kube {

// Errors as those of Api. `path` is escaped and may have a query.
class RawApi {
 public:
  virtual ~RawApi() = default;
  // GET; the body as it comes.
  virtual io::Task<std::unique_ptr<LogStream>> open_path(std::string path) = 0;
  // DELETE; the JSON answer.
  virtual io::Task<base::Json> delete_path(std::string path) = 0;
  // POST of a body of this media type; the JSON answer.
  virtual io::Task<base::Json> post_path(std::string path, std::string type, std::string body) = 0;
};

}  // namespace kube
