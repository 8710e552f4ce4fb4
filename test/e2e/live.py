#!/usr/bin/env python3
"""An answer is seen while it comes:   test/e2e/live.py embedded|cluster

Through the Kubernetes API, of our runner and of a foreign agent; by whom it is not to be seen; on a terminal, and not on one."""
import json
import os
import pty
import subprocess
import sys

from foreign import agent_run
from homes import HOMES, SYMPOZIUM, Model, cluster_programs, eventually
from see_again import GROUP, RIGHTS

SCRIPT = """
conversations:
  - task: speak slowly
    steps:
      - text: "First I write\\e[2J some words."
        delay: 1s
        tool_calls: [{name: write_file, arguments: {path: /workspace/a.txt, content: "one"}}]
      - {text: Then I am done with it., delay: 1s}
    forever: true
"""
PROGRAM = """wget -q -O - --header 'Content-Type: application/json' --post-data '{"stream":true,"messages":[{"role":"user","content":"speak slowly"}]}' \
"$OPENAI_BASE_URL/chat/completions" > "$SYMPOZIUM_RESULT_FILE" """


def check_pieces(home, name):
    """By the order of what one watch tells: text, then the end that names the committed outcome."""
    log = home.folder / f"{name}.log"
    lines = lambda: [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    of_run = lambda: [e for e in lines() if e["run"] == name]
    ended = lambda: [e for e in of_run() if e["data"].get("ended")]
    watch = home.spawn(cluster_programs() / "kubectl", "--kubeconfig", home.kubeconfig, "get", "--raw", f"{GROUP}/default/rundeltas?watch=true", log=f"{name}.log")

    def begin():
        if name == "foreign":
            home.kubectl("apply", "-f", "-", text=agent_run(name, "sympozium/tools", PROGRAM))
        else:
            home.sympozium("run", "first", "--task", "speak slowly", "--name", name, "--detach")
    begin()
    eventually("answers have come to their end", lambda: len(ended()) == (1 if name == "foreign" else 2))
    seen = of_run()
    uid = seen[0]["id"].split("/")[0]
    events = {e["id"]: e for e in map(json.loads, home.kubectl("get", "--raw", f"{GROUP}/default/runrecords/{uid}/events").stdout.splitlines())}
    for end in ended():
        pieces = [e for e in seen[:seen.index(end)] if e["data"]["intent"] == end["data"]["intent"]]
        assert pieces and not [e for e in seen[seen.index(end) + 1:] if e["data"]["intent"] == end["data"]["intent"]], seen
        text = ""
        for piece in pieces:
            assert piece["data"]["offset"] == len(text.encode()), seen
            text += piece["data"]["text"]
        assert text in ("First I write\x1b[2J some words.", "Then I am done with it."), text
        outcome = events[end["data"]["outcome"]]
        assert outcome["type"] == "ai.sympozium.model.outcome" and outcome["subject"] == end["subject"], outcome
        assert events[f'{uid}/{end["data"]["intent"]}']["type"] == "ai.sympozium.model.intent"
    watch.terminate()
    watch.wait(timeout=10)


def check_rights(home):
    """Who may read sums and events, and nothing of what was said, sees no answer."""
    home.kubectl("create", "namespace", "tenant")
    home.kubectl("apply", "-f", "-", text=RIGHTS)
    for path in ("tenant/rundeltas", "default/rundeltas"):
        refused = home.kubectl("--as=tess", "get", "--raw", f"{GROUP}/{path}", check=False)
        assert refused.returncode != 0 and 'cannot list resource "rundeltas"' in refused.stderr, refused


def check_terminal(home):
    ours, theirs = pty.openpty()
    words = [SYMPOZIUM, "run", "first", "--task", "speak slowly", "--name", "shown", "--kubeconfig", home.kubeconfig]
    process = subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
    home.processes.append(process)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait(timeout=60) == 0
    text = shown.decode().replace("\r\n", "\n")
    assert "… turn 1\n  First I write\ufffd[2J some words.\n" in text, text
    assert text.index("… turn 2\n  Then I am done") < text.index("• turn 2: "), text
    assert text.count("First I write") == 1, "the step tells it again\n" + text
    assert "\x1b" not in text, text

    log = home.sympozium("run", "first", "--task", "speak slowly", "--name", "logged")
    assert "… turn" not in log.stderr and log.stderr.count("First I write") == 1, log.stderr
    assert log.stdout == "Then I am done with it.\n", log.stdout


def main():
    home = HOMES[sys.argv[1]]()
    try:
        model = Model.saying(home, SCRIPT)
        home.kubectl("apply", "-f", "-", text=model.example())
        home.wait_for_journal()
        check_pieces(home, "ours")
        check_rights(home)
        check_terminal(home)
        home.kubectl("patch", "agent", "first", "--type=merge", "-p", '{"spec":{"skills":null}}')
        check_pieces(home, "foreign")
        assert not home.crashes(), home.crashes()
        print("ok")
    finally:
        home.stop()


if __name__ == "__main__":
    main()
