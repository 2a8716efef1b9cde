"""The services of the platform: jobs, events, webhooks, the store, pictures, uploads."""
import json
import os
import shutil
import statistics
import subprocess

from harness.servers import BUILD, ROOT, BenchError, built

BENCH = ROOT / "bench"
NOTES = """Everything durable: `fsync` on, every commit waits for the disk, on a private cluster of its own. Jobs do nothing, and their peers run in the same rounds on the same cluster (`bench/queue`; BullMQ on a Redis without persistence). *One by one*: each job is claimed by a statement and settled by a commit of its own, and nothing is claimed ahead. Rates of commits are the machine's more than anybody's, so the ratios are what carries over. Events come from a full outbox; webhooks have receivers on this machine, each endpoint of an organization of its own, and of the dead some are silent, some refuse, some say 503. Redis is asked over a socket by one connection with so many commands under way, as redis-benchmark is. Pictures and uploads are made in turn with their peers."""
SERVICES = ("jobs", "events", "webhooks", "kv", "redis", "pictures", "upload")


def run(command, **environment):
    """The JSON of a program's last line; what it says before stands in a log of its name."""
    name = os.path.basename(command[0])
    log = BUILD / "logs" / f"service-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, **{k: str(v) for k, v in environment.items()}})
    log.write_text(done.stdout + done.stderr)
    lines = done.stdout.strip().splitlines()
    try:  # a goal that is missed is no failure of the measurement
        return json.loads(lines[-1])
    except (IndexError, ValueError) as problem:
        raise BenchError(f"{name} failed; {log} says why") from problem


def install(source, target):
    """The packages of a lock file, below build/bench: the queues that jobs are measured against."""
    target.mkdir(parents=True, exist_ok=True)
    installed = target / "installed-lock.json"
    for file in source.iterdir():
        if file.is_file():
            shutil.copy(file, target / file.name)
    lock = source / "package-lock.json"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund",
                           "--loglevel=error"], cwd=target, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError(f"npm ci failed for {source.name}: {done.stderr[-500:]}")
    shutil.copy(lock, installed)


def medians(found):
    return {name: statistics.median(values) for name, values in found.items()}


def measure_jobs(seconds, rounds):
    peers = BUILD / "queue"
    install(BENCH / "queue", peers)
    return medians(run([built("jobs_bench"), 25_000 * seconds, rounds, peers]))


def measure_events(seconds, rounds):
    return medians(run([built("events_dispatch"), 12 * seconds, rounds]))


def measure_webhooks(seconds, rounds):
    """10,000 events to 100 endpoints: rates, and how long 95 of 100 deliveries waited at most."""
    found = run([built("webhooks_burst"), 1, 100 if seconds >= 3 else 20, rounds])
    return {name: {"per_second": statistics.median(one[0] for one in values),
                   "p95_ms": statistics.median(one[1] for one in values)}
            for name, values in found.items()}


