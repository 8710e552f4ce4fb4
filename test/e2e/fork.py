#!/usr/bin/env python3
"""A run is forked: what it shares is not paid again.   test/e2e/fork.py embedded|cluster

The source has ended, is gone, still runs, was imported, or is a foreign agent's; the model counts what it was asked."""
import json
import sys

from foreign import PROGRAM, agent_run, finish
from homes import HOMES, Embedded, Model, eventually
from see_again import GROUP, finish_run

SCRIPT = """
conversations:
  - task: write and count
    steps:
      - text: I write.
        tool_calls: [{name: write_file, arguments: {path: /workspace/a.txt, content: "one two three\\n"}}]
        usage: {prompt_tokens: 100, completion_tokens: 10}
      - text: I count.
        tool_calls: [{name: execute_command, arguments: {command: "wc -w < /workspace/a.txt"}}]
        usage: {prompt_tokens: 120, completion_tokens: 11}
      - {turn: 3, last: in French, text: Trois, usage: {prompt_tokens: 150, completion_tokens: 1}}
      - {turn: 4, last: in French, text: Encore, usage: {prompt_tokens: 160, completion_tokens: 1}}
      - {turn: 3, text: "Counted: 3", usage: {prompt_tokens: 140, completion_tokens: 12}}
    forever: true
  - task: count slowly
    steps:
      - text: I begin.
        tool_calls: [{name: write_file, arguments: {path: /workspace/b.txt, content: "b"}}]
      - {turn: 2, last: hurry, text: Hurried.}
      - {turn: 2, text: Never., delay: 100s}
  - task: three steps
    steps:
      - {text: first, usage: {prompt_tokens: 10, completion_tokens: 1}}
      - {text: second, usage: {prompt_tokens: 20, completion_tokens: 1}}
      - {text: the third and last, usage: {prompt_tokens: 30, completion_tokens: 1}}
    forever: true
"""


RIGHTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: runs-agents}
rules: [{apiGroups: [sympozium.ai], resources: [agentruns], verbs: [get, create, patch, delete]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: runs-agents}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: runs-agents}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: tess}]
"""
READS = RIGHTS.replace("runs-agents", "reads-records").replace("[sympozium.ai]", "[journal.sympozium.ai]").replace(
    "[agentruns], verbs: [get, create, patch, delete]", "[runrecords/export], verbs: [get]")


class Fork:
    """The new run of `sympozium fork …`, and how often the model was asked for it."""

    def __init__(self, home, model, name, source, *flags):
        before = model.requests()
        self.out = home.sympozium("fork", source, "--name", name, *flags).stdout
        self.asked = model.requests() - before
        self.status = home.get("agentrun", name)["status"]
        self.steps = home.sympozium("logs", name, "--steps").stdout


def check_shares(home, model, uid):
    fork = Fork(home, model, "again", "seen", "--at", "2")
    assert fork.out == "Counted: 3\n" and fork.asked == 1, (fork.out, fork.asked)
    usage = fork.status["tokenUsage"]
    assert (usage["inputTokens"], usage["outputTokens"], usage["toolCalls"]) == (140, 12, 0), usage
    for part in (f"a fork of {uid} behind step 2", "✓ 2.0 execute_command  (recalled)", "• turn 3: 140 + 12 tokens",
                 "1 model call beside 2 recalled"):
        assert part in fork.steps, (part, fork.steps)
    played = home.sympozium("replay", "again", "--speed", "max").stdout
    assert "so far 140 + 12 tokens, 3 answers" in played, played
    assert "✓ 1.0" not in fork.steps.split("execution 1.1")[1], "what is shared is executed again\n" + fork.steps
    # Its files were made again; what a sidecar changed in its workspace is not there, and the model is told.
    assert "goes on from a recorded one" in fork.steps and "call 2.0: execute_command" in fork.steps, fork.steps
    assert "first difference: turn 3, request" in home.sympozium("diff", "seen", "again", check=False).stdout
    record = json.loads(home.kubectl("get", "--raw", f"{GROUP}/default/runrecords/again").stdout)
    assert record["status"]["forkOf"] == uid and record["status"]["modelCalls"] == 1, record


def check_goes_another_way(home, model, uid):
    """From a run that is gone, with all that can be new."""
    home.kubectl("delete", "agentrun", "seen", "--wait=true")
    fork = Fork(home, model, "french", uid, "--at", "2", "--task", "Say it in French", "--system", "Be a teacher.", "--model", "sim-2")
    assert fork.out == "Trois\n" and fork.asked == 1, (fork.out, fork.asked)
    assert fork.status["tokenUsage"]["totalTokens"] == 151, fork.status
    for part in ("→ turn 3: sim-2", "Be a teacher.", "Say it in French"):
        assert part in fork.steps, (part, fork.steps)
    whole = Fork(home, model, "anew", "french", "--at", "0", "--task", "write and count")
    assert whole.asked == 3 and "recalled" not in whole.steps, whole.steps
    deeper = Fork(home, model, "deeper", "french", "--at", "3", "--task", "Again in French")
    assert deeper.asked == 1 and "1 model call beside 3 recalled" in deeper.steps, deeper.steps


def check_of_a_running_run(home, model):
    home.sympozium("run", "first", "--task", "count slowly", "--name", "slow", "--detach")
    eventually("the first answer is recorded", lambda: "✓ 1.0" in home.sympozium("logs", "slow", "--steps", check=False).stdout)
    fork = Fork(home, model, "fast", "slow", "--at", "1", "--task", "hurry")
    assert fork.out == "Hurried.\n" and fork.asked == 1, (fork.out, fork.asked)
    home.kubectl("delete", "agentrun", "slow", "--wait=true")


def check_of_an_imported_run(home, model):
    path = home.folder / "fork.ndjson"
    path.write_text(home.sympozium("export", "again").stdout)
    assert ": sound: " in home.sympozium("audit", "verify", path).stdout
    other = Embedded()
    try:
        other.kubectl("apply", "-f", "-", text=model.example())
        other.sympozium("import", path)
        assert other.sympozium("logs", "again", "--steps").stdout == home.sympozium("logs", "again", "--steps").stdout
        fork = Fork(other, model, "there", "again", "--at", "2")
        assert fork.out == "Counted: 3\n" and fork.asked == 1, (fork.out, fork.asked)
        assert not other.crashes(), other.crashes()
    finally:
        other.stop()


def check_mistakes(home):
    refused = lambda *words: home.sympozium("fork", *words, check=False).stderr
    assert 'the journal has no run "nobody"' in refused("nobody", "--at", "1")
    assert "there is no step 9" in refused("again", "--at", "9")
    assert "is a last answer" in refused("again", "--at", "3")
    run = home.get("agentrun", "again")
    spec = {**run["spec"], "fork": {"run": "no-uid", "step": 1}}
    home.kubectl("apply", "-f", "-", text=json.dumps({**run, "metadata": {"name": "by-hand"}, "spec": spec, "status": {}}))
    ended = lambda: home.get("agentrun", "by-hand").get("status", {}).get("error")
    error = eventually("a fork of nothing has failed", ended)
    assert 'spec.fork: the journal has no run "no-uid" in namespace default' in error, error


def check_rights(home):
    """Who may make runs, but not read the record of this one, cannot have it continued."""
    home.kubectl("apply", "-f", "-", text=RIGHTS)
    run = home.get("agentrun", "again")
    fork = lambda name, **more: json.dumps({"apiVersion": run["apiVersion"], "kind": "AgentRun", "metadata": {"name": name},
                                            "spec": {**{k: v for k, v in run["spec"].items() if k != "fork"}, **more}})
    make = lambda text: home.kubectl("--as=tess", "create", "-f", "-", text=text, check=False)
    what = {"fork": {"run": run["metadata"]["uid"], "step": 1}}
    why = 'spec.fork: User "tess" cannot get resource "runrecords/export" in API group "journal.sympozium.ai" in the namespace "default"'
    refused = eventually("her fork is refused", lambda: (done := make(fork("hers", **what))).returncode != 0 and done)
    assert why in refused.stderr, refused
    assert make(fork("own")).returncode == 0
    home.kubectl("apply", "-f", "-", text=READS)
    eventually("she may read it, and her fork is made", lambda: make(fork("hers", **what)).returncode == 0)
    home.kubectl("--as=tess", "delete", "agentrun", "hers", "own", "--wait=false")


def check_of_a_foreign_agent(home, model):
    home.kubectl("patch", "agent", "first", "--type=merge", "-p", '{"spec":{"skills":null}}')
    program = PROGRAM.replace("die_$step", "true")
    source = finish(home, "foreign", "sympozium/tools", program)
    assert source["status"]["phase"] == "Succeeded", source["status"]
    fork = Fork(home, model, "foreign-on", "foreign", "--at", "2")
    assert fork.out == "the third and last\n" and fork.asked == 1, (fork.out, fork.asked)
    assert fork.status["tokenUsage"]["inputTokens"] == 30 and "divergence" not in fork.status, fork.status
    other = Fork(home, model, "foreign-other", "foreign", "--at", "3", "--task", "three steps of another kind")
    assert other.asked == 3 and "divergence" not in other.status, (other.asked, other.status)


def main():
    home = HOMES[sys.argv[1]]()
    try:
        model = Model.saying(home, SCRIPT)
        home.kubectl("apply", "-f", "-", text=model.example())
        home.wait_for_journal()
        uid = finish_run(home, "seen", "write and count")
        assert model.requests() == 3
        check_shares(home, model, uid)
        check_goes_another_way(home, model, uid)
        check_of_a_running_run(home, model)
        check_of_an_imported_run(home, model)
        check_mistakes(home)
        check_rights(home)
        check_of_a_foreign_agent(home, model)
        assert not home.crashes(), home.crashes()
        print("ok")
    finally:
        home.stop()


if __name__ == "__main__":
    main()
