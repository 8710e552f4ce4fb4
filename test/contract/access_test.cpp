// Who may do what: anonymous, certificates, RBAC, nodes, tokens.
#include "base/encoding.h"
#include "base/text.h"
#include "contract/contract.h"

namespace contract {
namespace {

struct Access : Contract {
  void grant(const std::string& user, const std::string& rules) {
    create(
        path("roles"),
        base::parse_json(base::cat(
            R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"r"},)"
            R"("rules":)",
            rules, "}")));
    create(
        path("rolebindings"),
        base::parse_json(base::cat(
            R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"r"},)"
            R"("roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"},)"
            R"("subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":")",
            user, R"("}]})")));
  }
  void bind(const std::string& pod, const std::string& node) {
    auto bound = ask("POST", path("pods") + "/" + pod + "/binding",
                     base::cat(R"({"apiVersion":"v1","kind":"Binding","metadata":{"name":")", pod,
                               R"("},"target":{"kind":"Node","name":")", node, R"("}})"));
    EXPECT_EQ(bound.status, 201) << bound.text;
  }
  Answer request_token(const std::string& spec) {
    return ask(
        "POST", path("serviceaccounts") + "/default/token",
        R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":)" + spec + "}");
  }
};

TEST_F(Access, NobodySeesHealthAndNothingElse) {
  be_nobody();
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  EXPECT_EQ(ask("GET", "/version").status, 200);
  auto pods = ask("GET", path("pods"));
  EXPECT_EQ(pods.status, 403);
  EXPECT_EQ(pods.message(), base::cat("pods is forbidden: User \"system:anonymous\" cannot list "
                                      "resource \"pods\" in API group \"\" "
                                      "in the namespace \"",
                                      ns(), "\""));
  auto token = ask("GET", path("pods"), "", {"", "application/json", "not.a.token"});
  EXPECT_EQ(token.status, 401);
  EXPECT_EQ(token.reason(), "Unauthorized");
  EXPECT_EQ(token.message(), "Unauthorized");
}

TEST_F(Access, IsWhatRolesGrant) {
  auto user = "contract-" + ns();
  create(path("configmaps"), make_config_map("a"));
  create(path("configmaps"), make_config_map("b"));
  grant(
      user,
      R"([{"verbs":["get","watch"],"apiGroups":[""],"resources":["configmaps"],"resourceNames":["a"]}])");
  be(user, {});
  EXPECT_TRUE(eventually([&] { return ask("GET", path("configmaps") + "/a").status == 200; }));
  auto other = ask("GET", path("configmaps") + "/b");
  EXPECT_EQ(other.status, 403);
  EXPECT_EQ(other.message(), base::cat("configmaps \"b\" is forbidden: User \"", user,
                                       "\" cannot get resource \"configmaps\" in API "
                                       "group \"\" in the namespace \"",
                                       ns(), "\""));
  EXPECT_EQ(ask("GET", path("configmaps")).status, 403);
  EXPECT_EQ(ask("DELETE", path("configmaps") + "/a").status, 403);
  auto cluster = ask("GET", "/api/v1/nodes");
  EXPECT_EQ(cluster.message(),
            base::cat("nodes is forbidden: User \"", user,
                      "\" cannot list resource \"nodes\" in API group \"\" at the "
                      "cluster scope"));
}

TEST_F(Access, CannotBeGivenAwayByWhomHasItNot) {
  auto user = "giver-" + ns();
  grant(
      user,
      R"([{"verbs":["create","get","list"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles","rolebindings"]}])");
  be(user, {});
  auto role = base::parse_json(
      R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"x"},
      "rules":[{"verbs":["get"],"apiGroups":[""],"resources":["secrets"]}]})");
  EXPECT_TRUE(eventually([&] { return ask("GET", path("roles")).status == 200; }));
  auto refused = create(path("roles"), role);
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.message().find("is attempting to grant RBAC permissions not currently held"),
            std::string::npos)
      << refused.message();
}

