// Parsed certificates and keys. Included by .cpp files of io/ only.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace io {

enum class Verify : bool { nothing, certificate_and_name };

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

class TlsClientContext {
 public:
  TlsClientContext(std::unique_ptr<SSL_CTX, FreeContext> context, std::string name, Verify v)
      : server_name(std::move(name)), verify(v), context_(std::move(context)) {}
  SSL_CTX* handle() const { return context_.get(); }
  const std::string server_name;
  const Verify verify;

 private:
  std::unique_ptr<SSL_CTX, FreeContext> context_;
};

class TlsServerContext {
 public:
  explicit TlsServerContext(std::unique_ptr<SSL_CTX, FreeContext> context)
      : context_(std::move(context)) {}
  SSL_CTX* handle() const { return context_.get(); }

 private:
  std::unique_ptr<SSL_CTX, FreeContext> context_;
};

}  // namespace io
