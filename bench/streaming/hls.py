#!/usr/bin/env python3
"""HLS by the true binary: `hls.py [demand|listeners]... [--sori PATH]`.

demand     scripts that nobody has packaged yet: how long a player waits for the first playlist and the
           first segment (multivariant playlist, media playlist, header, segment; one after the other)
listeners  a thousand who play at real pace for a minute, a segment every four seconds: every request

Exits with 1 when a measure is missed.
"""

import asyncio
import http.client
import json
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "a bench has four legs"
# About two minutes of tones.
TEXT = "\n".join("AB"[n % 2] + ": " + " ".join(["word"] * 14) + f" {n}" for n in range(20))
DEMANDS = 20
LISTENERS = 1000
PLAYED_S = 60
SEGMENT_S = 4


class Server:
    def __init__(self, sori: Path):
        self.folder = tempfile.TemporaryDirectory(prefix="sori-bench-")
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        limits = {f"SORI_LIMITS_{name}": "1000000" for name in ["READ", "WRITE", "SYNTH"]}
        environment = {**os.environ, "RUST_LOG": "warn", **limits}
        command = [sori, "serve", "--no-demo", "--data-dir", self.folder.name, "--listen", f"127.0.0.1:{self.port}"]
        self.log = open(Path(self.folder.name) / "bench.log", "w+")
        self.process = subprocess.Popen(list(map(str, command)), stdout=self.log, stderr=self.log, env=environment)
        self.token = None
        self.token = self.set_up()

    def set_up(self) -> str:
        for _ in range(600):
            found = re.search(r"setup\?token=(\S+)", Path(self.log.name).read_text())
            if found:
                break
            time.sleep(0.1)
        else:
            sys.exit(f"bench: the server shows no link for the first admin: {Path(self.log.name).read_text()}")
        who = {"email": "bench@example.org", "password": PASSWORD}
        self.ask("POST", "/api/auth/setup", {**who, "token": found[1], "name": "Bench"})
        return self.ask("POST", "/api/auth/sign-in", who)["access_token"]

    def ask(self, method: str, path: str, body: dict | None = None) -> dict:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status >= 400:
            sys.exit(f"bench: {method} {path}: {answer.status} {text}")
        return json.loads(text) if text else {}

    def rendered(self, number: int) -> str:
        """A script with a rendering; the words are the same, so that only the first is spoken."""
        script = self.ask("POST", "/v1/scripts/parse", {"text": TEXT, "format": "text"})["script"]
        script["title"] = f"Bench {number}"
        script["cast"] = {name: {"voice": voice} for name, voice in [("A", "tone:330"), ("B", "tone:440")]}
        made = self.ask("POST", "/v1/scripts", {"script": script})["id"]
        job = self.ask("POST", f"/v1/scripts/{made}/render", {"formats": ["wav"]})["job_id"]
        while (state := self.ask("GET", f"/v1/jobs/{job}")["status"]) != "succeeded":
            if state in ("failed", "cancelled"):
                sys.exit(f"bench: the render is {state}")
            time.sleep(0.02)
        return made

    def master(self, script: str) -> str:
        """The signed address, as players get it."""
        return self.ask("GET", f"/api/v1/audio/stream/{script}")["hls_url"]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


