#!/usr/bin/env python3
"""The simulator against the client libraries that agents are made with, unmodified: `openai` and `anthropic` for Python and for Node.
Streamed and whole, with tools, refusals and answers that break off. They are what test/frameworks/build installs; without it this test
is skipped (exit code 77).
  test/frameworks/wire.py"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SKIPPED = 77


def packages():
    found = subprocess.run([HERE / "build", "--look"], capture_output=True, text=True)
    if found.returncode != 0:
        print("skipped: the client libraries are not installed; test/frameworks/build does it")
        sys.exit(SKIPPED)
    return pathlib.Path(found.stdout.strip())


class Simulator:
    def __enter__(self):
        program = os.environ.get("SYMPOZIUM", ROOT / "build" / os.environ.get("PRESET", "dev") / "bin/sympozium")
        self.process = subprocess.Popen([program, "model-sim", "--script", HERE / "model.yaml"], stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if match := re.search(r"base URL (http://\S+)/v1", line):
                self.url = match[1]
                return self
        raise AssertionError("the simulator did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.stdout.read()
        if self.process.wait(timeout=30) != 0:
            raise AssertionError(f"the simulator ended with {self.process.returncode}")


def main():
    folder = packages()
    node = shutil.which("node") if (folder / "node_modules").is_dir() else None
    clients = [("python", [folder / "venv/bin/python", HERE / "clients.py"])]
    if node:
        # Node looks for packages beside a program; the checkout stays without them.
        clients.append(("node", [node, folder / "clients.mjs"]))
        shutil.copy(HERE / "clients.mjs", folder / "clients.mjs")
    else:
        print("without node: npm was not there when test/frameworks/build ran")
    failed = 0
    for name, command in clients:
        with Simulator() as simulator:
            environment = {"PATH": os.environ["PATH"], "SIMULATOR": simulator.url, "PYTHONDONTWRITEBYTECODE": "1"}
            done = subprocess.run(command, env=environment, timeout=240)
        print(f"{name}: {'passed' if done.returncode == 0 else 'failed'}")
        failed += done.returncode != 0
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
