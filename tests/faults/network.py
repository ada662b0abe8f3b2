"""A network of the rig's own, in which packets can be dropped without a word (Linux, as root)."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_MARK = "FAULTS_IN_OWN_NETWORK"
# A peer that is gone is given up after seven tries, about 25 s, and not after fifteen, a quarter of an hour. What a
# server has to be told in production too: docker-compose.yml does it for Caddy.
_TRIES = 6


def enter_own_network() -> str:
    """Start this program again in a network namespace of its own, with nothing but a loopback, where that can be had.

    Returns:
        Nothing where it runs in one; else why it can't, in words.
    """
    if os.environ.get(_MARK):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        Path("/proc/sys/net/ipv4/tcp_retries2").write_text(str(_TRIES))
        return "" if _can_drop() else "iptables is not installed, or does not work here"
    if os.geteuid() != 0:
        return "only root may make a network in which packets are dropped"
    try:
        tried = subprocess.run(["unshare", "--net", "ip", "link", "set", "lo", "up"], capture_output=True, text=True)
    except FileNotFoundError:
        return "the programs unshare and ip (util-linux, iproute2) are not installed"
    if tried.returncode:
        return f"this machine gives no network namespace: {tried.stderr.strip()}"
    os.environ[_MARK] = "1"
    return os.execvp("unshare", ["unshare", "--net", sys.executable, "-m", "tests.faults", *sys.argv[1:]])


@contextlib.contextmanager
def dropping(port: int) -> Iterator[None]:
    """Drop all packets from and to a TCP port of this network, in silence."""
    rules = [("INPUT", "-p", "tcp", end, str(port), "-j", "DROP") for end in ("--dport", "--sport")]
    for rule in rules:
        subprocess.run(["iptables", "-w", "-I", *rule], check=True)
    try:
        yield
    finally:
        for rule in rules:
            subprocess.run(["iptables", "-w", "-D", *rule], check=True)


def _can_drop() -> bool:
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(["iptables", "-w", "-L", "INPUT"], capture_output=True).returncode == 0
    return False
