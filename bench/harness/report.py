"""The table: for people on the terminal and in docs/benchmarks.md, for programs as JSON."""
import datetime
import json
import statistics
import subprocess

from harness import machine, services
from harness.servers import BUILD, POSTGRES, ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN = "<!-- numbers: written by bench/run -->"
END = "<!-- end of numbers -->"
P99_MS_MAX = 5
LIMITS = {
    "first_s": ("ready after a first start", "s", 15),
    "existing_s": ("ready on an existing cluster", "s", 1),
    "idle_pss_mb": ("memory when idle (proportional)", "MB", 60),
    "growth_mb": ("growth over {requests:,} requests", "MB", 5),
}
MICRO_LIMITS_NS = {
    "decode_order": 2000,
    "encode_products": 6000,
    "find_one": 100,
    "find_many": 100,
    "get_by_await": 100,
}
LINES_MAX = 20


def median_of(measured, name):
    return statistics.median(one[name] for one in measured)


def median_cpu(measured, group):
    return tuple(
        statistics.median(one["cpu_us"][group][kind] for one in measured)
        for kind in ("user", "system")
    )


def summary(result):
    """One comparison a line: (what, value, against, ratio or limit, whether it holds)."""
    lines = []
    for row in result.get("rows", []):
        haat = median_of(row["measured"]["haat"], "rps")
        for opponent, factor in row["targets"].items():
            ratio = haat / median_of(row["measured"][opponent], "rps")
            lines.append(
                (f"{row['title']}, against {opponent}", f"{ratio:.2f} ×", f"≥ {factor:g} ×",
                 ratio >= factor)
            )
        if "paced" in row:
            p99 = row["paced"]["haat"]["p99_ms"]
            lines.append(
                (f"{row['title']}, p99 at half of its maximum", f"{p99:.2f} ms",
                 f"≤ {P99_MS_MAX} ms", p99 <= P99_MS_MAX)
            )
    for key, (what, unit, limit) in LIMITS.items():
        for part in ("ready", "memory"):
            if key in result.get(part, {}):
                value = result[part][key]
                lines.append((what.format(**result[part]), f"{value:.2f} {unit}",
                              f"≤ {limit} {unit}", value <= limit))
    for name, one in result.get("micro", {}).items():
        if name in MICRO_LIMITS_NS:
            limit = MICRO_LIMITS_NS[name]
            lines.append((name.replace("_", " "), f"{one['ns'] / 1000:.2f} µs",
                          f"≤ {limit / 1000:g} µs", one["ns"] <= limit))
    if "stats" in result:
        lines_each = result["stats"]["lines_per_endpoint"]
        lines.append(("lines of an endpoint", f"{lines_each:.1f}", f"≤ {LINES_MAX}",
                      lines_each <= LINES_MAX))
    return lines


def service_summary(result):
    """As summary(); what has no goal is there for comparison and always holds."""
    lines, before = [], ""
    for what, haat, peer, ratio, goal, holds in services.lines(result.get("services", {})):
        before = what or before
        name = f"{before} ({peer})" if peer else before
        lines.append((name, f"{haat}  {ratio}" if ratio else haat, goal, holds is not False))
    return lines


def print_summary(result):
    print()
    for what, value, wanted, holds in summary(result) + service_summary(result):
        print(f"  {'ok  ' if holds else 'MISS'}  {what:75} {value:>10}  {wanted}")
    print()


def table(head, rows, words=1):
    """The first so many columns are words, the others numbers."""
    rule = "|---" * words + "|---:" * (len(head) - words) + "|"
    lines = ["| " + " | ".join(head) + " |", rule]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def throughput_table(result):
    rows = []
    for row in result["rows"]:
        haat = median_of(row["measured"]["haat"], "rps")
        for name, measured in row["measured"].items():
            rps = median_of(measured, "rps")
            held = "p50_ms" in measured[0]
            ratio = "" if name == "haat" else f"{haat / rps:.2f} ×"
            target = row["targets"].get(name)
            rows.append(
                (
                    row["title"] if name == "haat" else "",
                    f"**{name}**" if name == "haat" else name,
                    f"{rps:,.0f}",
                    f"{median_of(measured, 'p50_ms'):.2f}" if held else "",
                    f"{median_of(measured, 'p99_ms'):.2f}" if held else "",
                    ratio,
                    f"≥ {target:g} ×" if target else "",
                )
            )
    return table(
        ("row", "who", "requests/s", "p50 ms", "p99 ms", "haat is", "to hold"), rows, words=2
    )


