#!/usr/bin/env python3
"""Measures the shipped programs beside their peers, prints a table, writes build/bench.json:   bench/bench.py [part…]

Parts: up programs journal gateway home cluster; all of them without arguments. README.md says what each row means. Needs root, and a machine
that has nothing else to do: the load is printed with the figures. Started by tools/bench, which builds what is measured."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test/e2e"))
os.environ.setdefault("PRESET", "release")
from figures import Figures  # noqa: E402
from homes import SYMPOZIUM, Embedded, Home, eventually, run  # noqa: E402
from postgres import SERVER, Postgres, spawn_gateway  # noqa: E402
from victims import service_pids, shim_pid  # noqa: E402

BIN = SYMPOZIUM.parent
NS = "default"
SCRIPT = """
conversations:
  - task: "bench: hold"
    steps: [{text: later, delay: 2h}]
  - task: "bench: question"
    forever: true
    steps: [{text: An answer of a few words.}]
  - task: "bench: say"
    forever: true
    steps: [{text: Done.}]
"""


class Bench(Figures):
    """The figures, and how a measuring program is started."""

    def measure(self, what, names, peers=(), **flags):
        """Runs `sympozium-bench what`; `names`: its names for samples → ours. `peers`: ours → the row it is held against."""
        words = [word for name, value in flags.items() for word in (f"--{name.replace('_', '-')}", value)]
        began = time.monotonic()
        out = run(BIN / "sympozium-bench", what, *words, timeout=900).stdout
        print(f"  {what} ({len(names)} rows): {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        for line in out.splitlines():
            found = json.loads(line)
            if name := names.get(found["name"]):
                self.add(name, found["unit"], found["samples"], dict(peers).get(name))


def manifest(kind, name, api="sympozium.ai/v1alpha1", **more):
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": NS, **more.pop("metadata", {})}, **more}


def agent(name, model, **more):
    """And the Secret with its key."""
    spec = {"agents": {"default": {"model": "sim-1", "baseURL": f"http://{model}/v1"}},
            "authRefs": [{"provider": "openai", "secret": name}], **more}
    return [manifest("Secret", name, "v1", stringData={"API_KEY": "not-a-real-key"}, metadata={
                "annotations": {"sympozium.ai/use": "provider", "sympozium.ai/hosts": model}}),
            manifest("Agent", name, spec=spec)]


def cast(model):
    """SkillPack with the tool sidecar, and two agents: without and with it."""
    items = [manifest("SkillPack", "tools", spec={"skills": [{"name": "counting", "content": "Count."}],
                                                  "sidecar": {"image": "sympozium/tools", "mountWorkspace": True}}),
             *agent("plain", model), *agent("tools", model, skills=[{"skillPackRef": "tools"}])]
    return "\n---\n".join(map(json.dumps, items))


FINISHED = {"status": {
    "phase": "Succeeded", "result": "An answer. " * 60, "attempt": 1, "exitCode": 0, "podName": "finished-xk2p9", "jobName": "finished",
    "startedAt": "2026-01-02T03:04:05Z", "completedAt": "2026-01-02T03:05:05Z", "policyHash": "0" * 64,
    "tokenUsage": {"inputTokens": 1234, "outputTokens": 234, "totalTokens": 1468, "toolCalls": 2, "durationMs": 60000},
    "outcome": {"status": "success", "attempt": 1, "execution": 1, "committedAt": "2026-01-02T03:05:05Z"},
    "conditions": [{"type": kind, "status": "True", "reason": "Ended", "message": "the agent has answered",
                    "lastTransitionTime": "2026-01-02T03:05:05Z", "observedGeneration": 1}
                   for kind in ("Accepted", "Started", "Finished", "Ready")]}}


def free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


# ---- looking at processes ----

def rss_mib(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"process {pid} has ended")


def cpu_s(pid):
    """To the nanosecond, of all threads: for processes that hardly work."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def idle_percents(pids, seconds=10):
    """Of one core, of each process in the same time, when the work that was left is done."""
    def settled():
        before = [cpu_s(pid) for pid in pids]
        time.sleep(2)
        return all(cpu_s(pid) - was < 0.1 for pid, was in zip(pids, before))

    eventually("the processes have come to rest", settled, 120)
    before = [cpu_s(pid) for pid in pids]
    time.sleep(seconds)
    return [(cpu_s(pid) - was) / seconds * 100 for pid, was in zip(pids, before)]


def fdatasync_ms(folder, times=200):
    """A commit at its cheapest: 4 KiB more in a file, on the disk that holds the home."""
    took = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(times):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return took


