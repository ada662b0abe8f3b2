"""What the operating system knows: cores, processor time, memory, open files."""

import contextlib
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

_VERSIONS = ("django", "channels", "channels-redis", "daphne", "twisted", "autobahn", "uvicorn", "uvloop", "psycopg")


def cores() -> list[int]:
    """Return the cores this process may run on; empty where the system can't tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@contextlib.contextmanager
def children_on(chosen: Iterable[int]) -> Iterator[None]:
    """Let processes that are started inside run on the cores `chosen` only; no choice where there is none."""
    chosen = set(chosen)
    if not chosen or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, chosen)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(pid: int) -> float:
    """Return the processor time that a process took so far, all threads, those that ended too, in seconds."""
    if sys.platform == "linux":
        # clock_getcpuclockid(3) by hand: the scheduler's own accounting, in nanoseconds. /proc/PID/stat counts in
        # hundredths of a second, and a schedstat file is gone with its thread.
        return time.clock_gettime((~pid << 3) | 2)
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def resident_bytes(pid: int) -> int:
    """Return how much memory a process holds."""
    return psutil.Process(pid).memory_info().rss


def threads(pid: int) -> int:
    """Return how many threads a process has."""
    return psutil.Process(pid).num_threads()


class TooManyFiles(Exception):
    """A scenario asks for more open files than the system lets a process have."""


def allow_files(wanted: int) -> None:
    """Raise the limit of open files of this process, and of those it starts, to `wanted` at least.

    Raises:
        TooManyFiles: the system allows fewer.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted or soft == resource.RLIM_INFINITY:
        return
    if hard not in (resource.RLIM_INFINITY,) and hard < wanted:
        raise TooManyFiles(
            f"needs {wanted:,} open files in one process, and the system allows {hard:,} (ulimit -Hn): "
            "raise that limit, or ask for fewer with --clients"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def description(node: Path | None) -> dict[str, str]:
    """Return what a figure depends on: the machine, the system, the versions."""
    found = {
        "processor": _processor(),
        "cores": str(len(cores()) or os.cpu_count()),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        # What else ran: on a busy machine latencies mean little, and processor times are longer.
        "load before": f"{os.getloadavg()[0]:.1f}",
    }
    for name in _VERSIONS:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    if node is not None:
        with contextlib.suppress(OSError):
            said = subprocess.run([node, "--version"], capture_output=True, text=True)
            found["node"] = said.stdout.strip().removeprefix("v")
    return found


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
