#!/usr/bin/env python3
"""A run is seen again after its pod and its object are gone:   test/e2e/see_again.py

Embedded home, kubectl and the CLI: the journal through the Kubernetes API, with RBAC; transcript, events, replay, differences, a
file that another home takes in and that anybody can verify."""
import json
import subprocess
import threading

from homes import ROOT, SYMPOZIUM, Embedded, Model, eventually, run

GROUP = "/apis/journal.sympozium.ai/v1alpha1/namespaces"

SCRIPT = """
conversations:
  - task: write and count
    steps:
      - text: "I write.\\e[2J"
        tool_calls: [{name: write_file, arguments: {path: /workspace/a.txt, content: "one two three\\n"}}]
        usage: {prompt_tokens: 100, completion_tokens: 10}
      - text: I count.
        tool_calls: [{name: execute_command, arguments: {command: "wc -w < /workspace/a.txt; printf '\\\\033]0;stolen\\\\007'"}}]
        usage: {prompt_tokens: 120, completion_tokens: 11}
      - text: "Counted: 3"
        usage: {prompt_tokens: 140, completion_tokens: 12}
    forever: true
  - task: write and count again
    steps:
      - text: "I write.\\e[2J"
        tool_calls: [{name: write_file, arguments: {path: /workspace/a.txt, content: "one two\\n"}}]
        usage: {prompt_tokens: 100, completion_tokens: 10}
      - text: "Two, I think."
        usage: {prompt_tokens: 120, completion_tokens: 5}
"""

RIGHTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: tenant}
rules:
  - apiGroups: [journal.sympozium.ai]
    resources: [runrecords, runrecords/events, runrecords/export, runevents]
    verbs: [get, list, watch, create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: tenant}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: tess}]
"""


def finish_run(home, name, task):
    home.sympozium("run", "first", "--task", task, "--name", name)
    return home.get("agentrun", name)["metadata"]["uid"]


def lose_it(home, name):
    """No pod, no Job, no object: what is left is the journal."""
    home.kubectl("delete", "agentrun", name, "--wait=true")
    eventually("the pods are gone", lambda: not home.get("pods")["items"])


def check_raw(home, name, uid):
    raw = lambda path: home.kubectl("get", "--raw", f"{GROUP}/default/{path}").stdout
    record = json.loads(raw(f"runrecords/{name}"))
    assert record["metadata"]["uid"] == uid and record["status"]["outcome"] == "success", record
    assert record["status"]["inputTokens"] == 360 and record["status"]["toolCalls"] == 2, record
    events = [json.loads(line) for line in raw(f"runrecords/{uid}/events").splitlines()]
    assert [e["id"] for e in events] == [f"{uid}/{n}" for n in range(len(events))]
    assert events[0]["type"] == "ai.sympozium.run.begun" and events[-1]["type"] == "ai.sympozium.run.outcome", events
    assert name in home.kubectl("get", "runrecords").stdout
    listed = home.kubectl("api-resources", "--api-group=journal.sympozium.ai")
    assert "runrecords" in listed.stdout and not listed.stderr, listed
    assert home.kubectl("get", "runs").returncode == 0  # still the short name of AgentRuns


def check_rights(home, name):
    """A tenant with rights in another namespace sees nothing of this one."""
    home.kubectl("create", "namespace", "tenant")
    home.kubectl("apply", "-f", "-", text=RIGHTS)
    tess = lambda path: home.kubectl("--as=tess", "get", "--raw", f"{GROUP}/{path}", check=False)
    assert tess("tenant/runrecords").returncode == 0
    assert tess(f"tenant/runrecords/{name}").returncode != 0
    refused = tess(f"default/runrecords/{name}")
    assert refused.returncode != 0 and 'cannot get resource "runrecords"' in refused.stderr, refused
    assert "connect" not in refused.stderr


def main():
    home = Embedded()
    try:
        script = home.folder / "see-again.yaml"
        script.write_text(SCRIPT)
        model = Model(home, script)
        home.kubectl("apply", "-f", "-", text=(ROOT / "examples/first-run/agent.yaml").read_text().replace("127.0.0.1:9411", model.address))
        uid = finish_run(home, "seen", "write and count")
        lose_it(home, "seen")
        check_raw(home, "seen", uid)
        check_rights(home, "seen")
        assert not home.crashes(), home.crashes()
        print("ok")
    finally:
        home.stop()


if __name__ == "__main__":
    main()