class Model:
    """`sympozium model-sim`; what it tells of each request goes to a file, lest a full pipe stops it."""

    def __init__(self, home):
        script, log = home.folder / "bench-model.yaml", home.folder / "model.log"
        script.write_text(SCRIPT)
        home.spawn(SYMPOZIUM, "model-sim", "--script", script, log="model.log")
        line = eventually("model-sim serves", lambda: next((at for at in log.read_text().splitlines() if "base URL http://" in at), None))
        self.address = line.split("http://")[1].split("/")[0]


# ---- parts ----

def up(bench):
    """`sympozium up` to its first answered request, from nothing and again; beside it kube-apiserver with etcd."""
    def ready_ms(*command):
        began = time.monotonic()
        with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            line = process.stdout.readline()  # printed when /readyz was answered
            took = (time.monotonic() - began) * 1000
            _, errors = process.communicate(timeout=60)
        assert line and process.returncode == 0, errors.decode()
        return took

    def both(start, stop, first_times, times, wipe):
        first, again = [], []
        for _ in range(first_times):
            wipe()
            first.append(ready_ms(*start))
            run(*stop, check=False)
        for _ in range(times):
            again.append(ready_ms(*start))
            run(*stop)
        return first, again

    work = pathlib.Path(run("mktemp", "-d").stdout.strip())
    work.chmod(0o711)
    state, plane = work / "home", work / "plane"
    try:
        first, again = both([SYMPOZIUM, "up", "--detach", "--state", state], [SYMPOZIUM, "down", "--state", state], 5, 20,
                            lambda: run("rm", "-rf", state))
        down = ROOT / "test/cluster/down"
        of_first, of_again = both([ROOT / "test/cluster/up", "--state", plane, "--no-kcm", "--no-scheduler", "--fsync"],
                                  [down, "--state", plane], 1, 2, lambda: run(down, "--state", plane, "--wipe"))
    finally:
        run(SYMPOZIUM, "down", "--state", state, check=False)
        run(ROOT / "test/cluster/down", "--state", plane, "--wipe", check=False)
        run("rm", "-rf", work)
    bench.add("up_ready_ms", "ms", again, "kube_apiserver_ready_ms")
    bench.add("up_first_ms", "ms", first, "kube_apiserver_first_ms")
    bench.add("kube_apiserver_ready_ms", "ms", of_again)
    bench.add("kube_apiserver_first_ms", "ms", of_first)


def programs(bench):
    """The pod's programs by themselves."""
    bench.measure("runner", {name: name for name in (
        "runner_start_ms", "runner_cpu_ms_per_turn", "runner_rss_mib", "exec_floor_ms", "python_agent_cpu_ms_per_turn",
        "python_agent_rss_mib")},
        {"runner_start_ms": "exec_floor_ms", "runner_cpu_ms_per_turn": "python_agent_cpu_ms_per_turn",
         "runner_rss_mib": "python_agent_rss_mib"},
        runner=BIN / "sympozium-runner", nothing=BIN / "bench-nothing", script=ROOT / "bench/agent.py", starts=200, conversations=20)
    bench.measure("execute", {name: name for name in ("execute_command_ms", "busybox_true_ms")},
                  {"execute_command_ms": "busybox_true_ms"},
                  bridge=BIN / "sympozium-bridge", runner=BIN / "sympozium-runner", count=300)


def journal(bench):
    """Both journals: the size of a long conversation, durable steps per second."""
    sizes = ("naive_log_mib", "naive_log_zstd_mib", "journal_sqlite_mib", "journal_postgres_mib")
    rates = {f"journal_postgres_{n}_steps_per_s": f"journal_sqlite_{n}_steps_per_s" for n in (1, 8, 64)}
    bench.measure("journal", {name: name for name in (*sizes, *rates.values(), *rates)},
                  {"journal_sqlite_mib": "naive_log_mib", "journal_postgres_mib": "naive_log_mib", **rates}, rounds=10)