class Player:
    """One connection, kept open."""

    def __init__(self, port: int):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path: str, span: tuple[int, int] | None = None) -> bytes:
        headers = {"Range": f"bytes={span[0]}-{span[0] + span[1] - 1}"} if span else {}
        self.connection.request("GET", path, headers=headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != (206 if span else 200):
            sys.exit(f"bench: {path}: {answer.status} {body[:300]!r}")
        return body


def uris(playlist: str, base: str) -> list[str]:
    return [urllib.parse.urljoin(base, line) for line in playlist.splitlines() if line and not line.startswith("#")]


def spans(playlist: str) -> list[tuple[int, int]]:
    """Start and length: of the header, then of the segments."""
    return [(int(start), int(length)) for length, start in re.findall(r'BYTERANGE[:=]"?(\d+)@(\d+)', playlist)]


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def demand(sori: Path) -> bool:
    server = Server(sori)
    addresses = [server.master(server.rendered(number)) for number in range(DEMANDS)]
    waits, firsts = [], []
    for address in addresses:
        player = Player(server.port)
        began = time.monotonic()
        master = player.get(address).decode()
        firsts.append((time.monotonic() - began) * 1000)
        media_url = uris(master, address)[0]
        media = player.get(media_url).decode()
        file = uris(media, media_url)[0]
        for span in spans(media)[:2]:
            player.get(file, span)
        waits.append((time.monotonic() - began) * 1000)
        # The rest of it shall not be in the way of the next.
        while "#EXT-X-ENDLIST" not in player.get(media_url).decode():
            time.sleep(0.02)
    server.stop()
    worst = quantile(waits, 0.95)
    print("| on demand, ms | median | p95 | max | must | aim |\n|---|---|---|---|---|---|")
    row = lambda name, v, must, aim: print(
        f"| {name} | {statistics.median(v):.0f} | {quantile(v, 0.95):.0f} | {max(v):.0f} | {must} | {aim} |"
    )
    row("first playlist", firsts, "", "")
    row("first playlist and segment", waits, "p95 <= 1000", "p95 <= 400")
    return worst <= 1000


async def listen(port: int, file: str, segments: list[tuple[int, int]], begin: float, took: list[float]) -> None:
    await asyncio.sleep(begin)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    first = asyncio.get_running_loop().time()
    for number in range(PLAYED_S // SEGMENT_S):
        start, length = segments[1 + number % (len(segments) - 1)]
        asked = time.monotonic()
        head = f"GET {file} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nRange: bytes={start}-{start + length - 1}\r\n\r\n"
        writer.write(head.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 206"):
            raise RuntimeError(answer.decode())
        await reader.readexactly(length)
        took.append((time.monotonic() - asked) * 1000)
        # At the pace of the sound, however long the answer took.
        await asyncio.sleep(max(0.0, first + (number + 1) * SEGMENT_S - asyncio.get_running_loop().time()))
    writer.close()


async def crowd(port: int, file: str, segments: list[tuple[int, int]]) -> tuple[list[float], int]:
    took: list[float] = []
    listeners = (listen(port, file, segments, SEGMENT_S * n / LISTENERS, took) for n in range(LISTENERS))
    outcomes = await asyncio.gather(*listeners, return_exceptions=True)
    errors = [outcome for outcome in outcomes if outcome is not None]
    if errors:
        print(f"bench: {errors[0]!r}", file=sys.stderr)
    return took, len(errors)


def listeners(sori: Path) -> bool:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    server = Server(sori)
    address = server.master(server.rendered(0))
    player = Player(server.port)
    media_url = uris(player.get(address).decode(), address)[0]
    while "#EXT-X-ENDLIST" not in (media := player.get(media_url).decode()):
        time.sleep(0.05)
    took, errors = asyncio.run(crowd(server.port, uris(media, media_url)[0], spans(media)))
    server.stop()
    print("\n| 1000 listeners at real pace | requests | errors | median | p95 | p99 | must | aim |")
    print("|---|---|---|---|---|---|---|---|")
    print(
        f"| ms a request | {len(took)} | {errors} | {statistics.median(took):.1f} | {quantile(took, 0.95):.1f} "
        f"| {quantile(took, 0.99):.1f} | no error, p95 < 300 | p99 < 100 |"
    )
    return errors == 0 and quantile(took, 0.95) < 300


MEASURES = {"demand": demand, "listeners": listeners}

if __name__ == "__main__":
    arguments = sys.argv[1:]
    binary = ROOT / "target/release/sori"
    if "--sori" in arguments:
        at = arguments.index("--sori")
        binary = Path(arguments[at + 1])
        del arguments[at : at + 2]
    sys.exit(0 if all([MEASURES[name](binary) for name in arguments or list(MEASURES)]) else 1)
