// What the sources of this folder share about OpenSSL. Included by .cpp files of io/ only.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace io {

// Calls the free function of an OpenSSL type.
template <auto free>
struct Free {
  void operator()(auto* thing) const { free(thing); }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using BigNumber = std::unique_ptr<BIGNUM, Free<BN_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;

// Error with OpenSSL's own words for the first thing that went wrong; empties its error queue.
[[noreturn]] void throw_openssl(base::Code, std::string_view doing);
// For calls that answer 1 for success.
inline void require(int answer, std::string_view doing) {
  if (answer != 1) throw_openssl(base::Code::internal, doing);
}

// PEM → key or certificate; Error(invalid) when it is none. Encrypted keys are refused.
Key read_private_key(const base::Secret<std::string>& pem);
Key read_public_key(const std::string& pem);  // of a private key, a public key
Certificate read_certificate(const std::string& pem);

std::string public_key_der(EVP_PKEY*);  // SubjectPublicKeyInfo
std::string take_text(BIO*);

}  // namespace io
