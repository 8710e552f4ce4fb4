#include "io/crypto.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <unistd.h>

#include <vector>

#include "base/encoding.h"
#include "io/crypto_impl.h"
#include "io/file.h"

namespace io {

void init_crypto() { OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr); }

void throw_openssl(base::Code code, std::string_view doing) {
  char words[256] = "no reason given";
  if (unsigned long first = ERR_get_error()) ERR_error_string_n(first, words, sizeof words);
  ERR_clear_error();
  throw base::Error(code, std::string(doing) + ": " + words);
}

// ---- hashes ----

namespace {

// Found once: OpenSSL's search for it takes longer than the hash of what is short.
const EVP_MD* sha256_method() {
  static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return method;
}

}  // namespace

std::string sha256(std::string_view bytes) {
  // Used again: to make one takes as long as the hash of what is short.
  thread_local const DigestContext context(EVP_MD_CTX_new());
  std::string out(32, '\0');
  require(
      EVP_DigestInit_ex(context.get(), sha256_method(), nullptr) &&
          EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) &&
          EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr),
      "hashing");
  return out;
}

std::string sha256_hex(std::string_view bytes) { return base::hex(sha256(bytes)); }

std::string sha256_file_hex(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw_errno("opening", path);
  const DigestContext hash(EVP_MD_CTX_new());
  require(EVP_DigestInit_ex(hash.get(), sha256_method(), nullptr), "hashing");
  std::vector<char> piece(1024 * 1024);
  for (;;) {
    const auto count = ::read(file.get(), piece.data(), piece.size());
    if (count < 0) throw_errno("reading", path);
    if (count == 0) break;
    require(EVP_DigestUpdate(hash.get(), piece.data(), static_cast<std::size_t>(count)), "hashing");
  }
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  require(EVP_DigestFinal_ex(hash.get(), out, &size), "hashing");
  return base::hex({reinterpret_cast<char*>(out), size});
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
            reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out, &size))
    throw_openssl(base::Code::internal, "computing an HMAC");
  return {reinterpret_cast<char*>(out), size};
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// ---- keys ----

std::string take_text(BIO* from) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(from, &data);
  return {data, static_cast<std::size_t>(size)};
}

namespace {

Bio text_source(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Instead of OpenSSL's default, which asks at the terminal.
int no_password(char*, int, int, void*) { return -1; }

base::Secret<std::string> to_pem(const Key& key) {
  if (!key) throw_openssl(base::Code::internal, "making a key");
  // A memory BIO that wipes what it held.
  Bio out(BIO_new(BIO_s_secmem()));
  require(
      PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr),
      "writing a private key");
  return base::Secret<std::string>(take_text(out.get()));
}

}  // namespace

Key read_private_key(const base::Secret<std::string>& pem) {
  Bio source = text_source(pem.reveal());
  Key key(PEM_read_bio_PrivateKey(source.get(), nullptr, no_password, nullptr));
  if (!key) throw_openssl(base::Code::invalid, "reading a private key");
  return key;
}

Key read_public_key(const std::string& pem) {
  if (pem.find("PRIVATE KEY-----") != std::string::npos)
    return read_private_key(base::Secret<std::string>(pem));
  Bio source = text_source(pem);
  Key key(PEM_read_bio_PUBKEY(source.get(), nullptr, no_password, nullptr));
  if (!key) throw_openssl(base::Code::invalid, "reading a public key");
  return key;
}

Certificate read_certificate(const std::string& pem) {
  Bio source = text_source(pem);
  Certificate certificate(PEM_read_bio_X509(source.get(), nullptr, no_password, nullptr));
  if (!certificate) throw_openssl(base::Code::invalid, "reading a certificate");
  return certificate;
}

base::Secret<std::string> make_p256_key() { return to_pem(Key(EVP_EC_gen("P-256"))); }

base::Secret<std::string> make_rsa_key(int bits) {
  return to_pem(Key(EVP_RSA_gen(static_cast<unsigned>(bits))));
}

base::Secret<std::string> make_ed25519_key() {
  return to_pem(Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")));
}

std::string public_key_pem(const base::Secret<std::string>& key_pem) {
  const Key key = read_private_key(key_pem);
  Bio out(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_PUBKEY(out.get(), key.get()), "writing a public key");
  return take_text(out.get());
}

std::string public_key_der(EVP_PKEY* key) {
  unsigned char* bytes = nullptr;
  const int size = i2d_PUBKEY(key, &bytes);
  if (size < 0) throw_openssl(base::Code::internal, "encoding a public key");
  std::string der(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

}  // namespace io
