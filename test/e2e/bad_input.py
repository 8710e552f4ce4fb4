#!/usr/bin/env python3
"""What people get wrong, and what machines do to them:   test/e2e/bad_input.py

Embedded home. Each mistake gets one clear message that names the field and the fix, and nothing is lost."""
import contextlib
import json
import os
import subprocess
import unittest
import urllib.request

from homes import ROOT, SYMPOZIUM, Embedded, Model, eventually, run

SCRIPT = """
conversations:
  - task: never stop
    steps:
      - text: Again.
        tool_calls: [{name: list_directory, arguments: {path: /workspace}}]
    forever: true
  - task: answer late
    steps:
      - text: I write.
        delay: 3s
        tool_calls: [{name: write_file, arguments: {path: /workspace/a, content: b}}]
      - text: Late, but answered.
  - task: answer
    steps: [{text: Answered.}]
    forever: true
"""

RUN = """apiVersion: sympozium.ai/v1alpha1
kind: AgentRun
metadata: {name: %s}
spec:
  agentRef: first
  agentId: default
  sessionKey: s
  task: answer
  model: {provider: openai, model: sim-1, baseURL: "http://%s/v1", authSecretRef: first-provider}
"""


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = Embedded()
        cls.addClassCleanup(cls.home.stop)
        script = cls.home.folder / "script.yaml"
        script.write_text(SCRIPT)
        cls.model = Model(cls.home, script)
        cls.home.kubectl("apply", "-f", "-", text=(ROOT / "examples/first-run/agent.yaml").read_text().replace("127.0.0.1:9411", cls.model.address))

    def manifest(self, name):
        return RUN % (name, self.model.address)

    def refused(self, text, *words, by=("sympozium", "kubectl")):
        """Both command lines refuse it, in these words, and no object is left."""
        for who in by:
            tool = self.home.sympozium if who == "sympozium" else self.home.kubectl
            told = tool("apply", "-f", "-", text=text, check=False)
            self.assertNotEqual(told.returncode, 0, f"{who}: {told.stdout}")
            for word in words:
                self.assertIn(word, told.stderr, who)
        self.assertEqual(self.home.get("agentruns")["items"], [])

    # ---- on the way in ----

    def test_malformed_yaml_names_file_and_line(self):
        path = self.home.folder / "broken.yaml"
        path.write_text("apiVersion: v1\nkind: [Secret\nmetadata: {}\n")
        told = self.home.sympozium("apply", "-f", path, check=False)
        self.assertEqual(told.returncode, 2, told.stderr)
        self.assertIn("broken.yaml", told.stderr)
        self.assertRegex(told.stderr, r"line [23]|:[23]:")

    def test_malformed_json_names_the_place(self):
        told = self.home.sympozium("apply", "-f", "-", text='{"apiVersion": "v1", "kind" "Secret"}', check=False)
        self.assertEqual(told.returncode, 2, told.stderr)
        self.assertRegex(told.stderr, r"line 1|:1:|column")

    def test_wrong_types_are_all_named(self):
        self.refused(self.manifest("r").replace("task: answer", "task: 5").replace("sessionKey: s", "sessionKey: [s]"), "spec.task", "spec.sessionKey")

    def test_unknown_fields_are_named(self):
        self.refused(self.manifest("r") + "  tusk: x\n", "spec.tusk")

    def test_missing_fields_are_named(self):
        self.refused(self.manifest("r").replace("  task: answer\n", ""), "spec.task")

    def test_fields_that_are_not_supported_are_named_with_what_to_do(self):
        self.refused(self.manifest("r") + "  dryRun: true\n", "spec.dryRun", "not supported")

    def test_rules_between_fields_are_checked(self):
        self.refused(self.manifest("r") + "  timeout: soon\n", "spec.timeout", "soon")

    def test_an_agent_that_is_not_there(self):
        told = self.home.sympozium("run", "frist", "--task", "x", check=False)
        self.assertNotEqual(told.returncode, 0)
        self.assertIn('no agent "frist"; it has first', told.stderr)

    def test_a_command_that_nobody_knows(self):
        told = run(SYMPOZIUM, "rum", check=False)
        self.assertEqual(told.returncode, 2)
        self.assertIn("rum", told.stderr)

    def test_nobody_answers(self):
        told = run(SYMPOZIUM, "get", "runs", "--kubeconfig", "/nowhere/config", check=False)
        self.assertNotEqual(told.returncode, 0)
        self.assertIn("/nowhere/config", told.stderr)

    # ---- the machine ----

    def test_two_homes_do_not_share_a_folder(self):
        told = run(SYMPOZIUM, "up", "--detach", "--state", self.home.state, check=False)
        self.assertEqual(told.returncode, 3, told.stderr)
        self.assertIn("is in use by process", told.stderr)
        self.assertEqual(self.home.kubectl("get", "--raw", "/readyz").stdout, "ok")

    def test_two_homes_whose_nodes_have_one_name_leave_each_other_alone(self):
        self.home.kubectl("apply", "-f", "-", text=self.manifest("undisturbed").replace("task: answer", "task: answer late"))
        self.home.kubectl("wait", "agentrun/undisturbed", "--for=jsonpath={.status.phase}=Running", "--timeout=30s")
        Embedded().stop()
        self.home.kubectl("wait", "agentrun/undisturbed", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
        pod = self.home.get("pod", self.home.get("agentrun", "undisturbed")["status"]["podName"])
        self.assertEqual(sum(c["restartCount"] for c in pod["status"]["containerStatuses"] + pod["status"]["initContainerStatuses"]), 0)
        self.home.kubectl("delete", "agentrun", "undisturbed")

    def test_without_root_it_says_how(self):
        told = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(SYMPOZIUM), "up"], capture_output=True, text=True, timeout=20)
        self.assertEqual(told.returncode, 3, told.stderr)
        self.assertEqual(len(told.stderr.splitlines()), 1)
        self.assertIn("sudo", told.stderr)

    # ---- the model ----

    def test_a_model_that_never_ends_is_stopped(self):
        self.home.kubectl("apply", "-f", "-", text=self.manifest("endless").replace("task: answer", "task: never stop"))
        self.home.kubectl("wait", "agentrun/endless", "--for=jsonpath={.status.phase}=Failed", "--timeout=60s")
        failed = self.home.get("agentrun", "endless")
        self.assertIn("50", failed["status"]["error"])
        self.home.kubectl("delete", "agentrun", "endless")


