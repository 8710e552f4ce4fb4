"""The homes in which the same stories are told. Each starts shipped programs only and gives: a kubeconfig, the audit log of its
API server, and a way to end everything that it started."""
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PRESET = os.environ.get("PRESET", "dev")
SYMPOZIUM = pathlib.Path(os.environ.get("SYMPOZIUM", ROOT / "build" / PRESET / "bin" / "sympozium"))


def run(*arguments, check=True, text=None, env=None, timeout=120):
    """Runs a program to its end; its output is in the error when it fails and was not expected to."""
    done = subprocess.run([str(a) for a in arguments], input=text, capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **(env or {})})
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


@functools.cache
def cluster_programs():
    return pathlib.Path(run(ROOT / "test/cluster/build", timeout=3000).stdout.strip())


class Home:
    """One API server with our programs around it. `state` holds what our programs write."""
    name = ""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="e2e-"))
        self.folder.chmod(0o711)
        self.state = self.folder / "home"
        self.processes = []
        self.kubeconfig = self.audit_log = None
        self.users = {"controller": "sympozium-controller", "gateway": "sympozium-gateway", "node": "system:node:e2e"}
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def up(self, *flags):
        started = run(SYMPOZIUM, "up", "--detach", "--state", self.state, "--node-name", "e2e", *flags)
        return started.stdout

    def kubectl(self, *arguments, **options):
        return run(cluster_programs() / "kubectl", "--kubeconfig", self.kubeconfig, "--cache-dir", self.folder / "kubectl", *arguments, **options)

    def get(self, *arguments):
        return json.loads(self.kubectl("get", *arguments, "-o", "json").stdout)

    def sympozium(self, *arguments, **options):
        return run(SYMPOZIUM, *arguments, "--kubeconfig", self.kubeconfig, **options)

    def spawn(self, *arguments, log):
        with open(self.folder / log, "ab") as out:
            process = subprocess.Popen([str(a) for a in arguments], stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def audit(self):
        return [json.loads(line) for line in self.audit_log.read_text().splitlines() if line.endswith("}")]

    def wait_for_journal(self):
        """Until it is served; with an API server of our own it always is."""

    def crashes(self):
        """What the shim says of services that ended by themselves; kill -9 is a test's doing."""
        log = (self.state / "log/sympozium.log").read_text()
        return [line for line in log.splitlines() if line.startswith("shim:") and " ended (" in line and "(signal 9)" not in line]

    def stop(self):
        if (self.state / "lock").exists():
            run(SYMPOZIUM, "down", "--state", self.state, check=False)
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
        self.end()
        if os.environ.get("KEEP"):
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        raise NotImplementedError

    def end(self):
        pass


class Embedded(Home):
    """`sympozium up`, nothing else."""
    name = "embedded"
    loops = ()

    def start(self):
        self.up(*self.loops)
        self.kubeconfig = self.state / "admin.kubeconfig"
        self.audit_log = self.state / "control/audit.log"


class EmbeddedWithStockJobs(Embedded):
    """Our API server, binder and garbage loop; the job controller is Kubernetes' own."""
    name = "embedded-stock-jobs"
    loops = ("--loops", "binder,garbage")

    def start(self):
        super().start()
        self.spawn(cluster_programs() / "kube-controller-manager", "--kubeconfig", self.kubeconfig, "--controllers=job-controller",
                   "--kube-api-content-type=application/json", "--leader-elect=false", "--secure-port=0", log="kcm.log")


class Cluster(Home):
    """A stock control plane; our node is its kubelet."""
    name = "cluster"
    plane = ()
    manifests = ()
    loops = ()

    def start(self):
        self.plane_state = self.folder / "plane"
        self.start_plane()
        self.kubeconfig = self.plane_state / "admin.kubeconfig"
        self.audit_log = self.plane_state / "audit.log"
        self.kubectl("apply", "-f", "-", text=run(SYMPOZIUM, "manifests", *self.manifests).stdout)
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd/agents.sympozium.ai", "crd/agentruns.sympozium.ai",
                     "crd/skillpacks.sympozium.ai")
        # Whoever installs is an administrator by RBAC, as people are; system:masters stays kubectl's.
        installer = run(ROOT / "test/cluster/user", "--state", self.plane_state, "installer").stdout.strip()
        self.kubectl("create", "clusterrolebinding", "installer", "--clusterrole=cluster-admin", "--user=installer")
        self.up("--kubeconfig", installer, *self.loops)

    def wait_for_journal(self):
        self.kubectl("wait", "--for=condition=Available", "--timeout=60s", "apiservice/v1alpha1.journal.sympozium.ai")

    def start_plane(self):
        """Also again, when a part of it has died."""
        run(ROOT / "test/cluster/up", "--state", self.plane_state, *self.plane, timeout=3000)

    def end(self):
        run(ROOT / "test/cluster/down", "--state", self.plane_state, "--wipe", check=False)


class ClusterWithOwnLoops(Cluster):
    """A stock API server; Jobs, placing and garbage are ours."""
    name = "cluster-own-loops"
    plane = ("--no-scheduler", "--controllers", "*,-job-controller,-garbage-collector-controller")
    manifests = ("--with-loops",)
    loops = ("--loops", "jobs,binder,garbage")


HOMES = {home.name: home for home in (Embedded, EmbeddedWithStockJobs, Cluster, ClusterWithOwnLoops)}


class Model:
    """`sympozium model-sim` with a script; its port is the system's choice."""

    def __init__(self, home, script):
        log = home.folder / f"model-{len(home.processes)}.log"  # a line for each request: a pipe that nobody reads would be full one day
        self.process = home.spawn(SYMPOZIUM, "model-sim", "--script", script, log=log)
        self.address = eventually("model-sim tells its base URL", lambda: re.search("base URL http://([^/]+)/", log.read_text()))[1]

    @classmethod
    def saying(cls, home, text):
        """By a script that is given as its text."""
        script = home.folder / "model.yaml"
        script.write_text(text)
        return cls(home, script)

    def stats(self):
        return json.loads(urllib.request.urlopen(f"http://{self.address}/stats", timeout=10).read())

    def requests(self):
        return self.stats()["requests"]

    def example(self):
        """The manifests of examples/first-run, whose agent asks this model."""
        return (ROOT / "examples/first-run/agent.yaml").read_text().replace("127.0.0.1:9411", self.address)


def eventually(what, look, seconds=60):
    """Looks again until it is true: for what no watch of ours shows. Answers what it saw last. `what`: text, or a list that is read at the end."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)