def measure_kv(seconds, rounds):
    done = subprocess.run(
        [built("kv_bench"), "--benchmark_format=json", "--benchmark_filter=find_one|get_by_await",
         f"--benchmark_repetitions={max(3, rounds)}", "--benchmark_report_aggregates_only=true"],
        capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError(f"kv_bench failed: {done.stderr[-500:]}")
    return {one["run_name"]: one["cpu_time"] for one in json.loads(done.stdout)["benchmarks"]
            if one["aggregate_name"] == "median"}


def measure_redis(seconds, rounds):
    return run([BENCH / "redis"], BENCH_SECONDS=max(1, min(3, seconds // 2)), BENCH_ROUNDS=rounds)


def measure_pictures(seconds, rounds):
    return run([BENCH / "pictures" / "run"], BENCH_ROUNDS=rounds)


def measure_upload(seconds, rounds):
    return run([BENCH / "upload"], BENCH_ROUNDS=rounds,
               BENCH_MEGABYTES=1024 if seconds >= 3 else 128)


def measure(wanted, seconds, rounds, say):
    found = {}
    for key in SERVICES:
        if key in wanted:
            say(f"services: {key}")
            found[key] = globals()[f"measure_{key}"](seconds, rounds)
    return found


# ---- as lines of the table: (what, haat, peer, ratio, goal, whether it is held; None: no goal)


def rate(value):
    return f"{value:,.0f}/s"


def at_least(what, value, goal, peer="", other=None):
    return (what, rate(value), f"{peer} {rate(other)}" if other else "",
            f"{value / other:.2f} ×" if other else "",
            f"≥ {rate(goal)}" if goal else "", value >= goal if goal else None)


def lines_of_jobs(found):
    single, many = found["one by one"], found["batched"]
    wait = found["start ms"]
    return [
        at_least("jobs by batched claims", many, 45_000, "graphile-worker, local queue",
                 found["graphile-worker batched"]),
        at_least("", many, None, "pg-boss by hundreds", found["pg-boss batched"]),
        at_least("", many, None, "BullMQ, Redis without persistence", found["BullMQ"]),
        at_least("", many, None, "SQL alone by fifties", found["raw SQL by fifties"]),
        at_least("the same, kept when done", found["batched and kept"], None),
        at_least("jobs one by one", single, 7_000, "graphile-worker", found["graphile-worker"]),
        at_least("", single, None, "pg-boss", found["pg-boss"]),
        at_least("", single, None, "SQL alone, claim and delete", found["raw SQL"]),
        at_least("jobs enqueued", found["enqueue"], None),
        ("from enqueue to start on an idle server, median", f"{wait:.2f} ms", "", "", "≤ 5 ms",
         wait <= 5),
    ]


def lines_of_events(found):
    return [
        at_least("events to a handler, in the order of their keys", found["handler"], 20_000),
        at_least("events to a handler that writes a row for each", found["handler that writes"],
                 None),
        at_least("events to Kafka's mock", found["Kafka"], 20_000),
    ]


def lines_of_webhooks(found):
    alone, beside = found["all live"], found["some dead"]
    slower = beside["p95_ms"] / max(1, alone["p95_ms"])
    return [
        at_least("webhooks, 10,000 events to 100 endpoints", alone["per_second"], None),
        at_least("the same, a fifth of the endpoints dead", beside["per_second"], None),
        ("p95 of what the living wait, beside dead ones", f"{beside['p95_ms']:,.0f} ms",
         f"all alive {alone['p95_ms']:,.0f} ms", f"{slower:.2f} ×", "≤ 1.2 ×", slower <= 1.2),
    ]


def lines_of_kv(found):
    names = {"find_one": "a look into the store in process", "get_by_await": "the same, awaited"}
    return [(names.get(name, name), f"{ns:.0f} ns", "", "", "≤ 100 ns", ns <= 100)
            for name, ns in found.items()]


def lines_of_redis(found):
    lines = []
    for name, one in found.items():
        ratio = one["haat"] / one["redis-benchmark"]
        what, window = name.split()
        lines.append((f"{what} over Redis, {window} under way", rate(one["haat"]),
                      f"redis-benchmark {rate(one['redis-benchmark'])}", f"{ratio:.2f} ×",
                      "≥ 0.7 ×", ratio >= 0.7))
    return lines


def lines_of_pictures(found):
    ratio = found["haat"] / found["sharp"]
    return [("12 megapixels to four sizes in WebP and JPEG", f"{found['haat']:.0f} ms",
             f"sharp {found['sharp']:.0f} ms", f"{ratio:.2f} ×", "≤ 1.1 ×", ratio <= 1.1)]


def lines_of_upload(found):
    name = min(("nginx", "sha256sum"), key=lambda peer: found[peer])
    ratio = found["haat"] / found[name]
    other = "sha256sum" if name == "nginx" else "nginx"
    growth = found["growth MB"]
    return [
        ("upload of 1 GB, hashed and synced", f"{found['haat']:.0f} MB/s",
         f"{name} {found[name]:.0f} MB/s", f"{ratio:.2f} ×", "≥ 0.8 ×", ratio >= 0.8),
        ("", f"{found['haat']:.0f} MB/s", f"{other} {found[other]:.0f} MB/s",
         f"{found['haat'] / found[other]:.2f} ×", "", None),
        ("memory that it takes meanwhile", f"{growth:.1f} MB", "", "", "≤ 32 MB", growth <= 32),
    ]


def lines(found):
    return [line for key in SERVICES if key in found
            for line in globals()[f"lines_of_{key}"](found[key])]
