#!/usr/bin/env python3
"""The journal in PostgreSQL:   test/e2e/postgres.py embedded|cluster

`up --database` on a server of the test's own: what is wrong with a database is said to who typed it; a run; the server dies in the
middle of one; two gateways share one database and one socket, and the one takes over from the other."""
import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

from homes import HOMES, SYMPOZIUM, Model, eventually, run
from victims import service_pids

SERVER = SYMPOZIUM.parent / "sympozium-server"
PASSWORD = "never-to-be-seen"
GATEWAY_USER = 64102

SCRIPT = """
conversations:
  - task: three steps
    steps:
      - text: I write.
        tool_calls: [{name: write_file, arguments: {path: /workspace/a.txt, content: "one two three\\n"}}]
        delay: 300ms
      - text: I count.
        tool_calls: [{name: execute_command, arguments: {command: "sleep 1; wc -w < /workspace/a.txt"}}]
        delay: 300ms
      - text: "Counted: ${last}"
        delay: 300ms
"""


class Postgres:
    """A server of the newest version that is installed, on a unix socket in a folder of the test. Passwords are asked for."""

    def __init__(self, folder):
        self.programs = max(pathlib.Path("/usr/lib/postgresql").iterdir(), key=lambda path: int(path.name)) / "bin"
        self.data, self.socket, self.process = folder / "data", folder / "socket", None
        folder.mkdir(mode=0o711)
        for path, mode in ((self.data, 0o700), (self.socket, 0o711)):
            path.mkdir()
            path.chmod(mode)
            shutil.chown(path, "postgres", "postgres")
        secret = folder / "password"
        secret.write_text(PASSWORD)
        shutil.chown(secret, "postgres", "postgres")
        self.as_server("initdb", "-D", self.data, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8",
                       "--locale=C.UTF-8", "--no-sync")
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(f"listen_addresses = ''\nunix_socket_directories = '{self.socket}'\nrecovery_init_sync_method = syncfs\n")
        self.log = folder / "log"
        self.start()

    def as_server(self, program, *words):
        done = subprocess.run([self.programs / program, *words], user="postgres", group="postgres", extra_groups=[], cwd="/",
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.programs / "postgres", "-D", self.data], user="postgres", group="postgres",
                                            extra_groups=[], cwd="/", stdout=log, stderr=log)
        eventually("PostgreSQL takes connections", lambda: subprocess.run(
            [self.programs / "pg_isready", "-q", "-h", self.socket], check=False).returncode == 0)

    def kill(self):
        """All of it, as a power cut would. Stopped first, so that it starts no more children."""
        pid = self.process.pid
        self.process.send_signal(signal.SIGSTOP)
        children = [int(child) for child in open(f"/proc/{pid}/task/{pid}/children").read().split()]
        for child in children:
            os.kill(child, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        eventually("its children are gone", lambda: not any(os.path.exists(f"/proc/{child}") for child in children))

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=60)

    def conninfo(self, database="journal", user="postgres", password=PASSWORD):
        return f"host={self.socket} dbname={database} user={user} password={password}\n"

    def query(self, *statements, database="journal"):
        done = run(self.programs / "psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo(database).strip(),
                   *(word for sql in statements for word in ("-c", sql)))
        return done.stdout.strip()


def on_postgres(home_type):
    """The same home, with its journal in a database."""

    class OnPostgres(home_type):
        def up(self, *flags):
            self.server = Postgres(self.folder / "postgres")
            self.server.query("CREATE DATABASE journal", database="postgres")
            self.database = self.folder / "database"
            self.database.write_text(self.server.conninfo())
            self.database.chmod(0o600)
            check_what_is_refused(self, flags)
            return super().up("--database", self.database, *flags)

        def end(self):
            super().end()
            if getattr(self, "server", None):
                self.server.stop()
    return OnPostgres


# ---- what is wrong with a database is said to who typed it ----

def refusal(home, text, *flags, program=SYMPOZIUM, more=()):
    """What `up` says, to a state folder that stays as it was."""
    file = home.folder / "bad-database"
    if text is None:
        file.unlink(missing_ok=True)
    else:
        file.write_text(text)
    state = home.folder / "refused"
    done = run(program, "up", "--detach", "--state", state, "--node-name", "e2e", "--database", file, *flags, *more, check=False)
    assert done.returncode in (1, 2), done
    assert PASSWORD not in done.stdout + done.stderr, done
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (state / "gateway/database").exists()
    return done.returncode, done.stderr.strip().removeprefix(f"sympozium: --database {file}: ")


