#!/usr/bin/env python3
"""Fuzzes the whole OpenAPI document: `fuzz_api.py [--cases 10000] [--sori PATH]`.

Starts a server of its own, makes somebody of every role, and lets schemathesis send each of them (and
a visitor) its share of the cases: examples, coverage of the schema's borders, random ones. Fails for
a status 5xx and for an answer that the document does not describe.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCHEMATHESIS = "schemathesis==4.32.5"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
ROLES = ["visitor", "learner", "teacher", "editor", "admin"]
SCOPES = ["scripts:read", "scripts:write", "synth", "jobs:read", "jobs:write", "account"]
PASSWORD = "a fuzzer has a long password"
# They end the account or make everybody's next answer another: asked last, each by an account of its own.
ENDING = ["delete_me"]


def tool() -> Path:
    """schemathesis in a folder of its own, installed once."""
    folder = ROOT / "target/schemathesis"
    program = folder / "bin/schemathesis"
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text() != SCHEMATHESIS:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([folder / "bin/pip", "install", "--quiet", SCHEMATHESIS], check=True)
        stamp.write_text(SCHEMATHESIS)
    return program


class Server:
    """The product on fresh data, with limits that do not come first."""

    def __init__(self, sori: Path, folder: Path):
        self.log = folder / "log"
        settings = {f"SORI_LIMITS_{name}": "100000000" for name in ("SIGN_IN", "SYNTH", "WRITE", "READ", "FAILURES")}
        environment = {**os.environ, **settings, "RUST_LOG": "error", "SORI_WORKERS": "1"}
        command = [sori, "serve", "--no-demo", "--listen", "127.0.0.1:0", "--data-dir", folder / "data"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, env=environment)
        self.base = self.shown(r"Sori is at (http://[0-9.:]+)")
        token = self.shown(r"setup\?token=(\S+)")
        self.admin = self.call("/api/auth/setup", {"token": token, "email": "admin@example.org", "password": PASSWORD, "name": "Admin"})

    def shown(self, pattern: str) -> str:
        for _ in range(600):
            if found := re.search(pattern, self.log.read_text(errors="replace")):
                return found.group(1)
            if self.process.poll() is not None:
                raise SystemExit(f"the server ended:\n{self.log.read_text(errors='replace')}")
            time.sleep(0.1)
        raise SystemExit(f"the server shows no {pattern}")

    def call(self, path: str, body: dict, token: str | None = None) -> dict:
        request = urllib.request.Request(self.base + path, json.dumps(body).encode(), {"content-type": "application/json"})
        if token:
            request.add_header("authorization", f"Bearer {token}")
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"null")

    def key(self, role: str, name: str) -> str:
        """An API key of somebody new: it does not expire while the cases run."""
        email, admin = f"{name}@example.org", self.admin["access_token"]
        made = self.call("/api/admin/accounts", {"email": email, "name": name, "role": role}, admin)
        ticket = re.search(r"token=([^&\s\"]+)", json.dumps(made)).group(1)
        self.call("/api/auth/password/reset", {"token": ticket, "new": PASSWORD})
        session = self.call("/api/auth/sign-in", {"email": email, "password": PASSWORD})
        scopes = SCOPES + (["admin"] if role == "admin" else [])
        return self.call("/v1/api-keys", {"name": "fuzz", "scopes": scopes}, session["access_token"])["secret"]


def run(program: Path, server: Server, key: str | None, cases: int, filters: list[str], report: Path) -> tuple[int, bool]:
    """How many cases were sent, and whether all were answered as documented."""
    command = [program, "run", f"{server.base}/openapi.json", "--checks", CHECKS, "--phases", "examples,coverage,fuzzing",
               "--max-examples", str(cases), "--workers", "1", "--suppress-health-check", "all", "--continue-on-failure",
               "--warnings", "off", "--no-color", "--report", "json", "--report-json-path", report, "--request-timeout", "60", *filters]
    if key:
        command += ["-H", f"Authorization: Bearer {key}"]
    outcome = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if outcome.returncode != 0:
        print(outcome.stdout[-20_000:], outcome.stderr[-4_000:], sep="\n")
    counted = re.findall(r"([\d,]+) generated", outcome.stdout)
    return sum(int(number.replace(",", "")) for number in counted[-1:]), outcome.returncode == 0


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cases", type=int, default=10_000)
    arguments.add_argument("--sori", type=Path, default=ROOT / "target/release/sori")
    arguments.add_argument("--roles", default=",".join(ROLES))
    arguments = arguments.parse_args()
    program = tool()
    roles = arguments.roles.split(",")
    with tempfile.TemporaryDirectory() as folder:
        server = Server(arguments.sori, Path(folder))
        try:
            with urllib.request.urlopen(f"{server.base}/openapi.json") as answer:
                paths = json.load(answer)["paths"].values()
            operations = sum(len(methods) for methods in paths)
            each = max(1, arguments.cases // (operations * len(roles)))
            total, met, started = 0, True, time.monotonic()
            report = Path(folder) / "report.json"
            # Before anybody guesses at passwords: afterwards this address has to wait.
            signed_in = [role for role in roles if role != "visitor"]
            keys = {role: [server.key(role, f"{role}{n}") for n in range(1 + len(ENDING))] for role in signed_in}
            for role in roles:
                others = [word for name in ENDING for word in ("--exclude-operation-id", name)]
                first, *rest = keys.get(role, [None])
                count, good = run(program, server, first, each, others, report)
                for name, key in zip(ENDING, rest):
                    more, well = run(program, server, key, 1, ["--include-operation-id", name], report)
                    count, good = count + more, good and well
                print(f"{role}: {count} cases, {'as documented' if good else 'NOT as documented'}", flush=True)
                total, met = total + count, met and good
            crashed = server.process.poll() is not None
            print(f"{total} cases over {operations} operations in {time.monotonic() - started:.0f} s")
            if crashed:
                print(f"the server ended:\n{server.log.read_text(errors='replace')[-4_000:]}")
            return 0 if met and not crashed else 1
        finally:
            server.process.terminate()
            server.process.wait()


if __name__ == "__main__":
    sys.exit(main())