class BenchedHome(Embedded):
    """`sympozium up` with a model, two agents, and a pod of each that is at rest."""

    def start(self):
        self.metrics_port = free_port()
        self.node = f"bench-{os.getpid()}"
        run(SYMPOZIUM, "up", "--detach", "--state", self.state, "--node-name", self.node, "--metrics-port", self.metrics_port)
        self.kubeconfig = self.state / "admin.kubeconfig"
        self.model = Model(self)
        self.kubectl("apply", "-f", "-", text=cast(self.model.address))

    def hold(self, agent):
        """A run whose model takes its time."""
        model = {"provider": "openai", "model": "sim-1", "baseURL": f"http://{self.model.address}/v1", "authSecretRef": agent}
        spec = {"agentRef": agent, "task": "bench: hold", "agentId": agent, "sessionKey": "hold", "model": model}
        name = f"hold-{agent}"
        self.kubectl("apply", "-f", "-", text=json.dumps(manifest("AgentRun", name, spec=spec)))
        self.kubectl("wait", f"agentrun/{name}", "--for=jsonpath={.status.phase}=Running", "--timeout=60s")
        return self.get("agentrun", name)["status"]

    def bundles(self, pod_uid, containers):
        """What the node made for the runtime, but for the bridge's address: the agent finds none and waits."""
        out = []
        for container in containers:
            config = json.loads((self.state / "node/pods" / pod_uid / "containers" / container / "0/config.json").read_text())
            config["process"]["env"] = [word.replace(":9410", ":1") for word in config["process"]["env"]]
            folder = self.folder / "bundles" / pod_uid / container
            folder.mkdir(parents=True)
            (folder / "config.json").write_text(json.dumps(config))
            out.append(str(folder))
        return ",".join(out)

    def commits(self):
        text = run("curl", "-sf", f"http://127.0.0.1:{self.metrics_port}/metrics").stdout
        return float(next(line.split()[1] for line in text.splitlines() if line.startswith("sympozium_store_commits ")))


def home(bench):
    """The embedded home: the way to the agent, the gateway, many runs, many objects."""
    embedded = BenchedHome()
    try:
        common = {"kubeconfig": embedded.kubeconfig, "shim": shim_pid(embedded), "node": embedded.node,
                  "scratch": embedded.folder / "runtime"}
        held = {agent: embedded.hold(agent) for agent in ("plain", "tools")}
        plain = embedded.bundles(held["plain"]["podUID"], ["ipc-bridge", "agent"])
        tools = embedded.bundles(held["tools"]["podUID"], ["ipc-bridge", "skill-tools", "agent"])
        bench.measure("start", {"post_to_exec_ms": "run_post_to_exec_ms", "post_to_launch_ms": "run_post_to_launch_ms",
                                "launches": "path_launches", "crun_ms": "crun_two_ms"},
                      {"run_post_to_exec_ms": "crun_two_ms"},
                      agent="plain", task="bench: say", prefix="plain", count=60, bundles=plain, **common)
        bench.measure("start", {"post_to_exec_ms": "run_post_to_exec_tools_ms", "crun_ms": "crun_three_ms"},
                      {"run_post_to_exec_tools_ms": "crun_three_ms"},
                      agent="tools", task="bench: say", prefix="tools", count=30, bundles=tools, **common)
        many(bench, embedded, common, plain)
    finally:
        embedded.stop()


def many(bench, embedded, common, bundles):
    runs, at_once = 500, 20
    commits = embedded.commits()
    bench.measure("runs", {"runs_per_s": "runs_per_s", "run_ms": "run_end_to_end_ms"}, {"runs_per_s": "crun_pods_per_s"},
                  kubeconfig=common["kubeconfig"], agent="plain", task="bench: say", prefix="many", count=runs, at_once=at_once)
    bench.add("store_commits_per_run", "commits", [(embedded.commits() - commits) / runs])
    pids = {**service_pids(embedded), "shim": shim_pid(embedded)}
    for name, pid in sorted(pids.items()):
        bench.add(f"{name}_rss_mib", "MiB", [rss_mib(pid)], {"control": "kube_apiserver_etcd_rss_mib"}.get(name))
    bench.measure("runtime", {"crun_pods_per_s": "crun_pods_per_s"}, bundles=bundles, count=100, at_once=at_once,
                  **{name: value for name, value in common.items() if name != "kubeconfig"})
    fill(bench, embedded, "home_fill_s")
    bench.add("control_10k_rss_mib", "MiB", [rss_mib(pids["control"])], "kube_apiserver_etcd_10k_rss_mib")
    bench.add("control_10k_idle_percent", "%", idle_percents([pids["control"]]), "kube_apiserver_etcd_10k_idle_percent")


def fill(bench, home_, name):
    """10,000 AgentRuns that have ended."""
    status = home_.folder / "finished.json"
    status.write_text(json.dumps(FINISHED))
    bench.measure("finished-runs", {"finished_runs_s": name}, kubeconfig=home_.kubeconfig, agent="plain", task="bench: say " * 20,
                  prefix="finished", count=10_000, status=status)


