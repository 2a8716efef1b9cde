"""What /proc knows: whose child a process is, what it has used, what it holds."""
import os
import random
import socket
from dataclasses import dataclass

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    name: str
    parent: int
    user: float  # seconds, with those of children that have ended
    system: float


def stolen_seconds():
    """What other guests of the host took from this machine's cores since it started."""
    with open("/proc/stat") as file:
        return int(file.readline().split()[8]) / TICKS


def processes():
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as file:
                text = file.read()
        except OSError:  # it has ended meanwhile
            continue
        name = text[text.index("(") + 1 : text.rindex(")")]
        fields = text[text.rindex(")") + 2 :].split()
        user, system = int(fields[11]) + int(fields[13]), int(fields[12]) + int(fields[14])
        found[int(entry)] = Process(name, int(fields[1]), user / TICKS, system / TICKS)
    return found


def tree(root, without=None):
    """The ids of a process and all below it, but for one that stands below with all of its own."""
    children = {}
    for pid, process in processes().items():
        children.setdefault(process.parent, []).append(pid)
    found, open_ends = set(), [root]
    while open_ends:
        pid = open_ends.pop()
        if pid != without and pid not in found:
            found.add(pid)
            open_ends += children.get(pid, [])
    return found


def cpu_seconds(pids):
    """User and system time of the processes, as a pair."""
    known = [process for pid, process in processes().items() if pid in pids]
    return sum(p.user for p in known), sum(p.system for p in known)


def memory_megabytes(pids):
    """Proportional and resident size together, as a pair."""
    sums = {"Pss:": 0, "Rss:": 0}
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                for line in file:
                    word = line.split()[0]
                    if word in sums:
                        sums[word] += int(line.split()[1])
        except OSError:
            continue
    return sums["Pss:"] / 1024, sums["Rss:"] / 1024


def description():
    with open("/proc/cpuinfo") as file:
        model = next((l.split(":")[1].strip() for l in file if l.startswith("model name")), "CPU")
    with open("/proc/meminfo") as file:
        gigabytes = int(file.readline().split()[1]) / 1024 / 1024
    return f"{os.cpu_count()} cores ({model}), {gigabytes:.0f} GB, Linux {os.uname().release}"


def free_port():
    """Below the range that outgoing connections take theirs from: who asks a server again and again
    whether it is up would in the end connect to himself, and the port would be taken."""
    while True:
        port = random.randrange(10_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