def check_what_is_refused(home, flags):
    server = home.server
    server.query("CREATE DATABASE read_only", "ALTER DATABASE read_only SET default_transaction_read_only = on", database="postgres")
    server.query(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'", database="postgres")
    server.query("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0", database="postgres")
    for text, code, words in (
            (None, 2, ["there is no such file", "connection string"]),
            (" \n", 2, ["is empty", "host="]),
            ("nonsense here\n", 2, ["cannot be read", "host=", "postgresql://"]),
            ("host=/nowhere dbname=journal", 2, ["names no user", "user="]),
            ("host=/nowhere dbname=journal user=postgres", 1, ["/nowhere", "start the server, or correct host and port"]),
            ("postgresql://postgres@127.0.0.1:9/journal", 1, ["127.0.0.1", "start the server"]),
            (server.conninfo(password="wrong"), 1, ["password authentication failed", "correct user or password"]),
            (server.conninfo(database="absent"), 2, ["absent", "CREATE DATABASE"]),
            (server.conninfo(database="read_only"), 1, ["read-only", "turn it off"]),
            (server.conninfo(database="latin"), 2, ["LATIN1", "UTF8"]),
            (server.conninfo(user="guest"), 1, ["permission denied", "GRANT CREATE"])):
        seen, said = refusal(home, text, *flags)
        assert seen == code and all(word in said for word in words), (text, seen, said)
    alone = home.folder / "alone"
    alone.mkdir(exist_ok=True)
    alone.chmod(0o711)
    shutil.copy(SYMPOZIUM, alone / "sympozium")
    code, said = refusal(home, server.conninfo(), *flags, program=alone / "sympozium")
    assert code == 1 and f"install {alone}/sympozium-server" in said, said
    shutil.rmtree(alone)
    shutil.rmtree(home.folder / "refused", ignore_errors=True)
    # The program by itself says the same, and exits so.
    done = run(SERVER, "gateway", "--kubeconfig", "/nowhere", "--database", home.folder / "absent", check=False)
    assert done.returncode == 1 or done.returncode == 2, done
    home_bad = home.folder / "read-only-database"
    home_bad.write_text(server.conninfo(database="read_only"))
    done = run(SERVER, "gateway", "--kubeconfig", "/nowhere", "--database", home_bad, check=False)
    assert done.returncode == 1 and "read-only" in done.stderr and f"--database {home_bad}" in done.stderr, done
    home_bad.unlink()


def check_the_journal_stays_where_it_is(home):
    run(SYMPOZIUM, "down", "--state", home.state)
    done = run(SYMPOZIUM, "up", "--detach", "--state", home.state, "--node-name", "e2e", check=False)
    assert done.returncode == 3 and "--database FILE" in done.stderr, done
    done = run(SYMPOZIUM, "reset", "--state", home.state, check=False)
    assert done.returncode == 3 and "what the database holds" in done.stderr, done


# ---- runs ----

def manifest(name, address):
    return json.dumps({"apiVersion": "sympozium.ai/v1alpha1", "kind": "AgentRun", "metadata": {"name": name},
                       "spec": {"agentRef": "first", "agentId": "default", "sessionKey": name, "task": "three steps", "timeout": "3m",
                                "model": {"provider": "openai", "model": "sim-1", "baseURL": f"http://{address}/v1",
                                          "authSecretRef": "first-provider"},
                                "skills": [{"skillPackRef": "tools"}]}})


def start(home, model, *names):
    home.kubectl("apply", "-f", "-", text="\n---\n".join(manifest(name, model.address) for name in names))


def wait_succeeded(home, *names):
    for name in names:
        ended = lambda n=name: (one := home.get("agentrun", n)).get("status", {}).get("phase") in ("Succeeded", "Failed") and one
        status = eventually(f"run {name} has ended", ended, 120)["status"]
        assert status["phase"] == "Succeeded" and status["result"].strip() == "Counted: 3", status
        assert status["attempt"] == 1, status


def events(home, name):
    """(kind, execution) of the run's rows."""
    rows = home.server.query(f"SELECT e.kind, e.execution FROM events e JOIN runs r USING (run_uid) WHERE r.name = '{name}' ORDER BY e.seq")
    return [tuple(row.split("|")) for row in rows.splitlines()]


def kinds(home, name):
    return [kind for kind, _ in events(home, name)]


def is_running_its_tool(home, name):
    seen = kinds(home, name)
    return seen.count("tool.intent") == 2 and seen.count("tool.outcome") == 1


def check_a_run(home, model):
    told = home.sympozium("run", "first", "--name", "told", "--task", "three steps")
    assert "Counted: 3" in told.stdout, told
    steps = home.sympozium("logs", "told", "--steps").stdout
    for word in ("three steps", "write_file", "execute_command", "Counted: 3"):
        assert word in steps, steps
    file = home.folder / "told.run"
    file.write_text(home.sympozium("export", "told").stdout)
    run(SYMPOZIUM, "audit", "verify", file)
    assert not (home.state / "gateway/journal.db").exists()
    assert "the database of" in run(SYMPOZIUM, "status", "--state", home.state).stdout
    words = open(f"/proc/{service_pids(home)['gateway']}/cmdline").read()
    assert words.startswith(str(SERVER)) and PASSWORD not in words, words
    assert model.requests() == 3


def check_the_database_dies(home, model):
    before = model.requests()
    start(home, model, "through-a-crash")
    eventually("its second tool runs", lambda: is_running_its_tool(home, "through-a-crash"))
    gateway = service_pids(home)["gateway"]
    home.server.kill()
    said = home.sympozium("logs", "told", "--steps", check=False)
    assert said.returncode == 1 and "not available now" in said.stderr, said
    home.server.start()
    wait_succeeded(home, "through-a-crash")
    assert model.requests() - before == 3, "an answer was paid for twice"
    assert kinds(home, "through-a-crash").count("tool.intent") == 2
    assert service_pids(home)["gateway"] == gateway, "the gateway did not wait for its database"


# ---- two gateways ----

def spawn_gateway(home, listener, log, *command, **options):
    """A gateway beside the home's own that is handed the descriptor of its socket as by the shim."""
    with open(home.folder / log, "ab") as out:
        process = subprocess.Popen(
            ["bash", "-c", 'exec 3<&"$0"; exec "$@"', str(listener), "env", "LISTEN_FDNAMES=gateway", *map(str, command), "--kubeconfig",
             home.state / "gateway/kubeconfig"],
            pass_fds=(listener,), user=GATEWAY_USER, group=GATEWAY_USER, extra_groups=[], stdout=out, stderr=out, cwd="/", **options)
    home.processes.append(process)
    return process


class SecondGateway:
    """Another process on the same database and, by its descriptor, on the socket that the shim holds: the kernel gives each new
    connection to one of the two."""

    def __init__(self, home):
        shim = int((home.state / "lock").read_text())
        socket = take_socket(shim, str(home.state / "run/gateway/gateway.sock"))
        self.process = spawn_gateway(home, socket, "second.log", SERVER, "gateway", "--database", home.state / "gateway/database",
                                     "--audit-key", home.state / "gateway/audit.key")
        os.close(socket)


def take_socket(pid, path):
    inodes = [line.split()[6] for line in open("/proc/net/unix") if line.rstrip().endswith(path) and line.split()[3] == "00010000"]
    held = [int(fd) for fd in os.listdir(f"/proc/{pid}/fd") if os.readlink(f"/proc/{pid}/fd/{fd}") in [f"socket:[{i}]" for i in inodes]]
    pidfd_getfd = 438
    process = os.pidfd_open(pid)
    taken = ctypes.CDLL(None, use_errno=True).syscall(pidfd_getfd, process, held[0], 0)
    os.close(process)
    assert taken >= 0, os.strerror(ctypes.get_errno())
    return taken


def both_called(home):
    return home.server.query("SELECT count(DISTINCT body::json->>'gateway') FROM events JOIN runs USING (run_uid)"
                             " WHERE kind = 'model.intent' AND name LIKE 'many-%'") == "2"


def check_two_gateways(home, model):
    second = SecondGateway(home)
    for attempt in range(4):  # who accepts a connection is chance
        before, many = model.requests(), [f"many-{attempt}-{n}" for n in range(8)]
        start(home, model, *many)
        wait_succeeded(home, *many)
        assert model.requests() - before == 3 * len(many), "an answer was paid for twice"
        for name in many:
            assert {execution for _, execution in events(home, name)} == {"0", "1"}, events(home, name)
            assert kinds(home, name).count("model.outcome") == 3 and kinds(home, name).count("run.outcome") == 1, kinds(home, name)
        if both_called(home):
            break
    assert both_called(home), "one of the gateways made all calls"

    # The first one dies and does not come back: its keeper stands still.
    before, orphans = model.requests(), [f"orphan-{n}" for n in range(4)]
    start(home, model, *orphans)
    for name in orphans:
        eventually(f"{name} runs its second tool", lambda n=name: is_running_its_tool(home, n))
    shim, first = int((home.state / "lock").read_text()), service_pids(home)["gateway"]
    os.kill(shim, signal.SIGSTOP)
    try:
        os.kill(first, signal.SIGKILL)
        for name in orphans:
            eventually(f"the second gateway brings {name} to its end", lambda n=name: "run.outcome" in kinds(home, n))
    finally:
        os.kill(shim, signal.SIGCONT)
    wait_succeeded(home, *orphans)
    assert model.requests() - before == 3 * len(orphans), "an answer was paid for twice"
    second.process.terminate()
    assert second.process.wait(timeout=30) == 0


def main():
    home = on_postgres(HOMES[sys.argv[1]])()
    try:
        model = Model.saying(home, SCRIPT)
        home.kubectl("apply", "-f", "-", text=model.example())
        check_a_run(home, model)
        check_the_database_dies(home, model)
        check_two_gateways(home, model)
        assert not home.crashes(), home.crashes()
        check_the_journal_stays_where_it_is(home)
        print("ok")
    finally:
        home.stop()


if __name__ == "__main__":
    main()