class Nginx:
    """A reverse proxy as plain as can be, on unix sockets as the gateway: {socket: address of what is behind it}. The distribution's
    program, unpacked and not installed, for the package starts a server on this machine."""

    def __init__(self, home, ways):
        folder = home.folder / "nginx"
        folder.mkdir()
        servers = "".join(f"""
            upstream model{i} {{ server {address}; keepalive 128; keepalive_requests 1000000; }}
            server {{
                listen unix:{path};
                location / {{ proxy_pass http://model{i}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
            }}""" for i, (path, address) in enumerate(ways.items()))
        paths = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "conf").write_text(f"""
            daemon off; master_process off; error_log stderr crit; pid {folder}/pid;
            events {{ worker_connections 1024; }}
            http {{ access_log off; keepalive_requests 1000000; client_max_body_size 32m; client_body_buffer_size 1m; {paths} {servers} }}""")
        self.pid = home.spawn(self.program(), "-c", folder / "conf", "-e", "stderr", log="nginx.log").pid
        eventually("nginx listens", lambda: all(os.path.exists(path) for path in ways))

    @staticmethod
    def program():
        folder = ROOT / "build/nginx"
        program = folder / "usr/sbin/nginx"
        if not program.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            script = "apt-get download -q nginx || { apt-get update -q && apt-get download -q nginx; }; dpkg-deb -x nginx_*.deb ."
            run("sh", "-ec", f"cd {folder}; {script}", timeout=300)
        return program


def start_gateway(home, name, *command, text=""):
    """On a socket of its own; `text` is its standard input. Gives name, socket and process in the words of `sympozium-bench gateway`."""
    path = home.folder / f"{name}.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1024)
        process = spawn_gateway(home, listener.fileno(), f"{name}.log", *command, stdin=subprocess.PIPE, text=True)
    process.stdin.write(text)
    process.stdin.close()
    return f"gateway_{name}={path}={process.pid}"


def gateway(bench):
    """Model calls through gateways on each journal and on none, beside nginx and the model itself; runs that are begun again."""
    embedded = BenchedHome()
    server = None
    try:
        embedded.kubectl("cordon", embedded.node)  # the pods are played
        own, proxy, own_proxy = f"127.0.0.1:{free_port()}", embedded.folder / "nginx.sock", embedded.folder / "nginx-own.sock"
        embedded.kubectl("apply", "-f", "-", text="\n---\n".join(map(json.dumps, agent("resumed", own))))
        Nginx(embedded, {proxy: embedded.model.address, own_proxy: own})
        server = Postgres(embedded.folder / "postgres")
        server.query("CREATE DATABASE journal", database="postgres")
        gateways = [
            start_gateway(embedded, "off", BIN / "sympozium-bench", "gateway-server", "--fd", 3),
            f"gateway_sqlite={embedded.state}/run/gateway/gateway.sock={service_pids(embedded)['gateway']}",
            start_gateway(embedded, "postgres", SERVER, "gateway", "--database", "-", "--audit-key", embedded.state / "gateway/audit.key",
                          text=server.conninfo())]
        through = [word.split("=")[0] for word in gateways]
        beside = {**dict.fromkeys(through, "nginx"), "nginx": "model"}
        peers = {f"{way}_{n}_steps_per_s": f"{peer}_{n}_steps_per_s" for way, peer in beside.items() for n in (1, 8, 64)}
        peers |= {f"{way}_first_byte_ms": "model_first_byte_ms" for way in beside}
        names = {*peers, *peers.values(), *(f"{way}_cpu_ms_per_call" for way in through)}
        bench.measure("gateway", {name: name for name in names}, peers,
                      kubeconfig=embedded.kubeconfig, agent="plain", task="bench: say", gateways=",".join(gateways), nginx=proxy,
                      model=embedded.model.address, rounds=5, rate=300, seconds=4)
        for way in beside:
            bench.add_difference(f"{way}_added_ms", f"{way}_first_byte_ms", "model_first_byte_ms", "nginx_added_ms")
        bench.add("fdatasync_ms", "ms", fdatasync_ms(embedded.state))
        bench.measure("resume", {name: name for name in ("live_runner_ms", "resume_runner_ms", "live_foreign_ms", "resume_foreign_ms",
                                                         "nginx_again_ms")},
                      {"resume_runner_ms": "live_runner_ms", "resume_foreign_ms": "live_foreign_ms", "live_foreign_ms": "nginx_again_ms"},
                      kubeconfig=embedded.kubeconfig, agent="resumed", task="Read.", port=own.split(":")[1], nginx=own_proxy,
                      gateway=embedded.state / "run/gateway", bridge=BIN / "sympozium-bridge", runner=BIN / "sympozium-runner", rounds=10)
    finally:
        embedded.stop()
        if server:
            server.stop()


