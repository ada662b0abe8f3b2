"""The oldest releases of what is installed that are free of holes which were made public.

A floor is for what reaches clients or reads what they send. It says what was fixed, so that nobody pins an older one
for another reason; that nothing newer is known to be broken is for a service with a feed, such as `pip-audit`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

PROJECT = Path(__file__).resolve().parents[2]
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^ ;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Floor:
    """A package is fixed from `version` on."""

    package: str
    version: str
    fixes: str


FLOORS = (
    Floor("daphne", "4.2.2", "CVE-2026-44545 WebSocket messages without a limit, CVE-2026-44546 smuggled headers"),
    Floor("django", "5.2.8", "CVE-2025-64459, CVE-2025-59681 and CVE-2025-57833 SQL injection"),
    Floor("twisted", "24.7.0", "CVE-2024-41671 requests answered in the wrong order, CVE-2024-41810 HTML injection"),
    Floor("cryptography", "44.0.1", "CVE-2024-12797 raw public keys in OpenSSL"),
    Floor("sqlparse", "0.5.0", "CVE-2024-4340 recursion"),
    Floor("idna", "3.7", "CVE-2024-3651 quadratic time"),
    Floor("autobahn", "20.12.3", "CVE-2020-35678 header injection in redirects"),
    Floor("ujson", "5.4.0", "CVE-2022-31116 and CVE-2022-31117 surrogates and memory"),
    Floor("cbor2", "5.6.2", "CVE-2024-26134 a crash by long strings"),
    Floor("pygments", "2.15.1", "CVE-2022-40896 exponential time"),
    Floor("redis", "4.5.4", "CVE-2023-28858 and CVE-2023-28859 answers given to somebody else"),
)


def pinned(lock: Path = PROJECT / "requirements.txt") -> dict[str, str]:
    """Return package -> version of a lock file."""
    return {name.lower().replace("_", "-"): version for name, version in _PINNED.findall(lock.read_text())}


def below(floors: tuple[Floor, ...], versions: dict[str, str]) -> list[str]:
    """Return in words which of the pinned `versions` are below their floor, or not pinned at all."""
    return [
        f"{floor.package} {versions.get(floor.package, 'of any version')} is pinned; "
        f"{floor.version} fixes {floor.fixes}"
        for floor in floors
        if floor.package not in versions or Version(versions[floor.package]) < Version(floor.version)
    ]
