#!/usr/bin/env python3
"""From inside the agent container, and from a tool sidecar:   test/attack/attack.py [HOME, default embedded]

What may not be reached, and what may not be used without end. README.md says which case is which. Network attempts go to loopback
addresses only, where this test listens, and to addresses of a network namespace that this test makes; never elsewhere.
Environment: PRESET (default dev), SYMPOZIUM (the program), KEEP=1 (leave the folders for a look)."""
import base64
import concurrent.futures
import ctypes
import fcntl
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from homes import HOMES, SYMPOZIUM, Model, eventually, run
from intruder import PACK, Door, build_probe, container, intruder_pack, status_of, taken_over

HERE = pathlib.Path(__file__).resolve().parent
KEY = "not-a-real-key-4711"
MIB = 1024 * 1024
BRIDGE_BODY = 32 * MIB


def attacked(home_type):
    """A home whose node has a name of its own: its control groups are no other test's."""
    def up(self, *flags):
        return run(SYMPOZIUM, "up", "--detach", "--state", self.state, "--node-name", "attack", *flags).stdout
    return type("Attacked", (home_type,), {"up": up})


class Listener:
    """A port of the host that nobody in a pod may reach."""

    def __init__(self, family, address):
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.bind(address)
        self.socket.listen(16)
        self.socket.setblocking(False)

        self.port = self.socket.getsockname()[1]
        self.close = self.socket.close

    def visitors(self):
        count = 0
        while True:
            try:
                self.socket.accept()[0].close()
                count += 1
            except BlockingIOError:
                return count


