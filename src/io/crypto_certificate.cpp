// Issues X.509 certificates (RFC 5280).
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <chrono>

#include "base/text.h"
#include "io/crypto.h"
#include "io/crypto_impl.h"

namespace io {

namespace {

using Use = CertificateRequest::Use;

void set_subject(X509_NAME* subject, const CertificateRequest& request) {
  auto add = [&](const char* field, const std::string& value) {
    if (X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(value.data()),
                                   static_cast<int>(value.size()), -1, 0) != 1)
      throw_openssl(base::Code::invalid, base::cat("certificate subject ", field, "=", value));
  };
  for (const auto& organization : request.organizations) add("O", organization);
  if (!request.common_name.empty()) add("CN", request.common_name);
}

// 127 random bits: positive, and never the same twice.
void set_serial(X509* certificate) {
  BigNumber number(BN_new());
  require(BN_rand(number.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY), "making a serial");
  if (!BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)))
    throw_openssl(base::Code::internal, "setting a serial");
}

void set_time(ASN1_TIME* field, base::Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  if (!ASN1_TIME_adj(field, static_cast<time_t>(seconds), 0, 0))
    throw_openssl(base::Code::invalid, "setting a certificate's time");
}

// The values are constants of this file, never names from outside.
void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  if (!extension) throw_openssl(base::Code::internal, base::cat("making the extension ", value));
  require(X509_add_ext(certificate, extension.get(), -1), "adding an extension");
}

void add_alternative_names(X509* certificate, const CertificateRequest& request) {
  if (request.dns_names.empty() && request.ips.empty()) return;
  std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>> names(GENERAL_NAMES_new());
  auto add = [&](int type, void* value) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, type, value);
    sk_GENERAL_NAME_push(names.get(), name);
  };
  for (const auto& dns : request.dns_names) {
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    require(ASN1_STRING_set(text, dns.data(), static_cast<int>(dns.size())), "adding a DNS name");
    add(GEN_DNS, text);
  }
  for (const auto& ip : request.ips) {
    ASN1_OCTET_STRING* bytes = a2i_IPADDRESS(ip.c_str());
    if (!bytes) throw base::Error(base::Code::invalid, "not an IP address: " + ip);
    add(GEN_IPADD, bytes);
  }
  require(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0),
          "adding alternative names");
}

const char* extended_use(Use use) {
  switch (use) {
    case Use::ca: return nullptr;
    case Use::server: return "serverAuth";
    case Use::client: return "clientAuth";
    case Use::server_and_client: return "serverAuth,clientAuth";
  }
  return nullptr;
}

void add_extensions(X509* certificate, X509* issuer, const CertificateRequest& request) {
  const bool ca = request.use == Use::ca;
  add_extension(certificate, issuer, NID_basic_constraints,
                ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  add_extension(certificate, issuer, NID_key_usage,
                ca ? "critical,digitalSignature,keyCertSign,cRLSign" : "critical,digitalSignature");
  if (const char* uses = extended_use(request.use))
    add_extension(certificate, issuer, NID_ext_key_usage, uses);
  add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
  if (issuer != certificate)
    add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
  add_alternative_names(certificate, request);
}

}  // namespace

std::string issue_certificate(const CertificateRequest& request,
                              const base::Secret<std::string>& key_pem,
                              const std::string& ca_certificate_pem,
                              const base::Secret<std::string>& ca_key_pem) {
  const bool self_signed = ca_certificate_pem.empty();
  const Key key = read_private_key(key_pem);
  const Certificate certificate(X509_new());
  const Certificate ca = self_signed ? nullptr : read_certificate(ca_certificate_pem);
  const Key ca_key = self_signed ? nullptr : read_private_key(ca_key_pem);
  X509* issuer = self_signed ? certificate.get() : ca.get();
  EVP_PKEY* signer = self_signed ? key.get() : ca_key.get();
  if (!self_signed && X509_check_private_key(issuer, signer) != 1)
    throw_openssl(base::Code::invalid, "the CA's key does not belong to its certificate");

  require(X509_set_version(certificate.get(), X509_VERSION_3), "setting the version");
  set_serial(certificate.get());
  set_subject(X509_get_subject_name(certificate.get()), request);
  set_time(X509_getm_notBefore(certificate.get()), request.not_before);
  set_time(X509_getm_notAfter(certificate.get()), request.not_after);
  require(X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer)),
          "setting the issuer");
  require(X509_set_pubkey(certificate.get(), key.get()), "setting the public key");
  add_extensions(certificate.get(), issuer, request);
  if (X509_sign(certificate.get(), signer, EVP_sha256()) == 0)
    throw_openssl(base::Code::internal, "signing a certificate");

  Bio out(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509(out.get(), certificate.get()), "writing a certificate");
  return take_text(out.get());
}

std::string make_certificate_request(const CertificateRequest& request,
                                     const base::Secret<std::string>& key_pem) {
  const Key key = read_private_key(key_pem);
  const std::unique_ptr<X509_REQ, Free<X509_REQ_free>> made(X509_REQ_new());
  require(X509_REQ_set_version(made.get(), X509_REQ_VERSION_1), "setting the version");
  set_subject(X509_REQ_get_subject_name(made.get()), request);
  require(X509_REQ_set_pubkey(made.get(), key.get()), "setting the public key");
  if (X509_REQ_sign(made.get(), key.get(), EVP_sha256()) == 0)
    throw_openssl(base::Code::internal, "signing a certificate request");
  Bio out(BIO_new(BIO_s_mem()));
  require(PEM_write_bio_X509_REQ(out.get(), made.get()), "writing a certificate request");
  return take_text(out.get());
}

base::Time certificate_expiry(const std::string& certificate_pem) {
  const Certificate certificate = read_certificate(certificate_pem);
  std::tm parts{};
  require(ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &parts), "reading an expiry");
  using namespace std::chrono;
  const sys_days day =
      year(parts.tm_year + 1900) / month(static_cast<unsigned>(parts.tm_mon + 1)) / parts.tm_mday;
  return day + hours(parts.tm_hour) + minutes(parts.tm_min) + seconds(parts.tm_sec);
}

}  // namespace io
