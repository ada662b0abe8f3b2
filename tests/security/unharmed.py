"""Whether a site came out of an attack as it went in."""

import re

from tests.faults.rig import Rig
from tests.rig.figure import Figure

_ERROR = re.compile(r"^\S+ \S+ (?:ERROR|CRITICAL) .*$", re.MULTILINE)


class Unharmed:
    """Remembers the processes of `rig`, and where their logs end, from now on."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._pids = [process.pid for process in rig.web]
        self._read = [len(process.log) for process in rig.web]

    @property
    def said(self) -> str:
        """What the web processes have logged since."""
        return "".join(process.log[read:] for process, read in zip(self._rig.web, self._read, strict=True))

    def figures(self) -> list[Figure]:
        """Return what has to be nothing: processes that died or answer no more, tracebacks, errors in a log."""
        alive = [
            process.running and process.pid == pid and process.is_ready()
            for process, pid in zip(self._rig.web, self._pids, strict=True)
        ]
        return [
            Figure("processes that died", alive.count(False), at_most=0),
            Figure("tracebacks in the logs", self.said.count("Traceback (most recent call last)"), at_most=0),
            Figure("errors in the logs", len(_ERROR.findall(self.said)), at_most=0),
        ]

    def findings(self) -> list[str]:
        """Return the first errors that were logged."""
        return _ERROR.findall(self.said)[:5]
