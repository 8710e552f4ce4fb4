#include "io/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "io/loop_impl.h"
#include "io/sync.h"
#include "io/tls_impl.h"

namespace io {

namespace {

// What OpenSSL put into its queue, oldest first; empties the queue.
std::string openssl_words() {
  std::string words;
  while (const unsigned long code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (!words.empty()) words += "; ";
    words += reason ? reason : base::cat("error ", code);
  }
  return words.empty() ? "unknown TLS error" : words;
}

// The peer's alert says that our certificate, or the lack of one, displeased it (RFC 8446 §6.2).
bool is_certificate_alert(unsigned long error) {
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return false;
  const int alert = ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET;
  return (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_CERTIFICATE_UNKNOWN) ||
         alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_ACCESS_DENIED ||
         alert == SSL_AD_CERTIFICATE_REQUIRED;
}

std::string entry(X509_NAME* name, int at) {
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return {};
  std::string out(reinterpret_cast<char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return out;
}

// TLS between two byte streams: OpenSSL reads what `incoming` holds and writes into `outgoing`.
//
// One task may read while another writes. All of OpenSSL's work happens between two awaits, so the
// tasks meet in `flush` only, where one of them writes for both.
class TlsConn final : public Conn {
 public:
  TlsConn(std::unique_ptr<Conn> inner, SSL_CTX* context)
      : inner_(std::move(inner)), ssl_(SSL_new(context)), peer_(inner_->peer()) {
    if (!ssl_) throw base::Error(base::Code::internal, "SSL_new: " + openssl_words());
    BIO* bio = BIO_new(method());
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
  }

  Task<> connect(std::string server_name, Verify verify) {
    set_expected_name(server_name, verify);
    SSL_set_connect_state(ssl_.get());
    co_await shake_hands(server_name);
  }

  Task<> accept() {
    SSL_set_accept_state(ssl_.get());
    co_await shake_hands("the client");
    identify();
  }

  Task<std::size_t> read_some(std::span<char> buffer) override {
    for (;;) {
      if (closed_) throw_closed();
      ERR_clear_error();
      std::size_t count = 0;
      if (SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &count) == 1) co_return count;
      const int error = SSL_get_error(ssl_.get(), 0);
      if (error == SSL_ERROR_ZERO_RETURN) co_return 0;
      if (error != SSL_ERROR_WANT_READ) throw failure("reading from", peer_.address);
      if (!outgoing_.empty() && !writing_) co_await flush();
      co_await fill();
    }
  }

  Task<> write(std::string_view bytes) override {
    constexpr std::size_t portion = 64 * 1024;  // bounds what is held encrypted
    while (!bytes.empty()) {
      if (closed_) throw_closed();
      const auto part = bytes.substr(0, portion);
      ERR_clear_error();
      std::size_t count = 0;
      if (SSL_write_ex(ssl_.get(), part.data(), part.size(), &count) != 1)
        throw failure("writing to", peer_.address);
      bytes.remove_prefix(count);
      co_await flush();
    }
  }

  Task<> shutdown_write() override {
    if (closed_) co_return;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());  // writes close_notify; reading goes on
    co_await flush();
    co_await inner_->shutdown_write();
  }

  void close() override {
    closed_ = true;
    inner_->close();
    written_.set();
  }

  const Peer& peer() const override { return peer_; }
  bool ended() const override { return inner_->ended(); }

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  static TlsConn& self(BIO* bio) { return *static_cast<TlsConn*>(BIO_get_data(bio)); }

