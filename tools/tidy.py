#!/usr/bin/env python3
"""House rules that a compiler does not check. Prints every breach as file:line: what; exits 1 when there is one.

Layers:   an include in src/ points to the same or a lower layer; ARCHITECTURE.md's table says which folder lies where.
Rim:      Asio, Beast, OpenSSL, sqlite3, libpq and c-ares are included only by .cpp files of the rim (and io/task.h, *_impl.h of the rim).
Banned:   calls that escape a port (time, randomness, threads, processes, environment); in tests, sleeping.
READMEs:  each folder has its purpose in a README: its own, or a line in that of the folder above. One of src/ fits a screen, says
          its layer, and names no file that is not there.
ADRs:     numbered without a gap, each in the index under its title.
Words:    nothing unfinished is committed.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RIM_HEADERS = re.compile(r'#include\s*<(boost/asio|boost/beast|openssl/|sqlite3\.h|libpq-fe\.h|ares\.h)')
SLEEPS = re.compile(r'\bsleep_for\b|\busleep\s*\(|\bnanosleep\s*\(')
BANNED = [  # what, why, the folders of src/ that may
    (re.compile(r'\bstd::chrono::(system|steady)_clock::now\b'), "time comes from base::Clock", {"io"}),
    (re.compile(r'\bstd::(random_device|mt19937)|\b(s?rand|random)\(\)'), "randomness comes from base::Random", {"io"}),
    (re.compile(r'\bstd::(jthread|thread|async)\b'), "a process has the threads of the rim and no others", {"io", "sqlite"}),
    (re.compile(r'\b(system|popen)\s*\('), "programs are started by io::Process", set()),
    (re.compile(r'\bgetenv\s*\('), "the environment is read by apps/ and cli/ only", {"apps", "cli"}),
    (re.compile(r'\bdetached\b'), "every task has a group", set()),
    (SLEEPS, "waits go through io::sleep", set()),
]
UNFINISHED = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b')
SCREEN = 50  # lines


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
                         cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / line for line in out.splitlines() if (ROOT / line).is_file()]


def lines_of(path):
    return enumerate(path.read_text(errors="replace").splitlines(), 1)


def layers():
    """Folder -> (rank, "L3"), from the rows "| L3 engines | `policy` `journal` … |", lowest first within a row, too."""
    found = {}
    for _, line in lines_of(ROOT / "ARCHITECTURE.md"):
        if match := re.match(r"\| (L\d) [^|]*\|([^|]*)\|", line):
            for folder in re.findall(r"`(\w+)`", match[2]):
                found[folder] = (len(found), match[1])
    return found


def sources(breaches, layer_of):
    rim = {folder for folder, (_, layer) in layer_of.items() if layer == "L1"}
    for path in tracked("src/*.h", "src/*.cpp"):
        name = path.relative_to(ROOT)
        folder = name.parts[1]
        if folder not in layer_of:
            breaches.append(f"{name}:1: folder {folder} has no layer; name it in ARCHITECTURE.md")
            continue
        is_test = path.stem.endswith("_test")
        may_see_rim = folder in rim and (path.suffix == ".cpp" or path.stem.endswith("_impl"))
        for number, line in lines_of(path):
            where = f"{name}:{number}"
            if match := re.match(r'#include\s*"(\w+)/', line):
                other = match[1]
                if other in layer_of and layer_of[other] > layer_of[folder]:
                    breaches.append(f"{where}: {folder} includes {other}, which lies above it")
            if RIM_HEADERS.match(line) and not may_see_rim and str(name) != "src/io/task.h":
                breaches.append(f"{where}: belongs to the rim ({', '.join(sorted(rim))})")
            if is_test:
                continue
            for pattern, why, allowed in BANNED:
                if folder not in allowed and pattern.search(line):
                    breaches.append(f"{where}: {why}")


def tests(breaches):
    for path in tracked("test/*.h", "test/*.cpp", "src/*_test.cpp"):
        for number, line in lines_of(path):
            if SLEEPS.search(line):
                breaches.append(f"{path.relative_to(ROOT)}:{number}: a test never sleeps: move the clock, or wait for what happens")


def words(breaches):
    for path in tracked():
        if path == pathlib.Path(__file__).resolve():
            continue
        for number, line in lines_of(path):
            if match := UNFINISHED.search(line):
                breaches.append(f"{path.relative_to(ROOT)}:{number}: {match[1]}: finish it or take it out")


def folders():
    """Every folder of the first and second level, and those within a folder of src/; test data speak for themselves."""
    found = set()
    for path in tracked():
        parts = path.relative_to(ROOT).parts[:-1]
        for depth in range(1, min(len(parts), 3 if parts[:1] == ("src",) else 2) + 1):
            if parts[depth - 1] != "testdata":
                found.add(pathlib.PurePath(*parts[:depth]))
    return sorted(found)


def readmes(breaches, layer_of):
    top = "".join((ROOT / name).read_text() for name in ("README.md", "ARCHITECTURE.md") if (ROOT / name).exists())
    for folder in folders():
        readme = ROOT / folder / "README.md"
        above = ROOT / folder.parent / "README.md"
        if readme.exists():
            if not readme.read_text().startswith("# "):
                breaches.append(f"{folder}/README.md:1: does not begin with a heading")
        elif folder.parts[0] == "src" and len(folder.parts) == 2:
            breaches.append(f"{folder}: has no README.md")
        elif f"`{folder.name}/`" not in (above.read_text() if above.exists() and len(folder.parts) > 1 else top):
            breaches.append(f"{folder}: say what it is for, in a README.md or beside `{folder.name}/` in that of the folder above")
    for readme in tracked("src/*/README.md"):
        folder, text = readme.parent, readme.read_text()
        name = readme.relative_to(ROOT)
        if len(text.splitlines()) > SCREEN:
            breaches.append(f"{name}: is longer than a screen")
        _, layer = layer_of.get(folder.name, (0, "L?"))
        if not re.match(rf"# {folder.name} — .*\({layer}\b", text):
            breaches.append(f"{name}:1: should begin with \"# {folder.name} — purpose ({layer})\"")
        for mentioned in re.findall(r"`([\w/*]+\.(?:h|cpp))`", text):
            if not any(folder.rglob(mentioned)) and not any((ROOT / "src").glob(mentioned)):
                breaches.append(f"{name}: there is no {mentioned}")


def adrs(breaches):
    index = (ROOT / "docs/adr/README.md").read_text()
    for number, path in enumerate(sorted((ROOT / "docs/adr").glob("[0-9]*.md")), 1):
        name = path.relative_to(ROOT)
        heading = path.read_text().splitlines()[0]
        match = re.match(r"# (\d{4}) (.+)", heading)
        if not match or match[1] != path.name[:4]:
            breaches.append(f"{name}:1: should begin with \"# {path.name[:4]} Title\"")
        elif int(match[1]) != number:
            breaches.append(f"{name}: number {number:04} is missing or taken twice")
        elif f"[{match[1]}]({path.name}) {match[2]}\n" not in index:
            breaches.append(f"docs/adr/README.md: lacks \"- [{match[1]}]({path.name}) {match[2]}\"")


def main():
    breaches = []
    layer_of = layers()
    sources(breaches, layer_of)
    tests(breaches)
    words(breaches)
    readmes(breaches, layer_of)
    adrs(breaches)
    print("\n".join(breaches) or "tidy")
    sys.exit(bool(breaches))


if __name__ == "__main__":
    main()
