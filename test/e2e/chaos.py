#!/usr/bin/env python3
"""Anything may die while runs go on:   test/e2e/chaos.py embedded|cluster [RUNS] [SEED]

kill -9 of agents, bridges, tool sidecars, node, control and gateway, of the API server, and loss of whole pods, one at a time, while
RUNS (default 300) runs go on, twenty at once. Then each run has ended well, once; what it says is what its tools did; no answer was
paid for twice but those that were in flight when the gateway died; no command ran twice; every record verifies; nothing is left over.
SEED (default: the clock) is printed and repeats the choice of victims."""
import json
import pathlib
import re
import sys
import time

from homes import HOMES, Model, eventually
from victims import CONTAINERS, Killer, journal, processes

AT_ONCE = 20

# The second command shows what the first did, and how often it ran.
SCRIPT = """
conversations:
  - task: go through it
    steps:
      - text: I write.
        tool_calls: [{name: write_file, arguments: {path: /workspace/a.txt, content: "one two three\\n"}}]
        usage: {prompt_tokens: 100, completion_tokens: 10}
        delay: 300ms
      - text: I count.
        tool_calls: [{name: execute_command, arguments: {command: "echo ran:$SYMPOZIUM_CALL_ID >> /workspace/log; sleep 0.3; wc -w < /workspace/a.txt"}}]
        usage: {prompt_tokens: 120, completion_tokens: 10}
        delay: 300ms
      - text: I look.
        tool_calls: [{name: execute_command, arguments: {command: "cat /workspace/log; echo words:$(wc -w < /workspace/a.txt)"}}]
        usage: {prompt_tokens: 140, completion_tokens: 10}
        delay: 300ms
      - text: "Seen: ${last}"
        usage: {prompt_tokens: 160, completion_tokens: 10}
        delay: 300ms
"""
TURNS, INPUT_TOKENS = 4, 520


def manifest(name, address):
    return {"apiVersion": "sympozium.ai/v1alpha1", "kind": "AgentRun", "metadata": {"name": name},
            "spec": {"agentRef": "first", "agentId": "default", "sessionKey": name, "task": "go through it", "timeout": "10m",
                     "model": {"provider": "openai", "model": "sim-1", "baseURL": f"http://{address}/v1", "authSecretRef": "first-provider"},
                     "skills": [{"skillPackRef": "tools"}]}}


def patiently(home, *arguments, **options):
    """kubectl while the API server comes and goes."""
    said = [" ".join(map(str, arguments)), ""]

    def attempt():
        done = home.kubectl(*arguments, check=False, **options)
        said[1] = done.stderr
        return done if done.returncode == 0 else None
    return eventually(said, attempt)


def all_ended(home, names, killer):
    assert not killer.error, killer.error
    seen = home.kubectl("get", "agentruns", "-o", "json", check=False)
    if seen.returncode != 0:
        return False
    phase = {r["metadata"]["name"]: r.get("status", {}).get("phase") for r in json.loads(seen.stdout)["items"]}
    return all(phase.get(n) in ("Succeeded", "Failed") for n in names)


