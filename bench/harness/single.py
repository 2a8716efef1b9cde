"""What haat is measured at alone: ready, memory, micro benchmarks, the cost of an endpoint."""
import json
import statistics
import subprocess
import time

from harness import load, machine
from harness.contest import HEALTH, IDS, LIST
from harness.servers import BUILD, ROOT, BenchError, Haat, built, remove_data

DATA = BUILD / "var"


def measure_ready(rounds):
    """Seconds from the start of the process to the first 200 of /ready. Leaves the last running."""
    remove_data(DATA)
    haat = Haat("haat", DATA)
    first = haat.wait_until("/ready")
    times = {"first_s": first}
    again = []
    for _ in range(rounds):
        haat.stop()
        haat = Haat("haat", DATA)
        again.append(haat.wait_until("/ready"))
    if again:
        times["existing_s"] = statistics.median(again)
    return haat, times


def measure_idle(haat):
    time.sleep(3)  # what the start has borrowed is given back by then
    pss, rss = machine.memory_megabytes(haat.pids())
    pg_pss, _ = machine.memory_megabytes(haat.database().pids())
    return {"idle_pss_mb": pss, "idle_rss_mb": rss, "postgres_pss_mb": pg_pss}


def measure_growth(haat, requests):
    """Memory before and after so many requests of several kinds, after some that warm it up."""
    # Every connection goes through all of them in the warming up already.
    some = IDS[: requests // 10 // load.CONNECTIONS // 2]
    targets = load.Targets([HEALTH, LIST] + ["/api/v1/brands/" + identity for identity in some])
    load.many_requests(haat.port, targets, max(1000, requests // 10))
    before, _ = machine.memory_megabytes(haat.pids())
    load.many_requests(haat.port, targets, requests)
    after, rss = machine.memory_megabytes(haat.pids())
    return {"requests": requests, "before_mb": before, "after_mb": after, "after_rss_mb": rss,
            "growth_mb": after - before}


def measure_micro():
    """Google Benchmark's programs: median CPU time by name."""
    found = {}
    for source in sorted((ROOT / "bench").glob("*_bench.cpp")):
        program = built(source.stem)
        done = subprocess.run(
            [program, "--benchmark_format=json", "--benchmark_repetitions=5"]
            + ["--benchmark_report_aggregates_only=true"],
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise BenchError(f"{program} failed: {done.stderr[-500:]}")
        for one in json.loads(done.stdout)["benchmarks"]:
            if one["aggregate_name"] == "median":
                scale = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[one["time_unit"]]
                found[one["run_name"]] = {"ns": one["cpu_time"] * scale}
    return found


def measure_stats():
    done = subprocess.run(
        [str(ROOT / "tools" / "stats"), "--json"], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise BenchError(f"tools/stats failed: {done.stderr[-500:]}")
    return json.loads(done.stdout)
