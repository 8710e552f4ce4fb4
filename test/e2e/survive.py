#!/usr/bin/env python3
"""Processes die at random while runs go on:   test/e2e/survive.py [RUNS] [SEED]

Embedded home. kill -9 of node, control and gateway, one at a time, while RUNS (default 100) runs go on, ten at once. Every run ends
Succeeded in its first pod, has one outcome, and the model was asked no more often than the journal knows plus what was in flight
when the gateway died. SEED (default: the clock) is printed and repeats the choice of victims."""
import json
import os
import random
import sqlite3
import sys
import threading
import time
import urllib.request

from homes import ROOT, Embedded, Model, eventually

SERVICES = ("node", "control", "gateway")
AT_ONCE = 10

SCRIPT = """
conversations:
  - task: survive
    steps:
      - text: I write.
        tool_calls: [{name: write_file, arguments: {path: /workspace/a.txt, content: "one two three\\n"}}]
        usage: {prompt_tokens: 100, completion_tokens: 10}
        delay: 400ms
      - text: I count.
        tool_calls: [{name: execute_command, arguments: {command: "sleep 0.5; wc -w < /workspace/a.txt"}}]
        usage: {prompt_tokens: 120, completion_tokens: 10}
        delay: 400ms
      - text: "Counted: ${last}"
        usage: {prompt_tokens: 140, completion_tokens: 10}
        delay: 400ms
"""


def service_pids(home):
    """Pids of the services by name: the children of the process that holds the state folder."""
    shim = int((home.state / "lock").read_text())
    pids = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            parent = int(open(f"/proc/{entry}/stat").read().rsplit(") ", 1)[1].split()[1])
            words = open(f"/proc/{entry}/cmdline").read().split("\0")
        except (OSError, IndexError):
            continue
        if parent == shim and len(words) > 1 and words[1] in SERVICES:
            pids[words[1]] = int(entry)
    return pids


def journal(home):
    return sqlite3.connect(f"file:{home.state}/gateway/journal.db?mode=ro", uri=True, timeout=10)


def in_flight(home):
    """Model calls whose intent is committed and whose outcome is not."""
    with journal(home) as db:
        return db.execute("SELECT count(*) FROM (SELECT DISTINCT run_uid, subject FROM events WHERE kind = 'model.intent'"
                          " EXCEPT SELECT run_uid, subject FROM events WHERE kind = 'model.outcome')").fetchone()[0]


class Killer(threading.Thread):
    def __init__(self, home, seed):
        super().__init__(daemon=True)
        self.home, self.chance = home, random.Random(seed)
        self.enough = threading.Event()
        self.kills = {name: 0 for name in SERVICES}
        self.lost_calls = 0

    def run(self):
        while not self.enough.wait(self.chance.uniform(1, 4)):
            victim = self.chance.choice(SERVICES)
            pid = service_pids(self.home).get(victim)
            if not pid:
                continue  # on its way back from the last time
            os.kill(pid, 9)
            self.kills[victim] += 1
            if victim == "gateway":
                self.lost_calls += in_flight(self.home)


def manifest(name, address):
    return {"apiVersion": "sympozium.ai/v1alpha1", "kind": "AgentRun", "metadata": {"name": name},
            "spec": {"agentRef": "first", "agentId": "default", "sessionKey": name, "task": "survive", "timeout": "10m",
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


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    print(f"seed {seed}", flush=True)
    home = Embedded()
    try:
        script = home.folder / "survive.yaml"
        script.write_text(SCRIPT)
        model = Model(home, script)
        home.kubectl("apply", "-f", "-", text=(ROOT / "examples/first-run/agent.yaml").read_text().replace("127.0.0.1:9411", model.address))
        killer = Killer(home, seed)
        killer.start()
        began = time.monotonic()
        names = [f"s{i}" for i in range(runs)]
        for at in range(0, runs, AT_ONCE):
            batch = names[at:at + AT_ONCE]
            patiently(home, "apply", "-f", "-", text="\n---\n".join(json.dumps(manifest(n, model.address)) for n in batch))
            eventually(f"runs {batch[0]} … {batch[-1]} have ended", lambda: all_ended(home, batch), seconds=300)
        killer.enough.set()
        killer.join()
        took = time.monotonic() - began
        check(home, names, killer, model)
        print(f"{runs} runs succeeded in {took:.0f} s under {sum(killer.kills.values())} kills {killer.kills}")
    finally:
        home.stop()


def all_ended(home, names):
    seen = home.kubectl("get", "agentruns", "-o", "json", check=False)
    if seen.returncode != 0:
        return False
    phase = {r["metadata"]["name"]: r.get("status", {}).get("phase") for r in json.loads(seen.stdout)["items"]}
    return all(phase.get(n) in ("Succeeded", "Failed") for n in names)


def check(home, names, killer, model):
    assert not home.crashes(), home.crashes()
    found = json.loads(patiently(home, "get", "agentruns", "-o", "json").stdout)["items"]
    by_name = {r["metadata"]["name"]: r for r in found}
    for name in names:
        status = by_name[name]["status"]
        assert status["phase"] == "Succeeded", (name, status)
        assert status["result"].strip() == "Counted: 3", (name, status)
        assert status["attempt"] == 1, (name, status)
    restarts = [(p["metadata"]["name"], c["name"]) for p in json.loads(patiently(home, "get", "pods", "-o", "json").stdout)["items"]
                for c in p["status"].get("containerStatuses", []) + p["status"].get("initContainerStatuses", []) if c["restartCount"]]
    assert not restarts, restarts  # running pods go on
    with journal(home) as db:
        outcomes = dict(db.execute("SELECT run_uid, count(*) FROM events WHERE kind = 'run.outcome' GROUP BY run_uid"))
        calls = db.execute("SELECT count(*) FROM (SELECT DISTINCT run_uid, subject FROM events WHERE kind = 'model.intent')").fetchone()[0]
    assert len(outcomes) == len(names) and set(outcomes.values()) == {1}, outcomes
    stats = json.loads(urllib.request.urlopen(f"http://{model.address}/stats", timeout=10).read())
    more = stats["requests"] - calls
    print(f"model requests {stats['requests']}, calls in the journal {calls}, in flight at the gateway's deaths {killer.lost_calls}")
    assert 0 <= more <= killer.lost_calls, (stats, calls, killer.lost_calls)
    jobs = json.loads(patiently(home, "get", "jobs", "-o", "json").stdout)["items"]
    assert len(jobs) == len(names), len(jobs)


if __name__ == "__main__":
    main()
