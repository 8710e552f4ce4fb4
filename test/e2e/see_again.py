#!/usr/bin/env python3
"""A run is seen again after its pod and its object are gone:   test/e2e/see_again.py embedded|cluster

kubectl and the CLI: the journal through the Kubernetes API, with RBAC; transcript, events, replay, differences, a
file that another home takes in and that anybody can verify."""
import json
import os
import signal
import sys
import time

from homes import HOMES, SYMPOZIUM, Embedded, Model, eventually, run
from victims import service_pids

GROUP = "/apis/journal.sympozium.ai/v1alpha1/namespaces"
APISERVICE = "v1alpha1.journal.sympozium.ai"

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
  - task: count without a file
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
    assert uid in home.kubectl("get", "runrecords").stdout
    listed = home.kubectl("api-resources", "--api-group=journal.sympozium.ai")
    assert "runrecords" in listed.stdout and not listed.stderr, listed
    assert home.kubectl("get", "runs").returncode == 0  # still the short name of AgentRuns


def check_commands(home, name, uid):
    shown = home.sympozium("logs", name, "--steps").stdout
    for part in (f"uid {uid}", "user:", "write and count", "⚙ 1.0 write_file", "⚙ 2.0 execute_command", "■ succeeded", "Counted: 3",
                 "360 input and 33 output tokens, 3 model calls, 2 tool calls"):
        assert part in shown, (part, shown)
    assert "\x1b" not in shown and "\x07" not in shown, shown
    assert "unknown" not in shown, shown
    assert home.sympozium("logs", uid, "--steps").stdout == shown
    events = home.sympozium("events", "--run", name, "-o", "json").stdout.splitlines()
    assert json.loads(events[-1])["type"] == "ai.sympozium.run.outcome", events[-1]
    assert home.sympozium("events", "--since", "1h").stdout.count("\n") == len(events)
    began = time.monotonic()
    played = home.sympozium("replay", name, "--speed", "max").stdout
    assert "so far 360 + 33 tokens" in played and time.monotonic() - began < 5, played
    assert "stopped behind 2.0" in home.sympozium("replay", name, "--speed", "100", "--until", "2.0").stdout


def check_follow(home):
    """What happens is seen while it happens, also over the death of the gateway."""
    log = home.folder / "events.log"
    follower = home.spawn(SYMPOZIUM, "events", "-f", "-o", "json", "--kubeconfig", home.kubeconfig, log="events.log")
    said = lambda kind: [line for line in log.read_text().splitlines() if line.startswith("{") and json.loads(line)["type"].endswith(kind)]

    def begin_until_seen():  # the follower begins with what is new: it may not be listening yet
        finish_run(home, f"live{len(home.get('agentruns')['items'])}", "write and count")
        return said("run.outcome")
    eventually("the follower has seen a run end", begin_until_seen, seconds=60)
    os.kill(service_pids(home)["gateway"], 9)
    before = len(said("run.outcome"))
    uid = finish_run(home, "after", "write and count")
    eventually("the follower goes on", lambda: len(said("run.outcome")) > before)
    ids = [json.loads(line)["id"] for line in log.read_text().splitlines() if line.startswith("{")]
    assert len(ids) == len(set(ids)), "an event was told twice"
    mine = [i for i in ids if i.startswith(uid)]
    assert mine == [f"{uid}/{n}" for n in range(len(mine))] and len(mine) > 8, mine
    follower.send_signal(signal.SIGINT)
    assert follower.wait(timeout=10) == 130


def check_diff(home):
    finish_run(home, "other", "count without a file")
    same = home.sympozium("diff", "seen", "after", check=False)
    assert same.returncode == 0, same.stdout
    differ = home.sympozium("diff", "seen", "other", check=False)
    assert differ.returncode == 1 and "first difference: turn 1, request" in differ.stdout, differ
    assert "/messages/" in differ.stdout and "count without a file" in differ.stdout, differ.stdout
    assert "turns         3 → 2" in differ.stdout and "only in the first" in differ.stdout, differ.stdout