  static int bio_read(BIO* bio, char* to, int size) {
    BIO_clear_retry_flags(bio);
    auto& conn = self(bio);
    const std::size_t held = conn.incoming_.size() - conn.taken_;
    if (held == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const std::size_t count = std::min(held, static_cast<std::size_t>(size));
    conn.incoming_.copy(to, count, conn.taken_);
    conn.taken_ += count;
    return static_cast<int>(count);
  }

  static int bio_write(BIO* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    self(bio).outgoing_.append(from, static_cast<std::size_t>(size));
    return size;
  }

  static long bio_control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "conn");
      BIO_meth_set_read(m, bio_read);
      BIO_meth_set_write(m, bio_write);
      BIO_meth_set_ctrl(m, bio_control);
      return m;
    }();
    return made;
  }

  void set_expected_name(const std::string& name, Verify verify) {
    in6_addr any;
    const bool is_ip =
        inet_pton(AF_INET, name.c_str(), &any) == 1 || inet_pton(AF_INET6, name.c_str(), &any) == 1;
    if (!is_ip && !name.empty()) SSL_set_tlsext_host_name(ssl_.get(), name.c_str());
    if (verify == Verify::nothing) return;
    if (name.empty())
      throw base::Error(base::Code::invalid, "a TLS client needs the server's name to verify it");
    SSL_set_hostflags(ssl_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const int set = is_ip ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), name.c_str())
                          : SSL_set1_host(ssl_.get(), name.c_str());
    if (set != 1)
      throw base::Error(base::Code::invalid, name + " is neither a DNS name nor an IP address");
  }

  Task<> shake_hands(std::string with) {
    for (;;) {
      ERR_clear_error();
      const int done = SSL_do_handshake(ssl_.get());
      const bool more = done != 1 && SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ;
      std::optional<base::Error> failed;
      if (done != 1 && !more) failed = failure("TLS handshake with", with);
      if (!outgoing_.empty()) co_await flush();  // after a failure this is the alert
      if (failed) throw *failed;
      if (done == 1) co_return;
      co_await fill();
    }
  }

  // What the peer's certificate says, after a handshake that verified it.
  void identify() {
    X509* certificate = SSL_get0_peer_certificate(ssl_.get());
    if (!certificate) return;
    X509_NAME* subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0) peer_.common_name = entry(subject, at);
    at = -1;
    while ((at = X509_NAME_get_index_by_NID(subject, NID_organizationName, at)) >= 0)
      peer_.organizations.push_back(entry(subject, at));
  }

  base::Error failure(std::string_view doing, const std::string& with) {
    const long verdict = SSL_get_verify_result(ssl_.get());
    const bool alert = is_certificate_alert(ERR_peek_error());
    const std::string words = openssl_words();
    if (verdict != X509_V_OK && !SSL_is_init_finished(ssl_.get()))
      return {base::Code::denied, base::cat(doing, " ", with, ": certificate not accepted: ",
                                            X509_verify_cert_error_string(verdict))};
    if (alert)
      return {base::Code::denied,
              base::cat(doing, " ", with, ": the peer refused our certificate: ", words)};
    return {base::Code::unavailable, base::cat(doing, " ", with, ": ", words)};
  }

  [[noreturn]] void throw_closed() const {
    throw base::Error(base::Code::unavailable, base::cat("TLS with ", peer_.address, ": closed"));
  }

  // More ciphertext. An idle connection waits with a small buffer; a busy one earns a large one.
  Task<> fill() {
    constexpr std::size_t small = 2 * 1024, large = 17 * 1024;
    std::string buffer(busy_ ? large : small, '\0');
    const std::size_t count = co_await inner_->read_some(buffer);
    if (count == 0)
      throw base::Error(
          base::Code::unavailable,
          base::cat("TLS with ", peer_.address, ": the stream ended without a close_notify"));
    busy_ = count == buffer.size();
    buffer.resize(count);
    incoming_ = std::move(buffer);
    taken_ = 0;
  }

  // Returns when everything encrypted before the call has been written, by us or by the other task.
  Task<> flush() {
    while (writing_) {
      if (closed_) throw_closed();
      written_.clear();
      co_await written_.wait();
    }
    struct Turn {
      explicit Turn(TlsConn& c) : conn(c) { conn.writing_ = true; }
      ~Turn() {
        conn.writing_ = false;
        if (!whole) conn.close();  // half a record may be out: nothing can follow it
        conn.written_.set();
      }
      TlsConn& conn;
      bool whole = false;
    } turn(*this);
    while (!outgoing_.empty()) {
      if (closed_) throw_closed();
      const std::string batch = std::exchange(outgoing_, {});
      co_await inner_->write(batch);
    }
    turn.whole = true;
  }

  std::unique_ptr<Conn> inner_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  Peer peer_;
  std::string incoming_, outgoing_;  // ciphertext
  std::size_t taken_ = 0;            // of incoming_
  bool busy_ = false, writing_ = false, closed_ = false;
  Event written_;
};

class TlsDialer final : public Dialer {
 public:
  TlsDialer(std::unique_ptr<Dialer> inner, std::shared_ptr<TlsClientContext> context)
      : inner_(std::move(inner)), context_(std::move(context)) {}

  Task<std::unique_ptr<Conn>> dial() override {
    auto conn = co_await inner_->dial();
    co_return co_await tls_connect(std::move(conn), context_);
  }

 private:
  std::unique_ptr<Dialer> inner_;
  std::shared_ptr<TlsClientContext> context_;
};

}  // namespace

Task<std::unique_ptr<Conn>> tls_connect(std::unique_ptr<Conn> inner,
                                        std::shared_ptr<TlsClientContext> context) {
  auto conn = std::make_unique<TlsConn>(std::move(inner), context->handle());
  co_await conn->connect(context->server_name, context->verify);
  co_return std::move(conn);
}

Task<std::unique_ptr<Conn>> tls_accept(std::unique_ptr<Conn> inner,
                                       std::shared_ptr<TlsServerContext> context) {
  auto conn = std::make_unique<TlsConn>(std::move(inner), context->handle());
  co_await conn->accept();
  co_return std::move(conn);
}

std::unique_ptr<Dialer> tls_dialer(std::unique_ptr<Dialer> inner,
                                   std::shared_ptr<TlsClientContext> context) {
  return std::make_unique<TlsDialer>(std::move(inner), std::move(context));
}

}  // namespace io