class BenchedCluster(Home):
    """kube-apiserver, etcd (durable) and kube-controller-manager without its job controller, so that a Job stays a Job; of ours
    the controller alone."""

    def start(self):
        self.plane = self.folder / "plane"
        run(ROOT / "test/cluster/up", "--state", self.plane, "--fsync", "--no-scheduler", "--controllers", "*,-job-controller", timeout=3000)
        self.kubeconfig = self.plane / "admin.kubeconfig"
        self.kubectl("apply", "-f", "-", text=run(SYMPOZIUM, "manifests").stdout)
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd/agents.sympozium.ai", "crd/agentruns.sympozium.ai",
                     "crd/skillpacks.sympozium.ai")
        self.kubectl("apply", "-f", "-", text=cast("127.0.0.1:9"))

    def pid(self, component):
        return int((self.plane / f"run/{component}.pid").read_text().split()[0])

    def start_controller(self):
        who = run(ROOT / "test/cluster/user", "--state", self.plane, "sympozium-controller").stdout.strip()
        return self.spawn(SYMPOZIUM, "control", "--kubeconfig", who, log="controller.log")

    def start_floor(self):
        job = manifest("Job", "bare", "batch/v1", spec={"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "agent", "image": "sympozium/runner"}]}}})
        file = self.folder / "job.json"
        file.write_text(json.dumps(job))
        return self.spawn(BIN / "sympozium-bench", "bare-jobs", "--kubeconfig", self.kubeconfig, "--job", file, log="floor.log")

    def end_process(self, process):
        process.terminate()
        process.wait(timeout=30)

    def end(self):
        run(ROOT / "test/cluster/down", "--state", self.plane, "--wipe", check=False)


def cluster(bench):
    """The controller alone on a stock API server."""
    real = BenchedCluster()
    try:
        def server_rss():
            return [rss_mib(real.pid("kube-apiserver")) + rss_mib(real.pid("etcd"))]

        def jobs(prefix, to_job, burst, peers=()):
            bench.measure("jobs", {"run_to_job_ms": to_job, "burst_jobs_per_s": burst}, peers, kubeconfig=real.kubeconfig, agent="plain",
                          task="bench: say", prefix=prefix, count=100, burst=500)

        floor = real.start_floor()
        jobs("floor", "bare_run_to_job_ms", "bare_burst_jobs_per_s")
        real.end_process(floor)
        controller = real.start_controller()
        eventually("the controller has taken over", lambda: real.get("agentrun", "floor-0").get("status", {}).get("phase"))
        idle_percents([controller.pid], 1)  # it has looked at the floor's runs
        jobs("ours", "cluster_run_to_job_ms", "cluster_burst_jobs_per_s",
             {"cluster_run_to_job_ms": "bare_run_to_job_ms", "cluster_burst_jobs_per_s": "bare_burst_jobs_per_s"})
        bench.add("kube_apiserver_etcd_rss_mib", "MiB", server_rss())
        real.end_process(controller)
        fill(bench, real, "cluster_fill_s")
        controller = real.start_controller()
        idle = idle_percents([controller.pid, real.pid("kube-controller-manager"), real.pid("kube-apiserver"), real.pid("etcd")])
        bench.add("controller_rss_mib", "MiB", [rss_mib(controller.pid)], "kube_controller_manager_rss_mib")
        bench.add("controller_idle_percent", "%", [idle[0]], "kube_controller_manager_idle_percent")
        bench.add("kube_controller_manager_rss_mib", "MiB", [rss_mib(real.pid("kube-controller-manager"))])
        bench.add("kube_controller_manager_idle_percent", "%", [idle[1]])
        bench.add("kube_apiserver_etcd_10k_rss_mib", "MiB", server_rss())
        bench.add("kube_apiserver_etcd_10k_idle_percent", "%", [idle[2] + idle[3]])
    finally:
        real.stop()


PARTS = {part.__name__: part for part in (up, programs, journal, gateway, home, cluster)}


def main():
    chosen = sys.argv[1:] or list(PARTS)
    if not set(chosen) <= set(PARTS):
        sys.exit(__doc__)
    bench = Bench()
    load = os.getloadavg()[0]
    for part in chosen:
        began = time.monotonic()
        PARTS[part](bench)
        print(f"{part}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(bench.table())
    print(f"\n{os.cpu_count()} cores, kernel {os.uname().release}, load before {load:.1f}, now {os.getloadavg()[0]:.1f}")
    bench.write(ROOT / "build/bench.json")


if __name__ == "__main__":
    main()
