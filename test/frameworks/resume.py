#!/usr/bin/env python3
"""Frameworks, unmodified, as agents that are killed:   test/frameworks/resume.py [--install | --installed] [NAME…]

Each folder of examples/frameworks (or those named) becomes an image with its pinned packages, is imported into an embedded home and run. Its
process is killed with kill -9 once the first and once the second answer is in the journal; it starts again from its beginning and
ends. Prints a line for each: executions, requests that the model got, whether it diverged, seconds. Fails unless each run succeeded,
three answers cost three requests, and none diverged. Packages go into a cache outside the checkout, keyed by their pins; --install does only
that, --installed tells those whose packages are there, and exits with 77 when there are none."""
import hashlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import oci
from homes import ROOT, SYMPOZIUM, Embedded, Model, eventually, run

EXAMPLES = ROOT / "examples/frameworks"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "sympozium/frameworks"
TASK = "Add 17, 25 and 8."
ANSWER = "The sum is 50."


def folder_of(name):
    """Where an example's packages are, or will be."""
    pins = ("package-lock.json", "agent.ts") if is_typescript(name) else ("requirements.txt",)
    content = b"".join((EXAMPLES / name / file).read_bytes() for file in pins)
    return CACHE / f"{name}-{hashlib.sha256(content).hexdigest()[:16]}"


def is_typescript(name):
    return (EXAMPLES / name / "agent.ts").exists()


def packages(name):
    """A Python example's packages, installed when they are not there."""
    folder = folder_of(name)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = pathlib.Path(tempfile.mkdtemp(dir=folder.parent, prefix=".install-"))
        run("/usr/bin/python3", "-m", "venv", work / "venv", timeout=600)
        run(work / "venv/bin/python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--target", work / "site", "-r",
            EXAMPLES / name / "requirements.txt", timeout=1800)
        (work / "site").rename(folder)
        shutil.rmtree(work)
    return folder


def compiled(name):
    """A TypeScript example with its packages and its JavaScript, made when they are not there."""
    folder = folder_of(name)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = pathlib.Path(tempfile.mkdtemp(dir=folder.parent, prefix=".install-"))
        for file in ("package.json", "package-lock.json", "tsconfig.json", "agent.ts"):
            shutil.copy(EXAMPLES / name / file, work)
        for command in (["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], ["npx", "tsc"],
                        ["npm", "prune", "--omit=dev", "--silent"]):
            subprocess.run(command, cwd=work, check=True, timeout=600)
        work.chmod(0o755)
        work.rename(folder)
    return folder


def image_of(name, folder):
    path = folder / f"{name}.tar"
    if is_typescript(name):
        return oci.write_image(path, [oci.node_layer(), oci.layer({"/app": compiled(name)})], {"Env": ["PATH=/usr/bin"]})
    layers = [oci.python_layer(packages(name)), oci.layer({"/packages": packages(name)}), oci.layer({"/app/agent.py": EXAMPLES / name / "agent.py"})]
    return oci.write_image(path, layers, {"Env": ["PATH=/usr/bin", "PYTHONPATH=/packages", "PYTHONDONTWRITEBYTECODE=1"]})


def completed(home, uid):
    with sqlite3.connect(f"file:{home.state}/gateway/journal.db?mode=ro", uri=True, timeout=10) as db:
        return db.execute("SELECT count(*) FROM events WHERE kind = 'model.outcome' AND run_uid = ?", (uid,)).fetchone()[0]


def kill_program(run_name):
    """The foreign program of a run: the process whose environment is the run's and that is not our launcher."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            environment = pathlib.Path(f"/proc/{entry}/environ").read_bytes().split(b"\0")
            words = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"AGENT_RUN_ID={run_name}".encode() in environment and any(b"/app/agent." in w for w in words) and b"init" not in words:
            os.kill(int(entry), 9)
            return True
    return False


def tell(home, model, name):
    began = time.monotonic()
    run(SYMPOZIUM, "image", "import", image_of(name, home.folder), "--name", f"example/{name}:1", "--state", home.state, timeout=600)
    (home.folder / f"{name}.tar").unlink()
    home.kubectl("apply", "-f", "-", text=(EXAMPLES / name / "agent.yaml").read_text().replace("127.0.0.1:9411", model.address))
    before, ready = model.requests(), time.monotonic()
    home.kubectl("apply", "-f", "-", text=json.dumps({
        "apiVersion": "sympozium.ai/v1alpha1", "kind": "AgentRun", "metadata": {"name": name},
        "spec": {"agentRef": name, "agentId": name, "sessionKey": name, "task": TASK, "timeout": "10m",
                 "model": {"provider": "anthropic" if name == "anthropic" else "openai", "model": "sim-1", "authSecretRef": f"{name}-provider"}}}))
    uid = home.get("agentrun", name)["metadata"]["uid"]
    for answers in (1, 2):
        eventually(f"{name} has {answers} answers", lambda: completed(home, uid) >= answers, 180)
        eventually(f"{name} can be killed", lambda: kill_program(name), 60)
    status = eventually(f"{name} has ended", lambda: (s := home.get("agentrun", name).get("status", {})).get("phase") in ("Succeeded", "Failed") and s, 300)
    row = {"framework": name, "phase": status["phase"], "result": status.get("result", ""), "executions": status.get("outcome", {}).get("execution"),
           "requests": model.requests() - before, "diverged": status.get("divergence", {}).get("pointer"), "import_s": round(ready - began, 1),
           "run_s": round(time.monotonic() - ready, 1)}
    print(json.dumps(row), flush=True)
    if status["phase"] == "Failed":
        print(status.get("error"), home.kubectl("logs", f"pod/{status['podName']}", "-c", "agent", "--tail=30", check=False).stdout, sep="\n")
    return row["phase"] == "Succeeded" and ANSWER in row["result"] and row["requests"] == 3 and row["diverged"] is None and row["executions"] == 3


def main():
    flags = [word for word in sys.argv[1:] if word.startswith("--")]
    names = [word for word in sys.argv[1:] if word not in flags] or sorted(p.name for p in EXAMPLES.iterdir() if p.is_dir())
    if "--install" in flags:
        for name in names:
            compiled(name) if is_typescript(name) else packages(name)
        return
    if "--installed" in flags:
        names = [name for name in names if folder_of(name).exists()]
        if not names:
            print("skipped: no packages here; test/frameworks/resume.py --install")
            sys.exit(77)
    home = Embedded()
    try:
        script = home.folder / "adder.yaml"
        script.write_text((EXAMPLES / "model.yaml").read_text().replace("300ms", "3s"))
        model = Model(home, script)
        failed = [name for name in names if not tell(home, model, name)]
        assert not failed, failed
        assert not home.crashes(), home.crashes()
        print("ok")
    finally:
        home.stop()


if __name__ == "__main__":
    main()
