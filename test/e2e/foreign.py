#!/usr/bin/env python3
"""A program that knows nothing of Sympozium is the agent:   test/e2e/foreign.py HOME

HOME: embedded or cluster. A shell script asks the model by HTTP, as any library does. It dies after each answer, by a signal and by
taking more memory than it may, is run again from its start in an empty workspace, and pays for no answer twice. Its image is one of ours, and one that is imported."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "frameworks"))
import oci
from homes import HOMES, SYMPOZIUM, Model, eventually, run

SCRIPT = """
conversations:
  - task: three steps
    steps:
      - {text: first, usage: {prompt_tokens: 10, completion_tokens: 1}}
      - {text: second, usage: {prompt_tokens: 20, completion_tokens: 1}}
      - {text: the third and last, usage: {prompt_tokens: 30, completion_tokens: 1}}
    forever: true
"""

# $AGAIN: what it asks instead when it is run again.
PROGRAM = r"""
set -e
ask() { wget -q -O - --header 'Content-Type: application/json' --post-data "$1" "$OPENAI_BASE_URL/chat/completions"; }
die_1() { kill -KILL $$; }
die_2() { eat=12345678; while :; do eat=$eat$eat; done; }
[ -z "$(ls -A /workspace)" ]
echo left > /workspace/file
said='{"role":"user","content":"'"$TASK"'"}'
for step in 1 2 3; do
  [ -z "$AGAIN" ] || [ ! -e /ipc/crashed-1 ] || said='{"role":"user","content":"'"$TASK $AGAIN"'"}'
  text=$(ask "{\"model\":\"any\",\"messages\":[$said]}" | sed 's/.*"content":"\([^"]*\)".*/\1/')
  said="$said,{\"role\":\"assistant\",\"content\":\"$text\"},{\"role\":\"user\",\"content\":\"go on\"}"
  if [ $step != 3 ] && [ ! -e /ipc/crashed-$step ]; then touch /ipc/crashed-$step; die_$step; fi
done
echo noise
printf '%s' "$text" > "$SYMPOZIUM_RESULT_FILE"
"""


def agent_run(name, image, program, env=None, resume=None):
    spec = {"agentRef": "first", "agentId": "first", "sessionKey": name, "task": "three steps", "timeout": "3m",
            "model": {"provider": "openai", "model": "sim-1", "authSecretRef": "first-provider"},
            "harness": {"image": image, "command": ["sh", "-c", program], "env": env or {}}}
    if resume:
        spec["resume"] = {"onDivergence": resume}
    return json.dumps({"apiVersion": "sympozium.ai/v1alpha1", "kind": "AgentRun", "metadata": {"name": name}, "spec": spec})


def finish(home, name, *arguments, **options):
    home.kubectl("apply", "-f", "-", text=agent_run(name, *arguments, **options))
    ended = lambda: (one := home.get("agentrun", name)).get("status", {}).get("phase") in ("Succeeded", "Failed") and one
    return eventually(f"run {name} has ended", ended, 150)


def an_image(folder):
    """One layer with busybox."""
    links = [(f"/bin/{applet}", "busybox") for applet in ("sh", "wget", "sed", "ls", "touch")]
    return oci.write_image(folder / "agent.tar", [oci.layer({"/bin/busybox": "/bin/busybox"}, links)], {"Env": ["PATH=/bin"]})


def check_crashes(home, model, image):
    before = model.requests()
    seen = finish(home, "crashing", image, PROGRAM)
    status = seen["status"]
    assert status["phase"] == "Succeeded" and status["result"] == "the third and last", status
    assert status["outcome"]["attempt"] == 1 and status["outcome"]["execution"] == 3, status
    assert model.requests() - before == 3, "an answer was paid for twice"
    assert status["tokenUsage"]["inputTokens"] == 60, status
    assert "divergence" not in status, status
    pod = home.get("pod", status["podName"])
    agent = pod["status"]["containerStatuses"][0]
    assert agent["restartCount"] == 2 and agent["lastState"]["terminated"]["reason"] == "OOMKilled", pod["status"]


def check_divergence(home):
    seen = finish(home, "diverging", "sympozium/tools", PROGRAM, env={"AGAIN": "otherwise"})
    condition = {c["type"]: c for c in seen["status"]["conditions"]}["Diverged"]
    assert seen["status"]["phase"] == "Succeeded" and condition["status"] == "True", seen["status"]
    assert "/messages/0/content" in condition["message"], condition
    seen = finish(home, "faithless", "sympozium/tools", PROGRAM, env={"AGAIN": "otherwise"}, resume="fail")
    assert seen["status"]["phase"] == "Failed", seen["status"]
    assert "asked something else than in its recorded call 1" in seen["status"]["error"], seen["status"]


def check_mistakes(home):
    seen = finish(home, "typing-error", "sympozium/tools", "exit 3")
    assert seen["status"]["phase"] == "Failed" and "ended with code 3, and so it did before" in seen["status"]["error"], seen["status"]
    missing = json.loads(agent_run("no-program", "sympozium/tools", ""))
    missing["spec"]["harness"]["command"] = ["python9"]
    home.kubectl("apply", "-f", "-", text=json.dumps(missing))
    ended = lambda: home.get("agentrun", "no-program").get("status", {}).get("error")
    assert 'the image has no program "python9"' in eventually("no-program has failed", ended)


def main():
    home = HOMES[sys.argv[1]]()
    try:
        model = Model.saying(home, SCRIPT)
        agent = "\n---\n".join(part for part in model.example().split("\n---\n") if "kind: SkillPack" not in part)
        home.kubectl("apply", "-f", "-", text=agent)
        home.kubectl("patch", "agent", "first", "--type=merge", "-p", '{"spec":{"skills":null}}')
        run(SYMPOZIUM, "image", "import", an_image(home.folder), "--name", "acme/agent:1", "--state", home.state)
        assert "acme/agent:1" in run(SYMPOZIUM, "image", "list", "--state", home.state).stdout
        check_crashes(home, model, "acme/agent:1")
        check_divergence(home)
        check_mistakes(home)
        assert not home.crashes(), home.crashes()
        print("ok")
    finally:
        home.stop()


if __name__ == "__main__":
    main()
