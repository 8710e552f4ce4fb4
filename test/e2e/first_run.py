#!/usr/bin/env python3
"""The first run, told in any home:   test/e2e/first_run.py embedded|cluster|cluster-own-loops|embedded-stock-jobs

Starts shipped programs only, speaks to them as people do (kubectl, sympozium), and asks the API server's audit log who did what.
Environment: PRESET (default dev), SYMPOZIUM (the program), KEEP=1 (leave the folders for a look)."""
import json
import re
import sys
import unittest

from homes import HOMES, ROOT, Model, eventually, run

EXAMPLE = ROOT / "examples/first-run"
SECRET = "not-a-real-key"  # the example's
NS = "default"


def condition(run_, kind):
    return next((c for c in run_.get("status", {}).get("conditions", []) if c["type"] == kind), {})


class FirstRun(unittest.TestCase):
    home_type = None

    @classmethod
    def setUpClass(cls):
        cls.home = cls.home_type()
        cls.addClassCleanup(cls.home.stop)
        cls.model = Model(cls.home, cls.merged_script())
        cls.home.kubectl("apply", "-f", "-", text=cls.example("agent.yaml"))

    @classmethod
    def merged_script(cls):
        own = (ROOT / "test/e2e/model.yaml").read_text().split("conversations:\n", 1)[1]
        path = cls.home.folder / "model.yaml"
        path.write_text((EXAMPLE / "model.yaml").read_text().rstrip() + "\n" + own)
        return path

    @classmethod
    def example(cls, name):
        return (EXAMPLE / name).read_text().replace("127.0.0.1:9411", cls.model.address)

    def run_manifest(self, name, task, **spec):
        model = {"provider": "openai", "model": "sim-1", "baseURL": f"http://{self.model.address}/v1", "authSecretRef": "first-provider"}
        return json.dumps({"apiVersion": "sympozium.ai/v1alpha1", "kind": "AgentRun", "metadata": {"name": name},
                           "spec": {"agentRef": "first", "agentId": "default", "sessionKey": name, "model": model,
                                    "skills": [{"skillPackRef": "tools"}], "task": task, **spec}})

    def start_run(self, name, task, **spec):
        self.home.kubectl("apply", "-f", "-", text=self.run_manifest(name, task, **spec))

    def wait_phase(self, name, phase):
        self.home.kubectl("wait", f"agentrun/{name}", f"--for=jsonpath={{.status.phase}}={phase}", "--timeout=90s", timeout=100)
        return self.home.get("agentrun", name)

    def run_to(self, phase, name, task, **spec):
        self.start_run(name, task, **spec)
        return self.wait_phase(name, phase)

    # ---- the main story ----

    def test_01_the_example_runs_from_kubectl(self):
        self.home.kubectl("apply", "-f", "-", text=self.example("run.yaml"))
        done = self.wait_phase("first-run", "Succeeded")
        status = done["status"]
        self.assertIn("It has 14 words, counted by wc in the tool sidecar.", status["result"])
        self.assertEqual(status["tokenUsage"]["inputTokens"], 412 + 468 + 497)
        self.assertEqual(status["tokenUsage"]["outputTokens"], 38 + 21 + 34)
        self.assertEqual(status["tokenUsage"]["totalTokens"], 412 + 468 + 497 + 38 + 21 + 34)
        self.assertEqual(status["tokenUsage"]["toolCalls"], 2)
        self.assertEqual(status["attempt"], 1)
        self.assertEqual(status["outcome"]["status"], "success")
        self.assertLessEqual(status["startedAt"], status["completedAt"])
        self.assertRegex(status["policyHash"], "^[0-9a-f]{64}$")
        for kind in ("Accepted", "Ready"):
            self.assertEqual(condition(done, kind)["status"], "True", kind)
        self.assertEqual(condition(done, "Ready")["observedGeneration"], done["metadata"]["generation"])
        job = self.home.get("job", status["jobName"])
        self.assertEqual(job["metadata"]["ownerReferences"][0]["uid"], done["metadata"]["uid"])
        pod = self.home.get("pod", status["podName"])
        self.assertEqual(pod["metadata"]["uid"], status["podUID"])
        self.assertEqual([c["name"] for c in pod["spec"]["initContainers"]], ["ipc-bridge", "skill-tools"])
        self.assertEqual([c["name"] for c in pod["spec"]["containers"]], ["agent"])
        eventually("the exit code is in the status",
                   lambda: self.home.get("agentrun", "first-run")["status"].get("exitCode") == 0)
        self.home.kubectl("wait", f"job/{status['jobName']}", "--for=condition=Complete", "--timeout=60s")

    def test_02_the_example_runs_from_our_command_line(self):
        told = self.home.sympozium("run", "first", "--name", "cli-run", "--base-url", f"http://{self.model.address}/v1",
                                   "--task", "Write a haiku, count its words.")
        self.assertIn("It has 14 words", told.stdout)
        for word in ("write_file", "execute_command", "Succeeded"):
            self.assertIn(word, told.stderr)
        as_json = self.home.sympozium("get", "runs", "cli-run", "-o", "json")
        self.assertEqual(json.loads(as_json.stdout)["status"]["phase"], "Succeeded")
        failed = self.home.sympozium("run", "first", "--base-url", f"http://{self.model.address}/v1", "--task", "nobody wrote a step for this",
                                     check=False)
        self.assertEqual(failed.returncode, 1, failed.stderr)

    def test_03_people_see_it(self):
        table = self.home.kubectl("get", "agentruns").stdout
        self.assertRegex(table, r"NAME +AGENT +PHASE +POD +AGE\n")
        self.assertRegex(table, r"first-run +first +Succeeded")
        steps = [json.loads(line) for line in self.home.kubectl("logs", "job/first-run", "-c", "agent").stdout.splitlines()]
        self.assertEqual([s["tool"] for s in steps if s["type"] == "tool"], ["write_file", "execute_command"])
        self.assertIn("Succeeded", self.home.kubectl("describe", "agentrun", "first-run").stdout)
        self.assertIn("first-run", self.home.sympozium("get", "runs").stdout)
        self.assertIn("write_file", self.home.sympozium("logs", "first-run").stdout)
        self.assertIn("first-run", self.home.sympozium("describe", "run", "first-run").stdout)

    # ---- what is refused ----

    def test_10_a_run_that_policy_refuses_makes_nothing(self):
        self.home.kubectl("create", "secret", "generic", "plain", "--from-literal=API_KEY=x")
        model = {"provider": "openai", "model": "m", "baseURL": f"http://{self.model.address}/v1", "authSecretRef": "plain"}
        refused = self.run_to("Failed", "refused", "anything", model=model, skills=[{"skillPackRef": "nowhere"}])
        accepted = condition(refused, "Accepted")
        self.assertEqual(accepted["status"], "False")
        for word in ("spec.model.authSecretRef", "sympozium.ai/use", "spec.skills[0]", "nowhere"):
            self.assertIn(word, accepted["message"])
        self.assertNotIn("jobName", refused["status"])
        self.assertEqual(self.home.get("jobs", "-l", "sympozium.ai/agent-run=refused")["items"], [])

    def test_11_a_field_that_is_not_supported_is_named(self):
        told = self.home.kubectl("apply", "-f", "-", text=self.run_manifest("unsupported", "anything", dryRun=True), check=False)
        if told.returncode != 0:  # where admission stands in the way
            self.assertIn("spec.dryRun", told.stderr)
        else:
            self.assertIn("spec.dryRun", condition(self.wait_phase("unsupported", "Failed"), "Accepted")["message"])
        self.assertEqual(self.home.get("jobs", "-l", "sympozium.ai/agent-run=unsupported")["items"], [])

    def test_12_a_run_without_its_agent_says_so(self):
        lost = self.run_to("Failed", "lost", "anything", agentRef="nobody")
        self.assertIn("nobody", condition(lost, "Accepted")["message"])

    # ---- what goes wrong and is survived, or told ----

    def test_20_a_denied_tool_is_not_run(self):
        done = self.run_to("Succeeded", "denied", "use what is forbidden", toolPolicy={"deny": ["execute_command"]})
        self.assertIn("denied", done["status"]["result"])

    def test_21_a_provider_that_stumbles_is_asked_again(self):
        done = self.run_to("Succeeded", "stumbling", "lose the thread")
        self.assertEqual(done["status"]["result"].strip(), "Third time lucky.")

    def test_22_a_key_that_is_refused_fails_the_run_in_words(self):
        failed = self.run_to("Failed", "keyless", "ask without a key")
        self.assertIn("401", failed["status"]["error"])
        self.assertIn("spec.model.authSecretRef", failed["status"]["error"])

    def test_23_a_provider_that_nobody_serves(self):
        model = {"provider": "openai", "model": "m", "baseURL": "http://127.0.0.1:9/v1", "authSecretRef": "first-provider"}
        failed = self.run_to("Failed", "unreachable", "anything", model=model)
        self.assertIn("127.0.0.1:9", failed["status"]["error"])

    def test_24_arguments_that_are_no_json_are_told_to_the_model(self):
        done = self.run_to("Succeeded", "clumsy", "call badly")
        self.assertIn("It told me", done["status"]["result"])

    def test_25_a_result_of_ten_megabytes_is_cut(self):
        done = self.run_to("Succeeded", "verbose", "say much")
        self.assertIn("the part that fits", done["status"]["result"])

    def test_26_time_runs_out(self):
        failed = self.run_to("Failed", "slow", "count slowly", timeout="3s")
        self.assertEqual(condition(failed, "Ready")["reason"], "TimedOut")
        self.assert_nothing_left("slow")

    def test_27_a_deleted_run_stops_and_leaves_nothing(self):
        self.start_run("unwanted", "count slowly")
        self.wait_phase("unwanted", "Running")
        self.home.kubectl("delete", "agentrun", "unwanted", "--timeout=60s")
        self.assert_nothing_left("unwanted")

    def assert_nothing_left(self, name):
        for kind in ("jobs", "pods"):
            eventually(f"no {kind} of {name}", lambda k=kind: not self.home.get(k, "-l", f"sympozium.ai/agent-run={name}")["items"])

    # ---- who did what ----

    def test_90_the_key_is_nowhere(self):
        for kind in ("pods", "jobs", "agentruns", "configmaps", "events"):
            self.assertNotIn(SECRET, self.home.kubectl("get", kind, "-A", "-o", "json").stdout, kind)
        for pod in self.home.get("pods", "-l", "sympozium.ai/component=agent-run")["items"]:
            for container in ("agent", "ipc-bridge", "skill-tools"):
                logs = self.home.kubectl("logs", pod["metadata"]["name"], "-c", container, check=False)
                self.assertNotIn(SECRET, logs.stdout + logs.stderr)
        for path in self.home.state.rglob("*"):  # everything that our programs wrote, but where Secrets are kept
            if path.is_file() and not path.name.startswith("objects.db"):
                self.assertNotIn(SECRET.encode(), path.read_bytes(), path)

    def test_91_everybody_is_who_they_are_and_may_what_they_do(self):
        entries = self.home.audit()
        seen = {}
        for entry in entries:
            seen.setdefault(entry["user"]["username"], set()).add(entry.get("userAgent", "").split("/")[0])
        for role, user in self.home.users.items():
            self.assertEqual(seen.get(user), {f"sympozium-{'control' if role == 'controller' else role}"}, seen)
        masters = {entry.get("userAgent", "").split("/")[0] for entry in entries if "system:masters" in entry["user"].get("groups", [])}
        self.assertLessEqual(masters, {"kubectl", "kube-apiserver", "sympozium", "kube-controller-manager"}, masters)
        ours = set(self.home.users.values())
        # A stock node authorizer may learn of a binding a moment after the node has seen it; a kubelet meets that, too, and asks again.
        # Both what a pod names and the token of its account are asked for then.
        allowed = {(e["user"]["username"], e["verb"], e["requestURI"]) for e in entries if e.get("responseStatus", {}).get("code") in (200, 201)}
        refused = [(e["user"]["username"], e["verb"], e["requestURI"]) for e in entries
                   if e.get("responseStatus", {}).get("code") == 403 and e["user"]["username"] in ours
                   and not (e["user"]["username"] == self.home.users["node"]
                            and (e["verb"] == "get" or e["requestURI"].endswith("/token"))
                            and (e["user"]["username"], e["verb"], e["requestURI"]) in allowed)]
        self.assertEqual(refused, [])

    def test_92_nothing_crashed(self):
        self.assertEqual(self.home.crashes(), [])


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in HOMES:
        sys.exit(__doc__)
    FirstRun.home_type = HOMES[sys.argv.pop(1)]
    unittest.main(verbosity=2)