class FullDisk(unittest.TestCase):
    """The state folder on a small file system of its own."""

    def setUp(self):
        self.home = Embedded.__new__(Embedded)
        self.disk = None

        def start():  # before the home starts, its folder becomes a small disk
            self.disk = self.home.folder
            run("mount", "-t", "tmpfs", "-o", "size=96m,mode=711", "tmpfs", self.disk)
            Embedded.start(self.home)
        self.home.start = start
        self.addCleanup(lambda: self.disk and run("umount", "-l", self.disk, check=False))
        self.home.__init__()
        self.addCleanup(self.home.stop)

    def fill(self, but):
        free = os.statvfs(self.disk)
        with open(self.disk / "ballast", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
            ballast.write(b"\0" * max(0, free.f_bavail * free.f_frsize - but))

    def test_a_run_under_way_waits_for_space_and_goes_on(self):
        script = self.disk / "script.yaml"
        script.write_text(SCRIPT)
        model = Model(self.home, script)
        self.home.kubectl("apply", "-f", "-", text=(ROOT / "examples/first-run/agent.yaml").read_text().replace("127.0.0.1:9411", model.address))
        self.home.kubectl("apply", "-f", "-", text=(RUN % ("late", model.address)).replace("task: answer", "task: answer late"))
        self.home.kubectl("wait", "agentrun/late", "--for=jsonpath={.status.phase}=Running", "--timeout=30s")
        self.fill(but=0)
        asked = lambda: json.loads(urllib.request.urlopen(f"http://{model.address}/stats", timeout=5).read())["completions"]
        eventually("the model has answered", lambda: asked() >= 1)
        self.assertEqual(self.home.get("agentrun", "late")["status"]["phase"], "Running")
        (self.disk / "ballast").unlink()
        self.home.kubectl("wait", "agentrun/late", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=90s")
        self.assertEqual(self.home.get("agentrun", "late")["status"]["result"], "Late, but answered.")
        self.assertEqual(self.home.crashes(), [])

    def test_writes_are_refused_in_words_reads_go_on_and_nothing_is_lost(self):
        def make(name):
            object_ = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "x" * 200000}}
            return self.home.kubectl("create", "-f", "-", text=json.dumps(object_), check=False)
        self.assertEqual(make("before").returncode, 0)
        self.fill(but=256 * 1024)
        made, told = [], None
        for i in range(20):
            done = make(f"during-{i}")
            if done.returncode != 0:
                told = done.stderr
                break
            made.append(f"during-{i}")
        self.assertIsNotNone(told, "the disk did not fill")
        self.assertRegex(told, "(?i)disk|space|full")
        names = {item["metadata"]["name"] for item in self.home.get("configmaps")["items"]}
        self.assertLessEqual({"before", *made}, names)
        (self.disk / "ballast").unlink()
        eventually("writes are taken again", lambda: make("after").returncode == 0)
        os.kill(int((self.home.state / "lock").read_text()), 15)
        eventually("it has ended", lambda: run(SYMPOZIUM, "status", "--state", self.home.state, check=False).returncode == 3)
        self.home.up()
        names = {item["metadata"]["name"] for item in self.home.get("configmaps")["items"]}
        self.assertLessEqual({"before", "after", *made}, names)
        self.assertEqual(self.home.crashes(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
