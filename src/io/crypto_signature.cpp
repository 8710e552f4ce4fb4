#include <openssl/err.h>
#include <openssl/pem.h>

#include "io/crypto.h"
#include "io/crypto_impl.h"

namespace io {

namespace {

void require_ed25519(EVP_PKEY* key) {
  if (!EVP_PKEY_is_a(key, "ED25519"))
    throw base::Error(base::Code::invalid, "the key is not one of Ed25519");
}

const unsigned char* data(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

std::string sign_ed25519(std::string_view bytes, const base::Secret<std::string>& key_pem) {
  const Key key = read_private_key(key_pem);
  require_ed25519(key.get());
  const DigestContext context(EVP_MD_CTX_new());
  require(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()), "signing");
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                         data(bytes), bytes.size()),
          "signing");
  return signature;
}

bool verify_ed25519(std::string_view bytes, std::string_view signature,
                    const std::string& public_key_pem) {
  const Key key = read_public_key(public_key_pem);
  require_ed25519(key.get());
  const DigestContext context(EVP_MD_CTX_new());
  require(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()), "verifying");
  const int answer =
      EVP_DigestVerify(context.get(), data(signature), signature.size(), data(bytes), bytes.size());
  ERR_clear_error();
  return answer == 1;
}

std::string public_key_id(const std::string& public_key_pem) {
  const Key key = read_public_key(public_key_pem);
  const Bio out(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_PUBKEY(out.get(), key.get()), "writing a public key");
  if (take_text(out.get()) != public_key_pem)
    throw base::Error(base::Code::invalid, "it is not a public key in PEM and nothing else");
  return sha256_hex(public_key_der(key.get()));
}

}  // namespace io
