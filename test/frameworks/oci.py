"""Images without a builder: OCI image layouts in a tar, made of this machine's own Python or Node and folders of packages."""
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile


def _add(tar, name, path):
    tar.add(path, arcname=name.lstrip("/"), recursive=True, filter=lambda entry: None if "__pycache__" in entry.name else entry)


def layer(files, links=()):
    """A layer of {place in the image: path here}; folders with all that is in them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, path in files.items():
            _add(tar, name, path)
        for name, target in links:
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return out.getvalue()


def libraries_of(programs):
    """What the dynamic loader needs for them: {place: path}, the loader itself included."""
    found = {}
    for line in subprocess.run(["ldd", *programs], capture_output=True, text=True).stdout.splitlines():
        for word in line.split():
            if word.startswith(("/lib", "/usr/lib")) and os.path.exists(word):
                found[os.path.realpath(os.path.dirname(word)) + "/" + os.path.basename(word)] = os.path.realpath(word)
    return found


def python_layer(packages):
    """Debian's Python 3.11, as it lies in /usr, and the machine's libraries that it and these packages need."""
    library, certificates = pathlib.Path("/usr/lib/python3.11"), "/etc/ssl/certs/ca-certificates.crt"
    modules = [str(p) for folder in (library / "lib-dynload", packages) for p in folder.rglob("*.so")]
    files = {str(library): str(library), "/usr/bin/python3": "/usr/bin/python3.11", certificates: certificates,
             **libraries_of(["/usr/bin/python3.11", *modules])}
    return layer(files, [("/lib", "usr/lib"), ("/lib64", "usr/lib64"), ("/bin", "usr/bin")])


def node_layer():
    node = os.path.realpath(shutil.which("node"))
    files = {"/usr/bin/node": node, **libraries_of([node])}
    return layer(files, [("/lib", "usr/lib"), ("/lib64", "usr/lib64"), ("/bin", "usr/bin")])


def write_image(path, layers, config):
    blobs = {}

    def blob(content):
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"digest": f"sha256:{digest}", "size": len(content)}

    described = blob({"os": "linux", "architecture": "amd64", "config": config})
    manifest = blob({"schemaVersion": 2, "config": described, "layers": [blob(one) for one in layers]})
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
             "index.json": json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode(), **blobs}
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path
