"""Writers or readers of the log itself, without HTTP between: `python -m tests.faults.writers … < nothing`.

Prints one JSON object: events appended, seconds, seconds of processor time, [key, seq, time.monotonic()] of each event,
[seq, how many seconds it took] of each append that succeeded, [time.monotonic(), seq read up to] of each read that
brought something, errors in words.
"""

import argparse
import json
import random
import threading
import time

import django

READ_EVERY_S = 0.05
GIVE_UP_S = 60.0  # without anything new: the writers are gone


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--topic", required=True)
    parser.add_argument("--events", type=int, required=True, help="of all writers together")
    parser.add_argument("--writers", type=int, default=0)
    parser.add_argument("--readers", type=int, default=0, help="each reads until it has seen --events events")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="up to so long in the transaction, at random")
    parser.add_argument("--padding-bytes", type=int, default=0, help="size of the filler in each event")
    parser.add_argument(
        "--per-s", type=float, help="events a second of all writers together (default: as fast as it goes)"
    )
    parser.add_argument("--name", required=True, help="stem of the keys")
    arguments = parser.parse_args()
    django.setup()
    print(json.dumps(run(arguments)))


def run(arguments: argparse.Namespace) -> dict[str, object]:
    # Models can be imported once Django is set up, no sooner.
    from django.db import connection, transaction

    from apps.events import log
    from apps.events.cursor import START, StartingPlace

    appends_s: list[tuple[int, float]] = []
    reads: list[tuple[float, int]] = []
    acknowledged: list[tuple[str, int, float]] = []
    padding = "x" * arguments.padding_bytes
    errors: list[str] = []

    def write(writer: int, events: int) -> None:
        first_s = time.monotonic()
        for number in range(events):
            key = f"{arguments.name}-{writer}-{number}"
            if arguments.per_s:
                time.sleep(max(0.0, first_s + number * arguments.writers / arguments.per_s - time.monotonic()))
            began_s = time.monotonic()
            try:
                with transaction.atomic():
                    # What a transaction does before it appends: the append comes last, and its lock is short.
                    if arguments.delay_ms:
                        time.sleep(random.uniform(0, arguments.delay_ms / 1000))
                    event = log.append(arguments.topic, "fault.test", {"key": key, "padding": padding}, key=key)
            except Exception as error:
                errors.append(f"{type(error).__name__} {error}")
            else:
                ended_s = time.monotonic()
                acknowledged.append((key, event.seq, ended_s))
                appends_s.append((event.seq, ended_s - began_s))
        connection.close()

    def read() -> None:
        place: StartingPlace = START
        seen, seen_s = 0, time.monotonic()
        while seen < arguments.events and time.monotonic() < seen_s + GIVE_UP_S:
            try:
                batch = log.read([arguments.topic], place)
            except Exception as error:
                errors.append(f"{type(error).__name__} {error}")
            else:
                place = batch.cursor
                if batch.events:
                    seen, seen_s = seen + len(batch.events), time.monotonic()
                    reads.append((seen_s, batch.events[-1].seq))
            time.sleep(READ_EVERY_S)
        if seen != arguments.events:
            errors.append(f"a reader saw {seen} of {arguments.events} events")
        connection.close()

    share = arguments.events // max(1, arguments.writers)
    threads = [threading.Thread(target=write, args=(number, share)) for number in range(arguments.writers)]
    threads += [threading.Thread(target=read) for _ in range(arguments.readers)]
    began_s, busy_s = time.monotonic(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s, busy_s = time.monotonic() - began_s, time.process_time() - busy_s
    return {
        "events": share * arguments.writers,
        "took_s": took_s,
        "busy_s": busy_s,
        "appends_s": appends_s,
        "reads": reads,
        "acknowledged": acknowledged,
        "errors": errors,
    }


if __name__ == "__main__":
    main()
