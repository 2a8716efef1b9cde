"""The load generators: wrk for as much as possible, pace for a fixed rate, pgbench for SQL alone."""
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from harness import machine
from harness.servers import BUILD, POSTGRES, ROOT, BenchError, built

CONNECTIONS = 64
PGBENCH_CLIENTS = (4, 8, 16, 32)
WRK_SCRIPT = ROOT / "bench" / "wrk" / "requests.lua"


class Targets:
    """What is asked for: paths, or one path and a body to post there."""

    numbers_given = 0

    def __init__(self, paths, body=None, token=None):
        self.paths = paths
        self.body = body
        self.token = token
        file = BUILD / "targets" / f"{abs(hash((tuple(paths), body)))}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(paths) + "\n")
        self.file = file

    def environment(self):
        given = {**os.environ, "TARGETS": str(self.file)}
        if self.body:
            Targets.numbers_given += 1
            first = Targets.numbers_given * 1_000_000_000
            given |= {"BODY": self.body, "TOKEN": self.token, "FIRST": str(first)}
        return given


class Meter:
    """CPU time of named groups of processes between two moments."""

    def __init__(self, groups):
        self.groups = groups
        self.before = {name: machine.cpu_seconds(pids()) for name, pids in groups.items()}

    def microseconds(self, requests):
        spent = {}
        for name, pids in self.groups.items():
            user, system = machine.cpu_seconds(pids())
            user, system = user - self.before[name][0], system - self.before[name][1]
            spent[name] = {"user": user / requests * 1e6, "system": system / requests * 1e6}
        return spent


def wrk(port, targets, seconds, groups=None):
    meter = Meter(groups or {})
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "--latency"]
        + ["-s", str(WRK_SCRIPT), f"http://127.0.0.1:{port}"],
        env=targets.environment(),
        capture_output=True,
        text=True,
    )
    found = re.search(r"^JSON (.*)$", done.stdout, re.M)
    if not found:
        raise BenchError(f"wrk failed: {done.stdout[-300:]} {done.stderr[-300:]}")
    told = json.loads(found.group(1))
    if told["bad_status"] or told["bad_socket"] or not told["requests"]:
        raise BenchError(f"wrong answers at {targets.paths[0]}: {told}")
    return {
        "rps": told["requests"] / told["microseconds"] * 1e6,
        "p50_ms": told["p50_us"] / 1000,
        "p99_ms": told["p99_us"] / 1000,
        "cpu_us": meter.microseconds(told["requests"]),
    }


def pace(port, targets, seconds, rate):
    """A fixed rate, evenly spread; percentiles over every request but those of the first second."""
    done = subprocess.run(
        [built("pace"), str(port), str(CONNECTIONS), f"{rate:.3f}", str(seconds)],
        env=targets.environment(),
        capture_output=True,
        text=True,
    )
    found = re.search(r"^JSON (.*)$", done.stdout, re.M)
    if not found:
        raise BenchError(f"pace failed: {done.stdout[-300:]} {done.stderr[-300:]}")
    told = json.loads(found.group(1))
    if told["bad_status"]:
        raise BenchError(f"wrong answers at {targets.paths[0]}: {told}")
    return {
        "rps": told["requests"] / seconds,
        "p50_ms": told["p50_us"] / 1000,
        "p99_ms": told["p99_us"] / 1000,
        "max_ms": told["max_us"] / 1000,
    }


def many_requests(port, targets, count):
    """So many requests, as fast as they go."""
    urls = BUILD / "h2load.urls"
    urls.write_text("".join(f"http://127.0.0.1:{port}{path}\n" for path in targets.paths))
    done = subprocess.run(
        ["h2load", "--h1", "-t1", f"-c{CONNECTIONS}", f"-n{count}", "-i", str(urls)],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0 or f"{count} succeeded" not in done.stdout:
        raise BenchError(f"h2load failed: {done.stdout[-500:]} {done.stderr[-300:]}")


def pgbench(database, script, seconds, clients, variables=None, groups=None):
    defined = [f"-D{name}={value}" for name, value in (variables or {}).items()]
    meter = Meter(groups or {})
    done = subprocess.run(
        [str(POSTGRES / "pgbench"), "-n", "-M", "prepared", f"-c{clients}", f"-T{seconds}"]
        + [*defined, "-f", str(ROOT / "bench" / "sql" / script)],
        env={**os.environ, **database.environment("request")},
        capture_output=True,
        text=True,
    )
    rate = re.search(r"^tps = ([\d.]+) \(without", done.stdout, re.M)
    count = re.search(r"actually processed: (\d+)", done.stdout)
    if done.returncode != 0 or not rate or not count or "ERROR" in done.stderr:
        raise BenchError(f"pgbench {script} failed: {done.stderr[-500:]} {done.stdout[-300:]}")
    return {"rps": float(rate.group(1)), "clients": clients,
            "cpu_us": meter.microseconds(int(count.group(1)))}


def pgbench_at_rate(database, script, seconds, rate, variables=None):
    """SQL alone at a fixed rate; a transaction's time counts from when it was due."""
    folder = BUILD / "pgbench"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    defined = [f"-D{name}={value}" for name, value in (variables or {}).items()]
    done = subprocess.run(
        [str(POSTGRES / "pgbench"), "-n", "-M", "prepared", "-c8", f"-T{seconds + 1}"]
        + [f"-R{rate:.1f}", "--log", "--log-prefix=paced", *defined]
        + ["-f", str(ROOT / "bench" / "sql" / script)],
        env={**os.environ, **database.environment("request")},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0 or "ERROR" in done.stderr:
        raise BenchError(f"pgbench {script} failed: {done.stderr[-500:]} {done.stdout[-300:]}")
    # client, number, microseconds (the wait for its turn included), script, second, microsecond, lag
    rows = [line.split() for file in folder.iterdir() for line in file.read_text().splitlines()]
    ended = sorted((int(row[4]) * 1_000_000 + int(row[5]), int(row[2])) for row in rows)
    took = sorted(micros for when, micros in ended if when >= ended[0][0] + 1_000_000)
    return {
        "rps": len(took) / seconds,
        "p50_ms": took[len(took) // 2] / 1000,
        "p99_ms": took[int(len(took) * 0.99)] / 1000,
        "max_ms": took[-1] / 1000,
    }
