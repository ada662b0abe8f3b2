"""What a visitor's page asks of the lab, read out of the body of a request."""

import json
from dataclasses import dataclass
from typing import Any

from apps.lab import limits
from apps.lab.faults import FAULTS, Fault
from apps.transports.client_json import BadJson, read_json
from apps.transports.refusal import bad_request

_WORKLOAD = 'send {"size": bytes} for one event, with "burst": true for a hundred, or with "rate" and "seconds"'
_FAULT = 'send {"fault": its name}, with "seconds" for one that lasts'


@dataclass(frozen=True, slots=True)
class Workload:
    """Events to publish.

    Args:
        size_bytes: of each event on the wire, about.
        events: how many at once; None: a steady rate.
        rate_per_s, duration_s: of the steady rate.
    """

    size_bytes: int
    events: int | None = None
    rate_per_s: int = 0
    duration_s: int = 0


@dataclass(frozen=True, slots=True)
class AskedFault:
    """A fault to cause, now; `duration_s` is 0 for one that is over at once."""

    fault: Fault
    duration_s: int


def workload_from(body: bytes) -> Workload:
    """Read a workload.

    Raises:
        Refusal: 400, it is none, or out of bounds.
    """
    asked = _object(body, _WORKLOAD)
    size_bytes = _whole(asked, "size", limits.SIZE_BYTES, _WORKLOAD)
    if "rate" in asked:
        return Workload(
            size_bytes,
            rate_per_s=_whole(asked, "rate", limits.RATE_PER_S, _WORKLOAD),
            duration_s=_whole(asked, "seconds", limits.DURATION_S, _WORKLOAD),
        )
    return Workload(size_bytes, events=limits.BURST_EVENTS if asked.get("burst") is True else 1)


def fault_from(body: bytes) -> AskedFault:
    """Read a fault.

    Raises:
        Refusal: 400, it is none, or its length out of bounds.
    """
    asked = _object(body, _FAULT)
    name = asked.get("fault")
    fault = FAULTS.get(name) if isinstance(name, str) else None
    if fault is None:
        raise bad_request(
            "bad_fault", f"'fault' is {json.dumps(name)[:60]}; expected one of {', '.join(FAULTS)}", _FAULT
        )
    return AskedFault(fault, _whole(asked, "seconds", limits.FAULT_S, _FAULT) if fault.lasts else 0)


def _object(body: bytes, hint: str) -> dict[str, Any]:
    try:
        asked = read_json(body)
    except BadJson as error:
        raise bad_request("bad_json", f"the body can't be read as JSON: {error}", hint) from None
    if not isinstance(asked, dict):
        raise bad_request("bad_json", "the body is no JSON object", hint)
    return asked


def _whole(asked: dict[str, Any], name: str, bounds: tuple[int, int], hint: str) -> int:
    value, (low, high) = asked.get(name), bounds
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        arrived = json.dumps(value)[:60]
        raise bad_request(f"bad_{name}", f"{name!r} is {arrived}; expected a whole number from {low} to {high}", hint)
    return value
