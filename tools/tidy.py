#!/usr/bin/env python3
"""House rules that a compiler does not check. Prints every breach as file:line: what; exits 1 when there is one.

Layers:   an include in src/ points to the same or a lower layer (src/CMakeLists.txt and DESIGN name them).
Rim:      Asio, Beast, OpenSSL, sqlite3, c-ares are included only by .cpp files of the rim (and io/task.h, *_impl.h of the rim).
Banned:   calls that escape a port (time, randomness, detached tasks, process environment).
READMEs:  each folder of src/ has one that fits a screen.
Words:    nothing unfinished is committed.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYERS = [
    ["base"], ["schema"], ["objects"],                                     # L0 pure
    ["io"], ["sqlite"],                                                    # L1 rim
    ["protocol"], ["kube"], ["llm"],                                       # L2 protocols
    ["policy"], ["journal"], ["controller"], ["agent"], ["executor"],      # L3 engines
    ["apiserver"], ["loops"], ["node"],
    ["admission"], ["reconcilers"], ["gateway"], ["bridge"], ["modelsim"], ["home"],  # L4 product
    ["cli"],
    ["apps"],                                                              # L5 wiring
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
RIM = {"io", "sqlite"}
RIM_HEADERS = re.compile(r'#include\s*<(boost/asio|boost/beast|openssl/|sqlite3\.h|ares\.h)')
BANNED = [
    (re.compile(r'\bstd::chrono::(system|steady)_clock::now\b'), "time comes from base::Clock", {"io"}),
    (re.compile(r'\bstd::(random_device|mt19937)|\b(s?rand|random)\(\)'), "randomness comes from base::Random", {"io"}),
    (re.compile(r'\bsleep_for\b|\busleep\s*\(|\bnanosleep\s*\('), "waits go through io::sleep", set()),
    (re.compile(r'\bdetached\b'), "every task has a group", set()),
    (re.compile(r'\bgetenv\s*\('), "the environment is read by apps/ and cli/ only", {"apps", "cli"}),
    (re.compile(r'\b(TODO|FIXME|XXX|HACK)\b'), "finish it or say it in docs/plan.md", set()),
]


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
                         cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / line for line in out.splitlines() if (ROOT / line).exists()]


def sources(breaches):
    for path in tracked("src/*.h", "src/*.cpp"):
        name = path.relative_to(ROOT)
        folder = name.parts[1]
        test = path.name.endswith("_test.cpp")
        if folder not in RANK:
            breaches.append(f"{name}:1: folder {folder} has no layer; name it in tools/tidy.py")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            where = f"{name}:{number}"
            if match := re.match(r'#include\s*"([a-z_]+)/', line):
                other = match[1]
                if other in RANK and RANK[other] > RANK[folder]:
                    breaches.append(f"{where}: {folder} includes {other}, which lies above it")
            if RIM_HEADERS.match(line) and not (folder in RIM and (path.suffix == ".cpp" or path.name.endswith("_impl.h"))):
                if str(name) != "src/io/task.h":
                    breaches.append(f"{where}: belongs to the rim ({', '.join(sorted(RIM))})")
            if test:
                continue
            for pattern, why, allowed in BANNED:
                if folder not in allowed and pattern.search(line):
                    breaches.append(f"{where}: {why}")


def readmes(breaches):
    for folder in sorted({path.parent for path in tracked("src/*.cpp") if path.parent.parent == ROOT / "src"}):
        readme = folder / "README.md"
        if not readme.exists():
            breaches.append(f"{folder.relative_to(ROOT)}: has no README.md")
        elif len(readme.read_text().splitlines()) > 50:
            breaches.append(f"{readme.relative_to(ROOT)}: is longer than a screen")


def main():
    breaches = []
    sources(breaches)
    readmes(breaches)
    print("\n".join(breaches) or "tidy")
    sys.exit(bool(breaches))


if __name__ == "__main__":
    main()
