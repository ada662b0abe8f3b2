"""Requests that are answered at once: how many a second one process can answer."""

from collections.abc import Iterator

from apps.benchmark.measurement import Measured
from apps.benchmark.peers import TOPIC, Peer
from apps.benchmark.scenario import Scenario
from apps.benchmark.stage import Stage, Subject

WARM_UP_S = 0.7


def measure(stage: Stage, scenario: Scenario, peer: Peer) -> Iterator[Measured]:
    """Ask on every connection as soon as the last question is answered; nothing new ever comes."""
    with stage.driver() as driver, stage.subject(peer) as subject:
        cursor, etag = _place(subject)
        headers = [f"If-None-Match: {etag}"] if scenario.details.get("conditional") else []
        request = subject.request("short_poll", *headers, cursor=cursor)
        order = {"request": request, "warm_up_s": WARM_UP_S, "seconds": scenario.seconds}
        driver.tell("ask", addresses=subject.addresses, clients=scenario.clients, **order)
        before_s = subject.cpu_s
        driver.hear()
        cpu_s = subject.cpu_s - before_s
        said = driver.hear()
        expected = "304" if headers else "200"
        if set(said["statuses"]) != {expected}:
            raise ValueError(f"{peer.name} answered {said['statuses']}; expected {expected} each time")
        yield Measured(
            "closed loop",
            {
                "requests_per_s": said["requests"] / said["seconds"],
                "cpu_us_per_request": cpu_s / said["requests"] * 1e6,
                "p50_ms": said["late_ms"]["50"],
                "p99_ms": said["late_ms"]["99"],
                "max_ms": said["late_ms"]["100"],
                "driver_busy": said["driver_busy"],
            },
            said["late_ms"],
        )


def _place(subject: Subject) -> tuple[str, str]:
    """Return the head of the topic, as a cursor and as an entity tag."""
    cursor = ""
    if subject.peer.is_ours:
        subject.publish(1, 1, 100, 200)
        cursor = subject.ask("GET", f"/feed/long-poll?topic={TOPIC}&after=start&timeout=5").json["cursor"]
    answer = subject.ask("GET", subject.peer.paths["short_poll"].replace("{cursor}", cursor))
    return cursor, answer.headers["etag"]