TEST_F(Access, OfANodeIsToItsPodsAndWhatTheyName) {
  auto node = "n-" + ns();
  for (std::string name : {"mine", "other"}) {
    auto secret = base::parse_json(
        R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"x"},"stringData":{"k":"v"}})");
    base::ensure(secret, {"metadata", "name"}) = name;
    create(path("secrets"), secret);
  }
  auto pod = make_pod("p");
  base::ensure(pod, {"spec", "volumes"}) =
      base::parse_json(R"([{"name":"v","secret":{"secretName":"mine"}}])");
  create(path("pods"), pod);
  create(path("pods"), make_pod("q"));
  bind("p", node);
  be("system:node:" + node, {"system:nodes"});
  EXPECT_TRUE(eventually([&] { return ask("GET", path("secrets") + "/mine").status == 200; }));
  EXPECT_EQ(ask("GET", path("secrets") + "/other").status, 403);
  EXPECT_EQ(ask("GET", path("secrets")).status, 403);
  EXPECT_EQ(ask("GET", "/api/v1/pods").status, 403);
  auto own = ask("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3D" + node);
  EXPECT_EQ(own.status, 200);
  EXPECT_EQ(own.body.at("items").as_array().size(), 1u);
  EXPECT_EQ(merge(path("pods") + "/p/status", R"({"status":{"phase":"Running"}})").status, 200);
  EXPECT_EQ(merge(path("pods") + "/q/status", R"({"status":{"phase":"Running"}})").status, 403);
  EXPECT_EQ(ask("DELETE", path("pods") + "/q").status, 403);
  EXPECT_EQ(ask("GET", path("jobs")).status, 403);
}

TEST_F(Access, OfANodeIsToItsOwnNodeAndLease) {
  auto node = "n-" + ns();
  be("system:node:" + node, {"system:nodes"});
  auto object = [](const std::string& name) {
    return base::parse_json(base::cat(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":")",
                                      name, R"(","labels":{"kubernetes.io/hostname":"h"}}})"));
  };
  EXPECT_EQ(create("/api/v1/nodes", object("other-" + ns())).status, 403);
  auto made = create("/api/v1/nodes", object(node));
  EXPECT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(merge("/api/v1/nodes/" + node + "/status",
                  R"({"status":{"conditions":[{"type":"Ready","status":"True"}]}})")
                .status,
            200);
  EXPECT_EQ(merge("/api/v1/nodes/" + node,
                  R"({"metadata":{"labels":{"node-restriction.kubernetes.io/x":"y"}}})")
                .status,
            403);
  EXPECT_EQ(
      merge("/api/v1/nodes/" + node, R"({"spec":{"taints":[{"key":"a","effect":"NoSchedule"}]}})")
          .status,
      403);
  EXPECT_EQ(ask("DELETE", "/api/v1/nodes/" + node).status, 403);
  auto lease = [](const std::string& name) {
    return base::parse_json(
        base::cat(R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":")",
                  name, R"("},"spec":{"holderIdentity":"x","leaseDurationSeconds":40}})"));
  };
  const std::string leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
  EXPECT_EQ(create(leases, lease("other-" + ns())).status, 403);
  EXPECT_EQ(create(leases, lease(node)).status, 201);
  EXPECT_EQ(
      merge(leases + "/" + node, R"({"spec":{"renewTime":"2026-01-02T03:04:05.000006Z"}})").status,
      200);
  EXPECT_EQ(ask("GET", leases).status, 403);
  be_admin();
  EXPECT_EQ(ask("DELETE", "/api/v1/nodes/" + node).status, 200);
  ask("DELETE", leases + "/" + node);
}