class OwnNetwork:
    """A network namespace of this test with two addresses on its lo and a listener on each."""
    ADDRESSES = ("192.0.2.1", "2001:db8::1")  # documentation's (RFC 5737, RFC 3849)
    PORT = 7

    def __init__(self):
        ends = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.live(ends[1])
            finally:
                os._exit(1)
        os.close(ends[1])
        assert os.read(ends[0], 2) == b"ok", "the namespace was not made"
        os.close(ends[0])

    def live(self, ready):
        clone_newnet, set_address, set_flags = 0x40000000, 0x8916, 0x8914
        assert ctypes.CDLL(None).unshare(clone_newnet) == 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(self.ADDRESSES[0]))
            fcntl.ioctl(link, set_address, struct.pack("16s16s", b"lo", address))
            fcntl.ioctl(link, set_flags, struct.pack("16sH22x", b"lo", 1))
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as link:
            fcntl.ioctl(link, set_address, struct.pack("16sIi", socket.inet_pton(socket.AF_INET6, self.ADDRESSES[1]), 128, 1))
        listeners = [eventually("an address is usable", lambda a=address, f=family: self.listen(a, f), 10)
                     for address, family in zip(self.ADDRESSES, (socket.AF_INET, socket.AF_INET6))]
        for listener in listeners:  # from here they are reached
            socket.create_connection(listener.getsockname()[:2], timeout=5).close()
        os.write(ready, b"ok")
        signal.pause()

    def listen(self, address, family):
        try:
            return socket.create_server((address, self.PORT), family=family)
        except OSError:
            return None

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Attack(unittest.TestCase):
    home_type = None

    @classmethod
    def setUpClass(cls):
        cls.host = Listener(socket.AF_INET, ("127.0.0.1", 0))
        cls.addClassCleanup(cls.host.close)
        cls.home = attacked(cls.home_type)()
        cls.addClassCleanup(cls.home.stop)
        script = cls.home.folder / "model.yaml"
        script.write_text((HERE / "model.yaml").read_text().replace("HOST_PORT", str(cls.host.port)))
        cls.model = Model(cls.home, script)
        cls.make({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "provider", "annotations": {
            "sympozium.ai/use": "provider", "sympozium.ai/hosts": cls.model.address}}, "stringData": {"API_KEY": KEY}})
        cls.make(intruder_pack(build_probe(cls.home.folder)))
        cls.make({"apiVersion": "sympozium.ai/v1alpha1", "kind": "SkillPack", "metadata": {"name": "tools"}, "spec": {
            "skills": [{"name": "counting", "content": "Count."}], "sidecar": {"image": "sympozium/tools", "mountWorkspace": True}}})
        cls.make({"apiVersion": "sympozium.ai/v1alpha1", "kind": "Agent", "metadata": {"name": "first"}, "spec": {
            "agents": {"default": {"model": "sim-1", "baseURL": f"http://{cls.model.address}/v1"}},
            "authRefs": [{"provider": "openai", "secret": "provider"}]}})
        cls.marker = cls.home.folder / "marker-of-the-host"
        cls.marker.write_text("of the host")
        cls.held, pod = cls.start_run("held", "wait")
        cls.neighbour, cls.neighbours_pod = cls.start_run("neighbour", "wait")
        cls.template = pod
        cls.bridge_side = cls.open_door(pod, PACK)  # in a real run: what it says to the bridge counts
        cls.pod = cls.take_over("taken", ("agent", "skill-tools"))
        cls.agent, cls.tool = cls.open_door(cls.pod, "agent"), cls.open_door(cls.pod, "skill-tools")
        cls.inside = (cls.agent, cls.tool)

    # ---- what the stories are made of ----

    @classmethod
    def make(cls, manifest):
        cls.home.kubectl("create", "-f", "-", text=json.dumps(manifest))

    @classmethod
    def start_run(cls, name, task, packs=(PACK, "tools"), phase="Running", **spec):
        model = {"provider": "openai", "model": "sim-1", "baseURL": f"http://{cls.model.address}/v1", "authSecretRef": "provider"}
        cls.make({"apiVersion": "sympozium.ai/v1alpha1", "kind": "AgentRun", "metadata": {"name": name}, "spec": {
            "agentRef": "first", "agentId": "default", "sessionKey": name, "model": model, "task": task,
            "skills": [{"skillPackRef": pack} for pack in packs], **spec}})
        run_ = cls.wait_phase(name, phase)
        return run_, cls.home.get("pod", run_["status"]["podName"])

    @classmethod
    def wait_phase(cls, name, phase):
        cls.home.kubectl("wait", f"agentrun/{name}", f"--for=jsonpath={{.status.phase}}={phase}", "--timeout=60s", timeout=70)
        return cls.home.get("agentrun", name)

    @classmethod
    def take_over(cls, name, doors=("agent",), change=lambda pod: None):
        pod = taken_over(cls.template, name, doors)
        change(pod)
        cls.make(pod)
        return eventually(f"pod {name} runs", lambda: cls.pod_in(name, "Running"))

    @classmethod
    def pod_in(cls, name, phase):
        pod = cls.home.get("pod", name)
        return pod if pod["status"].get("phase") == phase else None

    @classmethod
    def open_door(cls, pod, name):
        door = Door(cls.home, pod, name)
        cls.addClassCleanup(door.close)
        return door

    def pod_folder(self, pod):
        return self.home.state / "node/pods" / pod["metadata"]["uid"]

    def token_of(self, pod):
        bridge = min(self.processes_of(pod, "ipc-bridge"))  # its files are in a mount namespace of the node's
        return pathlib.Path(f"/proc/{bridge}/root/var/run/secrets/sympozium/token/token").read_text().strip()

    def processes_of(self, pod, name):
        groups = pathlib.Path("/sys/fs/cgroup").glob(f"{'*/' if pathlib.Path('/sys/fs/cgroup/memory').is_dir() else ''}"
                                                     f"sympozium/attack/*/pod{pod['metadata']['uid']}/{name}.*/cgroup.procs")
        return {int(pid) for group in groups for pid in group.read_text().split()}

    def restarts(self, pod):
        pod = self.home.get("pod", pod["metadata"]["name"])
        return {c["name"]: c["restartCount"] for c in pod["status"]["initContainerStatuses"]}

    def outputs(self, script):
        """What the script gives in the agent's container and in the sidecar's."""
        return [(door.name, door.sh(script)[0]) for door in self.inside]

    def hello(self, door, **options):
        status, body = door.http("POST", "/v1/hello", {"agent": "intruder"}, **options)
        self.assertEqual(status, 200, body)
        welcome = json.loads(body)
        return welcome, {"Sympozium-Execution": f"{welcome['attempt']}.{welcome['execution']}"}

    def asked_for(self, door, fence, turn, task):
        """The tool calls of the model's answer to an own question."""
        ask = {"turn": turn, "parent": 0, "append": [{"role": "user", "content": task}]}
        status, body = door.http("POST", "/v1/turn", ask, fence)
        self.assertEqual(status, 200, body)
        calls = json.loads(body.splitlines()[-1])["result"]["message"]["toolCalls"]
        return [{"call": f"{turn}.{i}", "tool": c["name"], "arguments": c["arguments"]} for i, c in enumerate(calls)]

    # ---- the kernel ----

    def test_01_no_call_leads_out(self):
        by_other_means = {"terminal-input": "ENOTTY", "nice": "EACCES", "socket-ping": "EACCES", "keep-new-privileges": "EINVAL",
                          "i386": "Bad system call", "x32": "Bad system call"}
        for door in self.inside:
            told = dict(line.split(" ", 1) for line in door.probe("calls").splitlines() if line)
            self.assertGreater(len(told), 120)
            for call, outcome in told.items():
                with self.subTest(door.name, call=call):
                    absent = call.startswith("clone3") or call == "landlock"
                    self.assertEqual(outcome, by_other_means.get(call, "ENOSYS" if absent else "EPERM"))

    def test_02_nobody_in_the_pod_has_any_rights(self):
        for name, uid in (("agent", 1000), ("ipc-bridge", 1001), ("skill-tools", 1101)):
            seen = {}
            for pid in self.processes_of(self.pod, name):
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a command that has just ended
                    seen[pid] = pathlib.Path(f"/proc/{pid}/status").read_text()
            self.assertTrue(seen, name)
            for pid, status in seen.items():
                with self.subTest(name, pid=pid):
                    self.assertEqual(set(re.findall(r"Cap\w+:\s+(\w+)", status)), {"0" * 16})
                    self.assertRegex(status, r"NoNewPrivs:\s+1\n")
                    self.assertRegex(status, r"Seccomp:\s+2\n")
                    self.assertRegex(status, rf"Uid:(\s+{uid}){{4}}\n")
                    self.assertRegex(status, r"Groups:\s+2000 *\n")

    def test_03_it_sees_and_signals_its_own_processes_only(self):
        others = {name: self.processes_of(self.pod, name) for name in ("agent", "ipc-bridge", "skill-tools", "skill-intruder")}
        for name, told in self.outputs("cat /proc/[0-9]*/status | grep ^Uid | sort -u; ls -d /proc/[0-9]* | wc -l"):
            users, count = told.splitlines()
            self.assertEqual(users.split()[1], str(container(self.pod, name)["securityContext"]["runAsUser"]))
            self.assertLess(int(count), 10)
        hosts = [os.getpid(), *others["ipc-bridge"]]
        for name, told in self.outputs(";".join(f"kill -0 {pid}; cat /proc/{pid}/environ" for pid in hosts)):
            self.assertEqual(told.count("No such process"), len(hosts), told)
            self.assertEqual(told.count("No such file"), len(hosts), told)
        self.agent.sh("kill -9 -1")
        for name, before in others.items():
            self.assertLessEqual(before, self.processes_of(self.pod, name), name)

    def test_04_proc_and_sys_take_and_tell_nothing(self):
        files = ["sys/kernel/core_pattern", "sys/kernel/modprobe", "sys/kernel/hostname", "sys/kernel/ns_last_pid", "sys/vm/drop_caches",
                 "sys/net/ipv4/ip_forward", "sys/kernel/shmall", "sys/fs/binfmt_misc/register", "sysrq-trigger", "self/uid_map",
                 "self/setgroups", "irq/default_smp_affinity", "mtrr", "kcore", "1/attr/current", "fs/xfs/stat"]
        for name, told in self.outputs(";".join(f"(echo 1 > /proc/{f}) 2>/dev/null && echo wrote {f}" for f in files)):
            self.assertEqual(told, "", name)
        hidden = ["kcore", "keys", "timer_list", "interrupts", "latency_stats", "sched_debug", "acpi/*", "scsi/*"]
        for name, told in self.outputs(";".join(f"cat /proc/{f} 2>/dev/null" for f in hidden) + ";ls -A /sys"):
            self.assertEqual(told, "", name)
        for name, told in self.outputs("echo -999 > /proc/self/oom_score_adj; cut -d' ' -f1 /proc/kallsyms | sort -u | head -3"):
            self.assertIn("Permission denied", told)
            self.assertEqual(told.splitlines()[-1].strip("0"), "", "addresses of the kernel")

    def test_05_root_is_read_only_and_there_are_no_devices(self):
        places = ["/", "/bin", "/etc", "/proc", "/sys", "/skills", "/dev", "/usr/bin", "/bridge", "/var/run/secrets/sympozium/token"]
        for name, told in self.outputs(";".join(f"(touch {p}/x) 2>/dev/null && echo wrote {p}" for p in places)):
            self.assertEqual(told, "", name)
        for name, told in self.outputs("echo x >> /etc/hosts; echo x >> /bin/busybox; rm /bin/sh; chmod 777 /; ln /bin/sh /tmp/sh"):
            self.assertEqual(len(told.splitlines()), 5, told)
        known = {"/dev/" + name for name in ("null", "zero", "full", "random", "urandom", "tty", "pts/ptmx")}
        for name, told in self.outputs("find / -xdev -type b; find /dev -type b -o -type c"):
            self.assertEqual(set(told.split()), known)

    def test_06_it_inherits_nothing_of_the_host(self):
        for name, told in self.outputs("for fd in /proc/1/fd/*; do readlink $fd; done"):
            self.assertEqual({link.split(":")[0] for link in told.split()}, {"/dev/null", "pipe", "socket"}, name)
        for name, told in self.outputs("cut -d' ' -f5,6 /proc/self/mountinfo"):
            for place, options in map(str.split, told.splitlines()):
                self.assertTrue({"ro", "nosuid"} & set(options.split(",")), (name, place, options))

    # ---- files ----

    def test_10_the_hosts_files_are_not_there(self):
        for name, told in self.outputs(f"find / -name '{self.marker.name}' 2>/dev/null"):
            self.assertEqual(told, "", name)
        up = "/".join([".."] * 40)
        ways = [str(self.marker), f"/proc/1/root{self.marker}", f"/proc/self/root/{up}{self.marker}", f"/workspace/{up}{self.marker}",
                f"/proc/self/cwd/{up}{self.marker}", "/etc/shadow", "/root/.ssh", str(self.home.state)]
        for name, told in self.outputs(";".join(f"ls -d {way} 2>/dev/null" for way in ways)):
            self.assertEqual(told, "", name)
        listed = "bin bridge dev etc ipc proc run skills sys tmp usr var workspace"
        for name, told in self.outputs("ls -x /"):
            self.assertEqual(" ".join(told.split()), listed)
        for name, told in self.outputs("ln -s / /workspace/to-root-$$; cat /workspace/to-root-$$/etc/shadow; ls /workspace/to-root-$$; rm /workspace/to-root-*"):
            self.assertIn("No such file", told)
            self.assertIn(" ".join(listed.split()[-2:]), " ".join(told.split()))

    def test_11_other_pods_files_are_not_there(self):
        workspace = self.pod_folder(self.neighbours_pod) / "volumes/disk/workspace"
        (workspace / "secret-of-the-neighbour").write_text("x")
        for name, told in self.outputs("find / -name 'secret-of-the-neighbour' 2>/dev/null"):
            self.assertEqual(told, "", name)
        for name, told in self.outputs(f"ls {workspace} && echo seen"):
            self.assertNotIn("seen", told, name)

    def test_12_of_a_pod_agent_and_sidecar_share_the_workspace_and_nothing_else(self):
        self.agent.sh("echo a > /workspace/shared; echo a > /ipc/mine; echo a > /tmp/mine; echo a > /dev/shm/mine")
        self.assertEqual(self.tool.sh("cat /workspace/shared; ls /ipc /tmp /dev/shm /bridge/ipc | grep mine")[0], "a\n")
        self.tool.sh("echo t > /ipc/theirs; echo t > /ipc/tools/theirs")
        self.assertEqual(self.agent.sh("ls -R /ipc | grep theirs; ls /bridge/ipc /run/sympozium/gateway")[0].split(),
                         ["/bridge/ipc:", "/run/sympozium/gateway:"])

    def test_13_token_and_key_are_nowhere(self):
        token = self.token_of(self.pod)
        self.assertGreater(len(token), 100)
        for secret in (token, KEY):
            look = (f"grep -rlF -- '{secret}' /bin /bridge /etc /ipc /run /skills /tmp /usr /var /workspace 2>/dev/null;"
                    f"cat /proc/1/environ | grep -c -- '{secret[:20]}'; ls /var/run/secrets/sympozium/token")
            for name, told in self.outputs(look):
                self.assertEqual(told.split(), ["0"])

    def test_14_what_a_model_says_does_not_lead_an_honest_agent_out(self):
        traps = f"cd /workspace; ln -s {self.marker} to-the-host; ln -s / to-root; mkfifo pipe; sleep 60"
        self.make({"apiVersion": "sympozium.ai/v1alpha1", "kind": "SkillPack", "metadata": {"name": "trapper"}, "spec": {
            "skills": [{"name": "trapping", "content": "Trap."}],
            "sidecar": {"image": "sympozium/tools", "mountWorkspace": True, "command": ["/bin/sh", "-c", traps]}}})
        _, pod = self.start_run("lookabout", "look around", packs=("trapper",), phase="Succeeded")
        lines = self.home.kubectl("logs", pod["metadata"]["name"], "-c", "agent").stdout.splitlines()
        steps = [step for step in map(json.loads, lines) if step["type"] == "tool"]
        self.assertEqual(len(steps), 11)
        for step in steps:
            self.assertTrue(step.get("failed"), step)
        self.assertEqual(self.host.visitors(), 0)

    # ---- network ----

    def test_20_lo_is_all_there_is(self):
        for name, told in self.outputs("tail -n +3 /proc/net/dev | cut -d: -f1; tail -n +2 /proc/net/route; cat /proc/net/arp | tail -n +2"):
            self.assertEqual(told.split(), ["lo"])
        for name, told in self.outputs("grep -v ' lo$' /proc/net/if_inet6 /proc/net/ipv6_route; cat /etc/resolv.conf"):
            self.assertEqual(told, "", name)

    def test_21_nothing_of_the_host_is_reached(self):
        self.assertEqual(self.agent.sh("tail -n +3 /proc/net/dev | cut -d: -f1")[0].split(), ["lo"])  # before any attempt
        other = Listener(socket.AF_INET, ("127.77.66.55", 0))
        six = Listener(socket.AF_INET6, ("::1", 0))
        self.addCleanup(other.close)
        self.addCleanup(six.close)
        server = int(re.search(r":(\d+)$", self.server()["server"]).group(1))
        ports = {("127.0.0.1", self.host.port): "the host's", ("127.77.66.55", other.port): "the host's", ("::1", six.port): "the host's",
                 ("127.0.0.1", server): "the API server", ("127.0.0.1", int(self.model.address.split(":")[1])): "the provider"}
        for door in self.inside:
            for (address, port), whose in ports.items():
                for how in ("tcp", "udp"):
                    with self.subTest(door.name, how=how, whose=whose, address=address):
                        self.assertEqual(door.probe(how, address, port), "connect ECONNREFUSED\n")
        self.assertEqual([self.host.visitors(), other.visitors(), six.visitors()], [0, 0, 0])
        socket.create_connection(("127.77.66.55", other.port)).close()
        self.assertEqual(other.visitors(), 1, "and who may, does")

    def test_22_no_address_but_localhost_is_reached(self):
        self.assertEqual(self.agent.sh("tail -n +3 /proc/net/dev | cut -d: -f1")[0].split(), ["lo"])  # before any attempt
        network = OwnNetwork()
        self.addCleanup(network.close)
        for door in self.inside:
            for address in network.ADDRESSES:
                for how in ("tcp", "udp"):
                    with self.subTest(door.name, how=how, address=address):
                        self.assertEqual(door.probe(how, address, network.PORT), "connect ENETUNREACH\n")

    def test_23_abstract_sockets_of_the_host_are_not_reached(self):
        abstract = f"attack-{os.getpid()}"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("\0" + abstract)
            listener.listen()
            for door in self.inside:
                with self.subTest(door.name):
                    self.assertEqual(door.probe("abstract", abstract), "connect ECONNREFUSED\n")
            with socket.socket(socket.AF_UNIX) as client:
                client.connect("\0" + abstract)
        for name, told in self.outputs("cat /proc/net/unix"):
            self.assertNotIn(abstract, told, name)

    # ---- amounts ----

    def amount(self, name, change=lambda pod: None, doors=("agent",)):
        """A pod for one excess, with small disk volumes, and the door of its agent."""
        def small(pod):
            for volume in pod["spec"]["volumes"]:
                if "emptyDir" in volume and "medium" not in volume["emptyDir"]:
                    volume["emptyDir"]["sizeLimit"] = "16Mi"
            change(pod)
        pod = self.take_over(name, doors, small)
        self.addCleanup(self.home.kubectl, "delete", "pod", name, "--wait=false")
        return pod, Door(self.home, pod, doors[0])

    def test_30_memory_ends_at_its_limit(self):
        def eat(pod):
            agent = container(pod, "agent")
            agent["command"][-1] = agent["command"][-1].replace("door /workspace/agent.door", "memory 4000")
            agent["resources"] = {"limits": {"memory": "64Mi", "cpu": "1"}}
        pod = taken_over(self.template, "memory")
        eat(pod)
        self.make(pod)
        ended = eventually("it is killed", lambda: self.pod_in("memory", "Failed"))
        state = status_of(ended, "agent")["state"]["terminated"]
        self.assertEqual((state["reason"], state["exitCode"]), ("OOMKilled", 137))

    def test_31_a_run_says_that_its_memory_ran_out(self):
        self.make({"apiVersion": "sympozium.ai/v1alpha1", "kind": "SkillPack", "metadata": {"name": "glutton"}, "spec": {
            "skills": [{"name": "eating", "content": "Eat."}],
            "sidecar": {"image": "sympozium/tools", "command": ["/bin/sh", "-c", "sleep 1; exec tail /dev/zero"],
                        "resources": {"memory": "32Mi"}}}})
        self.start_run("glutton", "wait", packs=("glutton",))
        self.home.kubectl("patch", "job", "glutton", "--type=merge", "-p", '{"spec":{"backoffLimit":0}}')
        failed = self.wait_phase("glutton", "Failed")
        self.assertIn("container skill-glutton ran out of memory (limit 32Mi)", failed["status"]["error"])

    def test_32_processes_end_at_their_limit_and_the_host_goes_on(self):
        _, door = self.amount("forks")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            bomb = pool.submit(door.probe, "forks", 20000)
            looked = self.home.kubectl("get", "nodes", "-o", "name")
        self.assertEqual(looked.stdout, "node/attack\n")
        made, why = re.fullmatch(r"made (\d+): (\w+)\n", bomb.result()).groups()
        self.assertEqual(why, "EAGAIN")
        self.assertLess(int(made), 512)
        self.assertEqual(subprocess.run(["true"]).returncode, 0)

    def test_33_disk_ends_at_its_limit_however_it_is_used(self):
        one, all_ = 'Usage of EmptyDir volume "tmp-agent" exceeds', "Usage of all EmptyDir volumes, with files that have no name, exceeds"
        ways = {"plain": ("dd if=/dev/zero of=/tmp/big bs=1M count=40", one),
                "deep": ("/tmp/probe bury /tmp 30 40", one),
                "empty": ("/tmp/probe empty-files /tmp 8000", one),
                "nameless": ("/tmp/probe hide /tmp 100 open 20", all_),
                "mapped": ("/tmp/probe hide /tmp 100 mapped 20", all_),
                "passed": ("/tmp/probe hide /tmp 100 passed 20", all_)}
        for way, (script, message) in ways.items():
            with self.subTest(way):
                pod, door = self.amount(f"disk-{way}")
                try:
                    door.sh(f"({script}) >/dev/null 2>&1 &")
                except (ConnectionError, TimeoutError):
                    pass  # killed while it answered
                ended = eventually("it is evicted", lambda p=pod: self.pod_in(p["metadata"]["name"], "Failed"))
                self.assertEqual(ended["status"]["reason"], "Evicted")
                self.assertIn(message, ended["status"]["message"])
                eventually("its volumes are given back", lambda p=pod: not (self.pod_folder(p) / "volumes/disk").exists())
                door.close()

    def test_34_memory_volumes_end_at_their_limit(self):
        for place in ("/ipc", "/dev/shm"):
            told, _ = self.agent.sh(f"dd if=/dev/zero of={place}/big bs=1M count=100; rm {place}/big")
            self.assertIn("No space left on device", told)
        told = self.agent.probe("empty-files", "/ipc", 100000)
        self.agent.sh("rm -rf /ipc/*")
        self.assertRegex(told, r"made 16\d+: ENOSPC")

    def test_35_a_flood_of_words_is_kept_in_part(self):
        pod, door = self.amount("words")
        door.sh("yes 'a line of a flood' | head -c 60000000 > /proc/1/fd/1")
        kept = sum(path.stat().st_size for path in (self.pod_folder(pod) / "logs/agent").iterdir())
        self.assertLess(kept, 21 * MIB)
        self.assertIn("a line of a flood", self.home.kubectl("logs", "words", "-c", "agent", "--tail=1").stdout)

    def test_36_last_words_are_text_and_few(self):
        _, door = self.amount("last-words")
        door.sh(r"printf '\377\376 it broke \033[31m' > /dev/termination-log; kill -USR2 1")
        ended = eventually("its end is told", lambda: self.pod_in("last-words", "Failed"))
        self.assertIn("it broke", status_of(ended, "agent")["state"]["terminated"]["message"])

    def test_37_segments_that_outlive_their_process_are_little(self):
        _, door = self.amount("segments")
        self.assertIn("shmget: ENOSPC", door.probe("segments", 10, 32))
        kept = sum(int(line.split()[3]) for line in door.sh("tail -n +2 /proc/sysvipc/shm")[0].splitlines())
        self.assertLessEqual(kept, 64 * MIB)

    def test_38_who_takes_every_inotify_stops_nobody(self):
        with self.bridge_side.reach("sh") as taking:  # of the same user as any first sidecar
            taking.sendall(b"exec /tmp/probe inotify 30")
            taking.shutdown(socket.SHUT_WR)
            self.assertIn("EMFILE", taking.recv(100).decode())
            done, _ = self.start_run("undisturbed", "one command", packs=("tools",), phase="Succeeded")
        self.bridge_side.sh("killall probe")
        self.assertIn("granted", done["status"]["result"])

    # ---- a sidecar's files against the bridge ----

    def test_40_a_sidecars_tricks_are_answers_that_fail(self):
        door, token = self.bridge_side, self.token_of(self.template)
        _, fence = self.hello(door)
        good = '{"exitCode":0,"stdout":"taken","stderr":""}'
        tricks = {"fifo": "mkfifo x; mv x $result", "link": "ln -s /var/run/secrets/sympozium/token/token x; mv x $result",
                  "hard-link": f"echo '{good}' > x; ln x y; mv x $result", "folder": "mkdir $result",
                  "huge": f"(echo '{good[:-1]},\"x\":\"'; head -c 6000000 /dev/zero | tr '\\0' x; echo '\"}}') > x; mv x $result",
                  "words": "echo 'no JSON at all' > x; mv x $result", "number": "echo '[1,2]' > x; mv x $result",
                  "honest": f"echo '{good}' > x; mv x $result"}
        calls = self.asked_for(door, fence, 10, "the intruder's answers")
        self.assertEqual(len(calls), len(tricks))
        for call in calls:
            name = json.loads(call["arguments"])["command"]
            wait = ("cd /ipc/tools; until ls exec-request-*.json >/dev/null 2>&1; do sleep 0.02; done;"
                    "request=$(ls exec-request-*.json); result=$(echo $request | sed s/request/result/);")
            with self.subTest(name), concurrent.futures.ThreadPoolExecutor() as pool:
                answered = pool.submit(door.http, "POST", "/v1/tools/execute", call, fence)
                door.sh(wait + tricks[name])
                status, body = answered.result()
                door.sh("rm -rf /ipc/tools/*")
                self.assertEqual(status, 200, body)
                result = json.loads(body)
                self.assertNotIn(token[:30], body)
                self.assertEqual(result.get("failed", False), name != "honest", body)
                self.assertEqual("taken" in result["text"], name == "honest", body)
        self.assertEqual(self.restarts(self.template)["ipc-bridge"], 0)

    def test_41_many_and_strange_names_do_not_stop_the_bridge(self):
        door = self.bridge_side
        door.sh("cd /ipc/tools; long=$(head -c 250 /dev/zero | tr '\\0' n); touch $long; touch \"$(printf 'exec-result-\\n.json')\";"
                "touch exec-result-.json 'exec-result-..json' 'exec-result-1.json.'; mkfifo exec-result-9-9-9-9.json;"
                "i=0; while [ $i -lt 3000 ]; do : > exec-result-$i.json; i=$((i+1)); done")
        _, fence = self.hello(door)
        call = self.asked_for(door, fence, 11, "one command")[0]
        status, body = door.http("POST", "/v1/tools/execute", call, fence)
        self.assertEqual((status, json.loads(body)["text"]), (200, "granted\n"))
        door.sh("rm -rf /ipc/tools/*")
        self.assertEqual(self.restarts(self.template)["ipc-bridge"], 0)

    def test_42_a_link_in_place_of_the_folder_leads_no_request_to_another_sidecar(self):
        _, pod = self.start_run("confused", "wait")
        door = self.open_door(pod, PACK)
        _, fence = self.hello(door)
        call = self.asked_for(door, fence, 10, "for the intruder")[0]
        door.sh("rm -rf /ipc/tools; ln -s /bridge/ipc/skill-tools/tools /ipc/tools")
        status, body = door.http("POST", "/v1/tools/execute", call, fence)
        self.assertEqual((status, json.loads(body)["failed"]), (200, True), body)
        self.assertEqual(door.sh("ls /workspace/confused 2>/dev/null")[0], "")
        one = self.asked_for(door, fence, 11, "one command")[0]
        self.assertIn("granted", door.http("POST", "/v1/tools/execute", one, fence)[1], "the other one works on")
        self.assertEqual(self.restarts(pod)["ipc-bridge"], 0)

    # ---- words to the bridge ----

    def test_50_a_call_that_the_model_did_not_ask_for_is_not_run(self):
        door = self.bridge_side
        _, fence = self.hello(door)
        right = '{"command":"echo granted","target":"tools"}'

        def execute(call, tool, arguments):
            status, body = door.http("POST", "/v1/tools/execute", {"call": call, "tool": tool, "arguments": arguments}, fence)
            return status, json.loads(body)
        self.assertTrue(execute("20.0", "execute_command", right)[1]["failed"], "before the model spoke")
        self.assertEqual(len(self.asked_for(door, fence, 20, "one command")), 1)
        for call, tool, arguments in (("20.0", "execute_command", '{"command":"id","target":"tools"}'), ("20.1", "execute_command", right),
                                      ("20.0", "read_file", right), ("20.0", "execute_command", right + " "), ("020.0", "execute_command", right),
                                      ("1.0", "execute_command", right), ("20.-1", "execute_command", right)):
            status, answer = execute(call, tool, arguments)
            self.assertTrue(status == 400 or answer["failed"], answer)
        self.assertEqual(execute("20.0", "execute_command", right), (200, {"text": "granted\n", "exitCode": 0}))
        for call in ("../../x", "20.0/../1", "a", "", "20.0\x00"):
            status, answer = execute(call, "execute_command", right)
            self.assertTrue(status == 400 or answer["failed"], answer)

    def test_51_what_another_run_may_is_not_ours(self):
        theirs = self.open_door(self.neighbours_pod, PACK)
        _, their_fence = self.hello(theirs)
        call = self.asked_for(theirs, their_fence, 30, "one command")[0]
        _, fence = self.hello(self.bridge_side)
        status, body = self.bridge_side.http("POST", "/v1/tools/execute", call, fence)
        self.assertEqual((status, json.loads(body)["failed"]), (200, True))
        self.assertIn("granted", theirs.http("POST", "/v1/tools/execute", call, their_fence)[1])

    def test_52_a_forged_header_gives_nothing(self):
        door = self.bridge_side
        welcome, fence = self.hello(door)
        now = fence["Sympozium-Execution"]
        call = {"call": "1.0", "tool": "write_file", "arguments": "{}"}
        for execution in (f"{welcome['attempt']}.{welcome['execution'] - 1}", "9.9", "", "1", "1.1/../2", "x", f"{now} ", "1." + "9" * 300):
            if execution.strip() != now:
                self.assertEqual(door.http("POST", "/v1/tools/decide", call, {"Sympozium-Execution": execution})[0], 409, execution)
        others = {"Authorization": f"Bearer {self.token_of(self.neighbours_pod)}", "Sympozium-Protocol": "99", "Sympozium-Bridge": "x",
                  "X-Forwarded-For": "127.0.0.1", "Host": "kubernetes.default"}
        status, body = door.http("POST", "/v1/hello", {"agent": "x"}, others)
        self.assertEqual((status, json.loads(body)["name"]), (200, "held"), "the bridge's own identity counts")

    def test_53_there_are_no_other_ways_through_the_bridge(self):
        door = self.bridge_side
        for method, path in (("GET", "/"), ("GET", "/metrics"), ("GET", "/v1/hello"), ("POST", "/v1/../v1/hello"), ("POST", "/v1/hello?x"),
                             ("POST", "//v1/hello"), ("POST", "http://127.0.0.1/v1/hello"), ("POST", "/api/v1/secrets"),
                             ("DELETE", "/v1/models"), ("POST", "/v1/models"), ("OPTIONS", "*"), ("TRACE", "/v1/models")):
            with self.subTest(method=method, path=path):
                self.assertEqual(door.http(method, path, "{}" if method == "POST" else None)[0], 404)
        _, fence = self.hello(door)
        for body in ("", "{", "[" * 100000, '{"turn":1e999}', '{"turn":"1"}', "\x00", '{"call":"\ud800"}'.encode("utf-8", "surrogatepass"),
                     b"\xff\xfe{}", '{"turn":1,"turn":2,"parent":5}'):
            self.assertEqual(door.http("POST", "/v1/turn", body, fence)[0], 400, body[:30])

    def test_54_bodies_beyond_measure_take_no_memory(self):
        door, pod = self.bridge_side, self.template
        _, fence = self.hello(door)

        def send(body, path="/v1/turn", headers=fence):
            try:
                return door.http("POST", path, body, headers, timeout=120)[0]
            except (ConnectionError, TimeoutError) as error:
                return type(error).__name__
        large = '"' + "x" * (31 * MIB) + '"'
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            self.assertEqual(set(pool.map(send, [large] * 6)), {400})
            self.assertEqual(set(pool.map(send, ['"' + "x" * MIB + '"'] * 64)), {400})
        self.assertEqual(send('"' + "x" * (BRIDGE_BODY + MIB) + '"'), 400)
        self.assertEqual(send('{"turn":1,"append":[' + "[]," * (10 * MIB) + "[]]}"), 400, "ten million wrong elements")
        self.assertEqual(send('{"call":"' + "1" * (2 * MIB) + '"}', "/v1/tools/execute"), 400)
        self.assertIn(send("{}", headers={"Sympozium-Execution": "1" * MIB}), (431, "BrokenPipeError", "ConnectionResetError"))
        self.hello(door)
        self.assertEqual(self.restarts(pod)["ipc-bridge"], 0)

    def test_55_who_never_ends_a_request_delays_nobody_else(self):
        door, opened = self.bridge_side, []
        self.addCleanup(lambda: [connection.close() for connection in opened])
        for head in (b"POST /v1/hello HTTP/1.1\r\nHost: x\r\n", b"POST /v1/hello HTTP/1.1\r\nContent-Length: 30000000\r\n\r\n{"):
            for _ in range(140):
                connection = door.reach("tcp 9410")
                connection.sendall(head)
                opened.append(connection)
        done, _ = self.start_run("meanwhile", "one command", packs=("tools",), phase="Succeeded")
        self.assertIn("granted", done["status"]["result"])
        eventually("the bridge has sent them away", lambda: door.http("GET", "/healthz")[0] == 200)
        for connection in opened:
            connection.close()
        self.hello(door)
        self.assertEqual(self.restarts(self.template)["ipc-bridge"], 0)

    # ---- a stolen token ----

    def test_60_a_stolen_token_opens_what_its_bridge_could_ask_for_and_only_until_its_run_is_over(self):
        def with_gateway(pod):  # more than any agent ever gets
            container(pod, "agent")["volumeMounts"].append({"name": "gateway", "mountPath": "/run/sympozium/gateway"})
        pod = self.take_over("thief", change=with_gateway)
        door = self.open_door(pod, "agent")
        _, victims_pod = self.start_run("victim", "wait")
        stolen = self.token_of(victims_pod)
        socket_ = {"target": "unix /run/sympozium/gateway/gateway.sock"}

        def ask(path, token, body=None, fence=None):
            headers = {"Sympozium-Protocol": "1", **({"Authorization": f"Bearer {token}"} if token else {}), **(fence or {})}
            return door.http("POST", path, body or {"agent": "thief"}, headers, **socket_)
        self.assertEqual(ask("/v1/hello", None)[0], 403)
        self.assertEqual(ask("/v1/hello", "x.y.z")[0], 403)
        self.assertEqual(ask("/v1/hello", self.token_of(pod))[0], 403, "of a pod that is no run's")
        head, body, signature = stolen.split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        claims["kubernetes.io"]["pod"]["uid"] = self.neighbours_pod["metadata"]["uid"]
        forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        self.assertEqual(ask("/v1/hello", f"{head}.{forged}.{signature}")[0], 403)
        unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
        self.assertEqual(ask("/v1/hello", f"{unsigned}.{forged}.")[0], 403)
        self.assertEqual(self.server_says(stolen), 401, "another audience")

        status, body = ask("/v1/hello", stolen)
        self.assertEqual((status, json.loads(body)["name"]), (200, "victim"))
        welcome = json.loads(body)
        fence = {"Sympozium-Execution": f"{welcome['attempt']}.{welcome['execution']}"}
        self.assertNotIn(KEY, body)
        self.assertEqual(ask("/v1/outcome", stolen, {"status": "success", "text": "said by a thief"}, fence)[0], 200)
        self.wait_phase("victim", "Succeeded")
        for path, body in (("/v1/turn", {"turn": 1, "parent": 0}), ("/v1/chat/completions", {"messages": []}),
                           ("/v1/fetch", {"call": "1.0", "tool": "fetch_url", "arguments": "{}"})):
            eventually(f"{path} is over", lambda p=path, b=body: ask(p, stolen, b, fence)[0] == 409)
        self.home.kubectl("delete", "agentrun", "victim", "--timeout=60s")
        eventually("nobody knows it", lambda: ask("/v1/hello", stolen)[0] == 403)

    def server(self):
        config = json.loads(self.home.kubectl("config", "view", "--raw", "-o", "json").stdout)
        return config["clusters"][0]["cluster"]

    def server_says(self, token):
        server = self.server()
        data = server.get("certificate-authority-data")
        authority = {"cadata": base64.b64decode(data).decode()} if data else {"cafile": server["certificate-authority"]}
        request = urllib.request.Request(server["server"] + "/api/v1/namespaces/default/secrets", headers={"Authorization": f"Bearer {token}"})
        try:
            return urllib.request.urlopen(request, context=ssl.create_default_context(**authority), timeout=10).status
        except urllib.error.HTTPError as error:
            return error.code

    # ---- after all this ----

    def test_90_nobody_has_fallen_over(self):
        self.assertEqual(self.home.crashes(), [])
        self.assertEqual(self.restarts(self.template)["ipc-bridge"], 0)
        self.assertEqual(self.host.visitors(), 0)
        about = os.stat("/dev/null")
        self.assertEqual((about.st_uid, about.st_mode & 0o777), (0, 0o666))
        log = self.home.state / "log/sympozium.log"
        self.assertLess(log.stat().st_size, 4 * MIB)
        self.assertNotIn(KEY, log.read_text(errors="replace"))


if __name__ == "__main__":
    home = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in HOMES else "embedded"
    Attack.home_type = HOMES[home]
    unittest.main(verbosity=2)