def check_file(home, name):
    """A file that verifies, and that another home takes in."""
    key = home.state / "audit.pub"
    path = home.folder / "run.ndjson"

    def is_signed():  # the last events within seconds
        path.write_text(home.sympozium("export", name).stdout)
        return run(SYMPOZIUM, "audit", "verify", path, "--key", key, check=False, env={"KUBECONFIG": "/nonexistent"}).returncode == 0
    eventually("the whole run is signed", is_signed, seconds=60)
    text = path.read_text()
    all_of_it = home.sympozium("audit", "verify", "--key", key)
    assert "sound: " in all_of_it.stdout and "which you trust" in all_of_it.stdout, all_of_it
    assert "not-a-real-key" not in text  # the provider's key of the example
    offline = run(SYMPOZIUM, "audit", "verify", path, env={"KUBECONFIG": "/nonexistent"})
    assert ": sound: " in offline.stdout, offline
    lines = text.splitlines(keepends=True)
    events = [i for i, line in enumerate(lines) if line.startswith('{"event"')]
    swapped = lines[:]
    swapped[events[3]], swapped[events[4]] = swapped[events[4]], swapped[events[3]]
    for changed, words in (("".join(lines[:events[2]] + lines[events[2] + 1:]), "event 2 is missing here"),
                           ("".join(swapped), "event 3 is missing here"),
                           (text.replace("one two three", "one two thrEe", 1), "line ")):
        path.write_text(changed)
        found = run(SYMPOZIUM, "audit", "verify", path, check=False)
        assert found.returncode == 1 and words in found.stdout, (words, found.stdout)
        assert home.sympozium("import", path, "-n", "tenant", check=False).returncode != 0
    path.write_text(text)
    again = home.sympozium("import", path, "-n", "tenant", check=False)
    assert again.returncode == 1 and "is in this journal already" in again.stderr, again
    other = Embedded()
    try:
        assert "imported" in other.sympozium("import", path).stdout
        assert other.sympozium("logs", name, "--steps").stdout == home.sympozium("logs", name, "--steps").stdout
        recorded = lambda export: [line for line in export.splitlines() if line.startswith(('{"event"', '{"blob"'))]
        assert recorded(other.sympozium("export", name).stdout) == recorded(text)  # each home signs for itself
        record = json.loads(other.kubectl("get", "--raw", f"{GROUP}/default/runrecords/{name}").stdout)
        assert record["status"]["imported"] is True, record
        assert not other.crashes(), other.crashes()
    finally:
        other.stop()


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


def check_retention(home):
    """What was said is erased, or all of it forgotten, by who may. What other runs said, too, stays theirs."""
    finish_run(home, "private", "write and count my secret")
    refused = home.kubectl("--as=tess", "delete", "--raw", f"{GROUP}/default/runrecords/private/contents", check=False)
    assert refused.returncode != 0 and 'cannot delete resource "runrecords/contents"' in refused.stderr, refused
    assert "runrecord.journal.sympozium.ai/private erased" in home.sympozium("erase", "private").stdout
    transcript = home.sympozium("logs", "private", "--steps").stdout
    assert "(erased)" in transcript and "my secret" not in transcript, transcript
    assert "deleted" in home.kubectl("delete", "runrecord", "private").stdout
    assert home.sympozium("logs", "private", "--steps", check=False).returncode != 0
    assert "/seen forgotten" in home.sympozium("forget", "--ended-before", "0s").stdout


def check_forget_after(home):
    """A home that is told to forgets by itself."""
    run(SYMPOZIUM, "down", "--state", home.state)
    wrong = run(SYMPOZIUM, "up", "--detach", "--state", home.state, "--forget-after", "30d", check=False)
    assert wrong.returncode == 2 and '--forget-after: "30d" is no duration above zero' in wrong.stderr, wrong
    home.up("--forget-after", "2s", *home.loops)
    finish_run(home, "short", "write and count")
    eventually("its record is gone", lambda: home.sympozium("logs", "short", "--steps", check=False).returncode != 0)
    assert home.get("agentrun", "short")["status"]["phase"] == "Succeeded"


def main():
    home = HOMES[sys.argv[1]]()
    embedded = isinstance(home, Embedded)
    try:
        home.wait_for_journal()
        model = Model.saying(home, SCRIPT)
        home.kubectl("apply", "-f", "-", text=model.example())
        uid = finish_run(home, "seen", "write and count")
        lose_it(home, "seen")
        check_raw(home, "seen", uid)
        check_commands(home, "seen", uid)
        check_rights(home, "seen")
        check_follow(home)
        check_diff(home)
        check_file(home, "seen")
        check_retention(home)
        assert not home.crashes(), home.crashes()
        if embedded:
            check_forget_after(home)
        else:
            run(SYMPOZIUM, "down", "--state", home.state)
            gone = home.kubectl("get", "apiservice", APISERVICE, check=False)
            assert gone.returncode != 0 and "NotFound" in gone.stderr, gone  # else the cluster would miss it
        print("ok")
    finally:
        home.stop()


if __name__ == "__main__":
    main()
