#!/usr/bin/env python3
"""Streaming against nginx from Debian, on this machine: `run.py [rounds [seconds]]`.

The servers answer the same files to the same client in turns, in another order every round; each
run starts a fresh server. Medians of the rounds (5 unless told otherwise). What counts is CPU time
of the server (user and system, with its workers), which a busy machine changes less than speed.

    plain     nginx as it is shipped: sendfile on, access log off
    sndbuf    nginx with `listen … sndbuf=128k`
    sori      the streaming block by the setting `auto`: bytes counted, no accounts
    mmap, sendfile, read    its other settings

Exits with 1 when a measure is missed.
"""

import json
import os
import random
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BENCH = ROOT / "target/release/examples/streaming_bench"
PAGE = os.sysconf("SC_PAGE_SIZE")
MIB = 1 << 20
SORI = ["sori", "mmap", "sendfile", "read"]
NGINX = ["plain", "sndbuf"]


def install_nginx() -> None:
    if shutil.which("nginx"):
        return
    if os.environ.get("SORI_NO_APT") == "1":
        sys.exit("bench: nginx is missing: apt-get install nginx-light")
    print("bench: installing nginx-light", file=sys.stderr)
    root = [] if os.geteuid() == 0 else ["sudo"]
    install = "apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends nginx-light"
    subprocess.run([*root, *install.split()], check=True, stdout=subprocess.DEVNULL)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """One fresh server; its CPU seconds and its memory."""

    def __init__(self, kind: str, files: Path):
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="sori-bench-"))
        if kind in NGINX:
            option = " sndbuf=128k" if kind == "sndbuf" else ""
            config = self.folder / "nginx.conf"
            config.write_text(
                f"""worker_processes 2; daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log;
{"user root;" if os.geteuid() == 0 else ""}
events {{ worker_connections 4096; }}
http {{ access_log off; sendfile on; keepalive_requests 100000000;
  server {{ listen 127.0.0.1:{self.port}{option}; root {files}; }} }}
"""
            )
            command = ["nginx", "-p", self.folder, "-c", config]
        else:
            command = [BENCH, "serve", files, "auto" if kind == "sori" else kind, str(self.port)]
        self.process = subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.02)
        sys.exit(f"bench: {kind} does not answer")

    def processes(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [self.process.pid, *map(int, children.split())]

    def cpu_seconds(self) -> float:
        # The scheduler counts in nanoseconds, /proc/PID/stat in hundredths of a second.
        nanoseconds = 0
        for pid in self.processes():
            for thread in Path(f"/proc/{pid}/task").iterdir():
                nanoseconds += int((thread / "schedstat").read_text().split()[0])
        return nanoseconds / 1e9

    def anonymous_mib(self) -> float:
        total = 0
        for pid in self.processes():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    total += int(line.split()[1])
        return total / 1024

    def load(self, *words: object) -> dict:
        address = f"127.0.0.1:{self.port}"
        output = subprocess.run(
            [str(BENCH), words[0], address, *map(str, words[1:])], stdout=subprocess.PIPE, text=True
        )
        if output.returncode != 0:
            sys.exit(f"bench: {output.stdout}")
        return json.loads(output.stdout)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


def tcp_memory_mib() -> float:
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            return int(line.split()[-1]) * PAGE / MIB
    return 0.0


def random_spans(files: Path, kind: str, span: int, seconds: float, paths: list[str]) -> dict:
    server = Server(kind, files)
    server.load("load", 0.7, 64, span, *paths)
    before = server.cpu_seconds()
    report = server.load("load", seconds, 64, span, *paths)
    cpu = server.cpu_seconds() - before
    server.stop()
    return {
        "cpu_s_per_gb": cpu / (report["bytes"] / 1e9),
        "cpu_us_per_request": cpu / report["requests"] * 1e6,
        "p99_ms": report["p99_ms"],
        "gb_per_s": report["bytes"] / 1e9 / report["seconds"],
    }


def first_pass(files: Path, kind: str, paths: list[str]) -> dict:
    server = Server(kind, files)
    before = server.cpu_seconds()
    report = server.load("load", "once", 64, MIB, *paths)
    cpu = server.cpu_seconds() - before
    server.stop()
    return {"cpu_s_per_gb": cpu / (report["bytes"] / 1e9)}


def slow_listeners(files: Path, kind: str, paths: list[str]) -> dict:
    server = Server(kind, files)
    before = tcp_memory_mib()
    command = [str(BENCH), "slow", f"127.0.0.1:{server.port}", "6", "1000", str(16 * MIB), paths[0]]
    client = subprocess.Popen(command, stdout=subprocess.PIPE)
    time.sleep(4.5)
    found = {"anonymous_mib": server.anonymous_mib(), "tcp_mib": tcp_memory_mib() - before}
    if client.wait() != 0:
        sys.exit(f"bench: {client.stdout.read()}")
    server.stop()
    return found


def medians(rounds: int, kinds: list[str], measure) -> dict[str, dict]:
    found: dict[str, list[dict]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind in random.sample(kinds, len(kinds)):
            found[kind].append(measure(kind))
    return {
        kind: {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        for kind, runs in found.items()
    }


def table(title: str, found: dict[str, dict]) -> None:
    names = list(next(iter(found.values())))
    print(f"\n### {title}\n| server | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for kind, values in found.items():
        print(f"| {kind} | {' | '.join(f'{values[name]:.3f}' for name in names)} |")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 2.5
    install_nginx()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, 65_536), limit))
    kinds = NGINX + SORI
    verdicts = []

    def judge(what: str, value: float, must: float, aim: float, unit: str = "x") -> None:
        word = "aim" if value <= aim else "must" if value <= must else "**missed**"
        verdicts.append((what, value, must, aim, unit, word))

    with tempfile.TemporaryDirectory(prefix="sori-bench-files-") as folder:
        files = Path(folder)
        files.chmod(0o755)
        paths = []
        for _ in range(4):
            name = str(uuid.uuid4())
            with open(files / name, "wb") as file:
                for _ in range(64):
                    file.write(os.urandom(MIB))
            paths.append(f"/{name}")

        big = medians(rounds, kinds, lambda kind: random_spans(files, kind, MIB, seconds, paths))
        table("1 MB ranges, 64 connections", big)
        small = medians(rounds, kinds, lambda kind: random_spans(files, kind, 64 << 10, seconds, paths))
        table("64 KB ranges, 64 connections", small)
        first = medians(rounds, kinds, lambda kind: first_pass(files, kind, paths))
        table("every megabyte of 256 once, by a fresh server", first)
        slow = medians(max(1, rounds // 2), kinds, lambda kind: slow_listeners(files, kind, paths))
        table("1000 listeners at 32 KB/s", slow)

        def against(found: dict, name: str, reference: str = "plain") -> float:
            return found["sori"][name] / found[reference][name]

        judge("1 MB: CPU per GB against nginx", against(big, "cpu_s_per_gb"), 0.80, 0.65)
        judge("1 MB: the same against sndbuf=128k", against(big, "cpu_s_per_gb", "sndbuf"), 1.10, 1.00)
        judge("64 KB: CPU per request against nginx", against(small, "cpu_us_per_request"), 1.10, 0.95)
        judge("first pass: CPU per GB against nginx", against(first, "cpu_s_per_gb"), 1.15, 0.95)
        judge("1000 slow listeners: anonymous memory", slow["sori"]["anonymous_mib"], 40, 20, "MiB")
        judge("1000 slow listeners: TCP memory against nginx", against(slow, "tcp_mib"), 0.25, 0.12)
        judge("1 MB: p99 against nginx", against(big, "p99_ms"), 1.0, 0.6)

    print("\n| what | measured | must | aim | reached |\n|---|---|---|---|---|")
    for what, value, must, aim, unit, word in verdicts:
        print(f"| {what} | {value:.2f} {unit} | {must:.2f} | {aim:.2f} | {word} |")
    sys.exit(any(word == "**missed**" for *_, word in verdicts))


main()
