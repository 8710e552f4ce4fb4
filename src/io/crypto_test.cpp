#include "io/crypto.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <thread>

#include "base/encoding.h"

namespace io {
namespace {

using namespace std::chrono_literals;

const base::Time noon = std::chrono::sys_days(std::chrono::year(2026) / 1 / 2) + 12h;

TEST(Hash, AgreesWithPublishedVectors) {
  // FIPS 180-2 appendix B.1; RFC 4231 test case 2.
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(base::hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(sha256("").size(), 32u);
}

TEST(Hash, TakesNothingFromTheOneBefore) {
  const std::string abc = sha256("abc");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),  // FIPS 180-2 appendix B.3
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), abc);
  std::thread([&] { EXPECT_EQ(sha256("abc"), abc); }).join();
}

TEST(Hash, ComparesInConstantTime) {
  EXPECT_TRUE(equal_in_constant_time("same", "same"));
  EXPECT_FALSE(equal_in_constant_time("same", "some"));
  EXPECT_FALSE(equal_in_constant_time("same", "same "));
}

TEST(Keys, RefuseWhatIsNoKey) {
  EXPECT_THROW(public_key_pem(base::Secret<std::string>("nonsense")), base::Error);
  EXPECT_NE(make_p256_key().reveal(), make_p256_key().reveal());
  EXPECT_NE(public_key_pem(make_p256_key()).find("BEGIN PUBLIC KEY"), std::string::npos);
}

struct Authority {
  base::Secret<std::string> key = make_p256_key();
  std::string certificate = issue_certificate({.common_name = "test-ca",
                                               .use = CertificateRequest::Use::ca,
                                               .not_before = noon,
                                               .not_after = noon + 24h * 365},
                                              key, "", {});
};

class OpenSslVerify : public ::testing::Test {
 protected:
  OpenSslVerify() {
    char name[] = "/tmp/crypto_test.XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~OpenSslVerify() override {
    for (const char* file : {"/ca.pem", "/leaf.pem"}) unlink((directory_ + file).c_str());
    rmdir(directory_.c_str());
  }
  // What the program `openssl verify` says about a leaf under a CA at the time of the test.
  int verify(const std::string& ca, const std::string& leaf, const std::string& options) {
    std::ofstream(directory_ + "/ca.pem") << ca;
    std::ofstream(directory_ + "/leaf.pem") << leaf;
    const auto at = std::to_string((noon + 1h).time_since_epoch() / 1s);
    const std::string command = "openssl verify -x509_strict -attime " + at + " -CAfile " +
                                directory_ + "/ca.pem " + options + " " + directory_ +
                                "/leaf.pem >/dev/null 2>&1";
    return std::system(command.c_str());
  }
  std::string directory_;
};

TEST_F(OpenSslVerify, AcceptsOurChainForItsNamesAndUsesOnly) {
  const Authority ca, stranger;
  const auto leaf = issue_certificate({.common_name = "system:node:one",
                                       .organizations = {"system:nodes"},
                                       .dns_names = {"node.example"},
                                       .ips = {"127.0.0.1", "::1"},
                                       .use = CertificateRequest::Use::server,
                                       .not_before = noon,
                                       .not_after = noon + 24h},
                                      make_p256_key(), ca.certificate, ca.key);
  EXPECT_EQ(verify(ca.certificate, leaf, "-purpose sslserver -verify_hostname node.example"), 0);
  EXPECT_EQ(verify(ca.certificate, leaf, "-purpose sslserver -verify_ip ::1"), 0);
  EXPECT_NE(verify(ca.certificate, leaf, "-purpose sslserver -verify_hostname other.example"), 0);
  EXPECT_NE(verify(ca.certificate, leaf, "-purpose sslclient"), 0);
  EXPECT_NE(verify(stranger.certificate, leaf, ""), 0);
}

TEST(Certificates, TellTheirExpiry) {
  const Authority ca;
  EXPECT_EQ(certificate_expiry(ca.certificate), noon + 24h * 365);
  EXPECT_THROW(certificate_expiry("nonsense"), base::Error);
}

TEST(Certificates, AreNotSignedByAForeignKey) {
  const Authority ca;
  const CertificateRequest request{.common_name = "x",
                                   .use = CertificateRequest::Use::client,
                                   .not_before = noon,
                                   .not_after = noon + 1h};
  EXPECT_THROW(issue_certificate(request, make_p256_key(), ca.certificate, make_p256_key()),
               base::Error);
}

TEST(Certificates, RefuseAnAddressThatIsNone) {
  const CertificateRequest request{.common_name = "x",
                                   .ips = {"localhost"},
                                   .use = CertificateRequest::Use::server,
                                   .not_before = noon,
                                   .not_after = noon + 1h};
  EXPECT_THROW(issue_certificate(request, make_p256_key(), "", {}), base::Error);
}

}  // namespace
}  // namespace io
