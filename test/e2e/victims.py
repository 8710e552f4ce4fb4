"""Processes of a home that may be killed at any time, and a thread that does so."""
import collections
import os
import pathlib
import random
import re
import signal
import sqlite3
import threading
import time

SERVICES = ("node", "control", "gateway")
CONTAINERS = {"agent": "agent", "ipc-bridge": "bridge"}  # any other is a tool sidecar


def shim_pid(home):
    return int((home.state / "lock").read_text())


def read_process(pid):
    """Its parent, words and control group; nothing when it is gone."""
    try:
        folder = pathlib.Path("/proc") / str(pid)
        parent = int((folder / "stat").read_text().rsplit(") ", 1)[1].split()[1])
        return parent, (folder / "cmdline").read_text().split("\0")[:-1], (folder / "cgroup").read_text()
    except (OSError, IndexError):
        return None


def children(parent):
    for entry in os.listdir("/proc"):
        seen = read_process(entry) if entry.isdigit() else None
        if seen and seen[0] == parent:
            yield int(entry), seen[1], seen[2]


def processes(home):
    """Pids, and the pod's uid or "" for each, by what they are: node, control, gateway; agent, bridge, tools."""
    found = {}
    for pid, words, cgroup in children(shim_pid(home)):
        container = re.search(r"/pod([0-9a-f-]+)/([^/\n]+)\.\d+", cgroup)
        if container:
            found.setdefault(CONTAINERS.get(container[2], "tools"), {})[pid] = container[1]
        elif len(words) > 1 and words[1] in SERVICES:
            found.setdefault(words[1], {})[pid] = ""
    return found


def service_pids(home):
    found = processes(home)
    return {name: next(iter(found[name])) for name in SERVICES if name in found}


def journal(home):
    return sqlite3.connect(f"file:{home.state}/gateway/journal.db?mode=ro", uri=True, timeout=10)


def calls_in_flight(home):
    """Model calls whose intent is committed and whose outcome is not."""
    with journal(home) as db:
        return db.execute("""SELECT count(*) FROM (SELECT run_uid, subject, max(seq) AS last FROM events WHERE kind = 'model.intent' GROUP BY 1, 2) i
            WHERE NOT EXISTS (SELECT 1 FROM events o WHERE o.run_uid = i.run_uid AND o.subject = i.subject AND o.kind = 'model.outcome'
                              AND o.seq > i.last)""").fetchone()[0]


class Killer(threading.Thread):
    """kill -9 of what `victims` names, and deletion of whole pods, until stop(); by `seed`. Containers of a pod are killed twice at
    most, and a Job loses one pod: a Job's own patience (backoffLimit) ends at six."""

    def __init__(self, home, victims, seed, pause=(0.3, 1.2), tell=None):
        super().__init__(daemon=True)
        self.home, self.victims, self.pause, self.tell = home, victims, pause, tell or (lambda victim: None)
        self.chance = random.Random(seed)
        self.enough = threading.Event()
        self.kills = {name: 0 for name in victims}
        self.lost_calls = 0  # model calls that were in flight when a gateway died
        self.hurt = collections.Counter()  # by pod uid, and by Job
        self.spare_api_server_until = 0
        self.error = None

    def run(self):
        try:
            while not self.enough.wait(self.chance.uniform(*self.pause)):
                victim = self.chance.choice(self.victims)
                if getattr(self, "kill_" + victim.replace("-", "_"), lambda: self.kill(victim))():
                    self.kills[victim] += 1
                    self.tell(victim)
        except Exception as error:
            self.error = error

    def kill(self, victim):
        found = {pid: pod for pid, pod in sorted(processes(self.home).get(victim, {}).items()) if self.hurt[pod] < 2}
        if not found:
            return False  # on its way back from the last time
        pid = self.chance.choice(list(found))
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        if found[pid]:
            self.hurt[found[pid]] += 1
        return True

    def kill_gateway(self):
        if not self.kill("gateway"):
            return False
        self.lost_calls += calls_in_flight(self.home)
        return True

    def kill_pod(self):
        seen = self.home.kubectl("get", "pods", "--field-selector=status.phase=Running", "--no-headers", "-L", "batch.kubernetes.io/job-name",
                                 check=False).stdout
        pods = {line.split()[0]: line.split()[-1] for line in seen.splitlines() if self.hurt[line.split()[-1]] == 0}
        if not pods:
            return False
        pod = self.chance.choice(sorted(pods))
        self.hurt[pods[pod]] += 1
        return self.home.kubectl("delete", "pod", pod, "--grace-period=0", "--force", "--wait=false", check=False).returncode == 0

    def kill_api_server(self):
        """A stock one, which nobody but us starts again, and which takes long for that: it is left a minute between its deaths."""
        if time.monotonic() < self.spare_api_server_until:
            return False
        pid = int((self.home.plane_state / "run/kube-apiserver.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        while read_process(pid):  # else its port is still taken, and it would get another one
            time.sleep(0.01)
        self.home.start_plane()
        self.spare_api_server_until = time.monotonic() + 60
        return True

    def stop(self):
        self.enough.set()
        self.join()
        if self.error:
            raise self.error