TEST_F(Access, TokensAreBoundToTheirPod) {
  create(path("pods"), make_pod("p"));
  auto uid = text_at(ask("GET", path("pods") + "/p").body, {"metadata", "uid"});
  auto bound = base::cat(R"("boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p","uid":")",
                         uid, R"("})");
  auto token =
      request_token("{\"audiences\":[\"contract\"],\"expirationSeconds\":600," + bound + "}");
  ASSERT_EQ(token.status, 201) << token.text;
  auto parts = base::split(text_at(token.body, {"status", "token"}), '.');
  ASSERT_EQ(parts.size(), 3u);
  auto claims = base::parse_json(*base::parse_base64url(parts[1]));
  EXPECT_EQ(text_at(claims, {"sub"}), base::cat("system:serviceaccount:", ns(), ":default"));
  EXPECT_EQ(base::to_text(claims.at("aud")), R"(["contract"])");
  EXPECT_EQ(text_at(claims, {"kubernetes.io", "pod", "uid"}), uid);
  EXPECT_EQ(text_at(claims, {"kubernetes.io", "namespace"}), ns());
  EXPECT_EQ(claims.at("exp").as_int64() - claims.at("iat").as_int64(), 600);
  EXPECT_EQ(request_token("{\"expirationSeconds\":10}").status, 422);
  EXPECT_EQ(
      request_token(R"({"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"nope"}})").status,
      404);
  // A token with the server's own audience logs in until its pod has gone.
  auto own = request_token("{\"expirationSeconds\":600," + bound + "}");
  Headers as_pod{"application/json", "application/json", text_at(own.body, {"status", "token"})};
  be_nobody();
  auto who = ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                 R"({"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"})", as_pod);
  EXPECT_EQ(text_at(who.body, {"status", "userInfo", "username"}),
            base::cat("system:serviceaccount:", ns(), ":default"));
  be_admin();
  ask("DELETE", path("pods") + "/p");
  be_nobody();
  EXPECT_TRUE(eventually([&] { return ask("GET", "/api", "", as_pod).status == 401; },
                         base::Duration(30'000)));
}

TEST_F(Access, TokensAreVerifiableByAnybodyWithTheKeys) {
  auto discovery = ask("GET", "/.well-known/openid-configuration");
  EXPECT_EQ(discovery.status, 200);
  EXPECT_FALSE(text_at(discovery.body, {"issuer"}).empty());
  EXPECT_EQ(ask("GET", "/openid/v1/jwks").status, 406);
  auto keys = ask("GET", "/openid/v1/jwks", "", {"", "application/jwk-set+json"});
  EXPECT_EQ(keys.status, 200);
  EXPECT_FALSE(keys.body.at("keys").as_array().empty());
  auto token = request_token("{\"expirationSeconds\":600}");
  auto header = base::parse_json(
      *base::parse_base64url(base::split(text_at(token.body, {"status", "token"}), '.').at(0)));
  EXPECT_EQ(text_at(header, {"kid"}), text_at(keys.body.at("keys").at(0), {"kid"}));
}

TEST_F(Access, IsToldToWhoAsks) {
  auto ask_whether = [&](const std::string& verb) {
    return base::find_bool(
        ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            base::cat(
                R"({"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","spec":)"
                R"({"resourceAttributes":{"namespace":")",
                ns(), R"(","verb":")", verb, R"(","resource":"pods"}}})"))
            .body,
        {"status", "allowed"});
  };
  EXPECT_EQ(ask_whether("delete"), true);
  constexpr const char* as_table = "application/json;as=Table;v=v1;g=meta.k8s.io";
  auto review = [&](const std::string& accept) {
    return ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
               R"({"spec":{"nonResourceAttributes":{"path":"/","verb":"get"}}})",
               {"application/json", accept})
        .status;
  };
  EXPECT_EQ(review(as_table), 406);
  EXPECT_EQ(review(base::cat(as_table, ",application/json")), 201);
  be("asker-" + ns(), {});
  EXPECT_EQ(ask_whether("delete"), false);
}

TEST_F(Access, IsThatOfSomebodyElseOnlyForWhoMayActAsThem) {
  auto as = [&](std::vector<std::pair<std::string, std::string>> who) {
    return ask("GET", path("configmaps"), "", {"", "application/json", "", std::move(who)});
  };
  auto refused = as({{"Impersonate-User", "bob"}});
  EXPECT_EQ(refused.status, 403);
  EXPECT_TRUE(refused.message().starts_with(
      "configmaps is forbidden: User \"bob\" cannot list resource \"configmaps\""))
      << refused.message();
  EXPECT_EQ(as({{"Impersonate-User", "bob"}, {"Impersonate-Group", "system:masters"}}).status, 200);
  EXPECT_EQ(as({{"Impersonate-Group", "system:masters"}}).status, 400);
  auto who = ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}",
                 {"application/json",
                  "application/json",
                  "",
                  {{"Impersonate-User", "system:serviceaccount:" + ns() + ":x"},
                   {"Impersonate-Uid", "u"},
                   {"Impersonate-Extra-Color%2fdark", "red"}}});
  ASSERT_EQ(who.status, 201) << who.text;
  auto info = who.body.at("status").at("userInfo");
  EXPECT_EQ(text_at(info, {"uid"}), "u");
  EXPECT_EQ(info.at("groups"),
            (JsonArray{"system:serviceaccounts", base::cat("system:serviceaccounts:", ns()),
                       "system:authenticated"}));
  EXPECT_EQ(info.at("extra").at("color/dark"), JsonArray{"red"});
  be("alice-" + ns(), {});
  EXPECT_EQ(as({{"Impersonate-User", "bob"}}).status, 403);
}

}  // namespace
}  // namespace contract