def check(home, names, killer, model):
    log = (home.state / "log/sympozium.log").read_text()
    ended = [line for line in home.crashes() if "control ended (exit code 1)" not in line]
    assert not ended and len(home.crashes()) <= log.count('"leadership lost"'), home.crashes()
    runs = {r["metadata"]["name"]: r for r in json.loads(patiently(home, "get", "agentruns", "-o", "json").stdout)["items"]}
    with journal(home) as db:
        outcomes = dict(db.execute("SELECT run_uid, count(*) FROM events WHERE kind = 'run.outcome' GROUP BY 1"))
        unknown = set(db.execute("""SELECT DISTINCT run_uid, subject FROM events WHERE kind = 'tool.intent'
            EXCEPT SELECT run_uid, subject FROM events WHERE kind = 'tool.outcome'"""))
        intents, distinct = db.execute("SELECT count(*), count(DISTINCT run_uid || subject) FROM events WHERE kind = 'model.intent'").fetchone()
        counted = {uid: (tokens, calls) for uid, tokens, calls in db.execute("""SELECT run_uid,
            sum(json_extract(body, '$.usage.inputTokens')), count(*) FROM events WHERE kind = 'model.outcome' GROUP BY 1""")}
    assert outcomes == {runs[n]["metadata"]["uid"]: 1 for n in names}, outcomes
    for name in names:
        uid, status = runs[name]["metadata"]["uid"], runs[name]["status"]
        assert status["phase"] == "Succeeded", (name, status)
        result = status["result"]
        assert result.count(f"ran:{uid}/2.0") <= 1, (name, "a command ran twice", status)
        if (uid, "3.0") in unknown:
            assert "outcome unknown" in result or "pod was lost" in result, (name, status)
        elif "outcome unknown" not in result and "pod was lost" not in result:
            assert "words:3" in result, (name, status)
            assert (f"ran:{uid}/2.0" in result or (uid, "2.0") in unknown or status["attempt"] > 1
                    or "outcome unknown" in home.sympozium("logs", name, "--steps").stdout), (name, status)
        assert counted[uid] == (INPUT_TOKENS, TURNS), (name, counted[uid])
        assert status["tokenUsage"]["inputTokens"] == INPUT_TOKENS, (name, status)
    requests = model.requests()
    attempts = sum(runs[n]["status"]["attempt"] - 1 for n in names)
    print(f"model requests {requests} for {distinct} calls, {intents - distinct} made again; in flight at the gateway's deaths"
          f" {killer.lost_calls}; pods lost {attempts}; commands of unknown outcome {len(unknown)}")
    assert distinct == TURNS * len(names), distinct
    assert intents - distinct <= killer.lost_calls, "a call was made again that was not in flight when a gateway died"
    assert distinct <= requests <= intents, "the bill is not what the journal says"
    jobs = json.loads(patiently(home, "get", "jobs", "-o", "json").stdout)["items"]
    assert len(jobs) == len(names), len(jobs)


def what_is_not_well(home, what):
    lines = home.kubectl("get", what, "-o", "wide", check=False).stdout.splitlines()
    return "\n".join(line for line in lines if not re.search("Succeeded|Complete", line))


def check_records(home, names):
    for name in names:
        file = pathlib.Path(home.folder / f"{name}.jsonl")
        file.write_text(home.sympozium("export", name).stdout)
        home.sympozium("audit", "verify", file)


def check_nothing_is_left(home):
    patiently(home, "delete", "agentruns", "--all", "--wait=false")
    eventually("runs, jobs and pods are gone", lambda: patiently(home, "get", "agentruns,jobs,pods", "-o", "name").stdout == "")
    eventually("containers are gone", lambda: not {*CONTAINERS.values(), "tools"} & processes(home).keys())


def main():
    kind = sys.argv[1]
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    print(f"seed {seed}", flush=True)
    home = HOMES[kind]()
    try:
        model = Model.saying(home, SCRIPT)
        home.kubectl("apply", "-f", "-", text=model.example())
        victims = ["agent", "bridge", "tools", "pod", "node", "control", "gateway"] + ["api-server"] * (kind == "cluster")
        killer = Killer(home, victims, seed)
        killer.start()
        began = time.monotonic()
        names = [f"c{i}" for i in range(runs)]
        for at in range(0, runs, AT_ONCE):
            batch = names[at:at + AT_ONCE]
            patiently(home, "apply", "-f", "-", text="\n---\n".join(json.dumps(manifest(n, model.address)) for n in batch))
            eventually(f"runs {batch[0]} … {batch[-1]} have ended", lambda: all_ended(home, batch, killer), seconds=300)
        killer.stop()
        took = time.monotonic() - began
        check(home, names, killer, model)
        check_records(home, names)
        check_nothing_is_left(home)
        print(f"{runs} runs ended well in {took:.0f} s under {sum(killer.kills.values())} kills {killer.kills}")
    except BaseException:
        for what in ("agentruns", "jobs", "pods"):
            print(what_is_not_well(home, what))
        raise
    finally:
        home.stop()


if __name__ == "__main__":
    main()