def rate_table(result):
    rows = [
        (row["title"] if name == "haat" else "", f"**{name}**" if name == "haat" else name,
         f"{one['rps']:,.0f}", f"{one['p50_ms']:.2f}", f"{one['p99_ms']:.2f}",
         f"{one['stolen']:.1%}", f"≤ {P99_MS_MAX}" if name == "haat" else "")
        for row in result["rows"]
        for name, one in row.get("paced", {}).items()
    ]
    return table(("at half of haat's maximum rate", "who", "requests/s", "p50 ms", "p99 ms",
                  "stolen", "to hold"), rows, words=2)


def cpu_table(result):
    rows = []
    for row in result["rows"]:
        for name, measured in row["measured"].items():
            groups = measured[0]["cpu_us"]
            server = median_cpu(measured, "server") if "server" in groups else None
            postgres = median_cpu(measured, "postgres")
            total = sum(server or ()) + sum(postgres)
            cells = [f"{value:.1f}" for value in server] if server else ["", ""]
            rows.append((f"{row['title']}: {name}", *cells, f"{sum(postgres):.1f}", f"{total:.1f}"))
    return table(
        ("CPU microseconds per request", "own code", "its system calls", "PostgreSQL", "all"), rows
    )


def stage_table(result):
    """Where haat's own time goes, by subtracting rows that have one stage less."""
    own = {
        row["key"]: sum(median_cpu(row["measured"]["haat"], "server")) for row in result["rows"]
    }
    if not {"small", "cached", "brand", "list", "write"} <= own.keys():
        return ""
    rows = [
        ("read, route, middleware, envelope, log, write (the small answer)", own["small"]),
        ("limit, cache and ETag (cached less small)", own["cached"] - own["small"]),
        ("query, decode one row, encode it (uncached less small)", own["brand"] - own["small"]),
        ("19 more rows and a total (list less one brand)", own["list"] - own["brand"]),
        ("sign-in, decode, transaction, event, audit (write less small)", own["write"] - own["small"]),
    ]
    return table(
        ("stage of haat itself", "CPU microseconds"), [(name, f"{us:.1f}") for name, us in rows]
    )


def other_tables(result):
    parts = []
    held = [
        (what, value, wanted)
        for what, value, wanted, _ in summary({k: v for k, v in result.items() if k != "rows"})
    ]
    if held:
        parts.append(table(("what", "measured", "to hold"), held))
    if "memory" in result:
        memory = result["memory"]
        parts.append(
            f"Idle, haat's resident size is {memory['idle_rss_mb']:.0f} MB and its PostgreSQL's "
            f"proportional size {memory['postgres_pss_mb']:.0f} MB."
        )
    if "micro" in result:
        rows = [(name, f"{one['ns']:,.0f}") for name, one in result["micro"].items()]
        parts.append(table(("micro benchmark", "ns"), rows))
    if "stats" in result:
        stats = result["stats"]
        rows = [
            (one["name"], f"{one['lines']:.0f}", str(one["endpoints"]),
             f"{one['lines'] / one['endpoints']:.1f}")
            for one in stats["resources"]
        ]
        parts.append(table(("resource", "lines", "endpoints", "lines each"), rows))
        rows = [(name, f"{seconds:.1f}") for name, seconds in stats["compile_seconds"].items()]
        parts.append(table(("part", "compile seconds"), rows))
    return parts


def service_table(result):
    rows = [(what, haat, peer, ratio, goal)
            for what, haat, peer, ratio, goal, _ in services.lines(result["services"])]
    lines = ["| service | haat | beside it | haat is | to hold |", "|---|---:|---|---:|---:|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def markdown(result):
    made = result["made"]
    parts = [
        f"Measured on {made['date']} at commit {made['commit']}: {made['machine']}; "
        f"{made['postgres']}; {made['rounds']} rounds of {made['seconds']} s, medians."
    ]
    if result.get("rows"):
        parts += [throughput_table(result), rate_table(result), cpu_table(result)]
        parts.append(stage_table(result))
    parts += other_tables(result)
    if "services" in result:
        parts += ["## Services", services.NOTES, service_table(result)]
    return "\n\n".join(part for part in parts if part)


def write_page(result):
    """Between the markers; the prose around them is written by hand."""
    page = PAGE.read_text()
    head, rest = page.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    PAGE.write_text(f"{head}{BEGIN}\n\n{markdown(result)}\n\n{END}{tail}")


def write_json(result, name):
    (BUILD / name).write_text(json.dumps(result, indent=1) + "\n")


def circumstances(rounds, seconds):
    def first_line(*command):
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()

    return {
        "date": datetime.date.today().isoformat(),
        "commit": first_line("git", "describe", "--always", "--dirty", "--abbrev=10"),
        "machine": machine.description(),
        "postgres": "PostgreSQL " + first_line(str(POSTGRES / "postgres"), "--version").split()[2],
        "rounds": rounds,
        "seconds": seconds,
    }
