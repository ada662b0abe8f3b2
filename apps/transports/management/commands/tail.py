"""`manage.py tail TOPIC`: follow a topic in the terminal, as `tail -f` follows a file."""

import asyncio
import os
import re
import signal
import stat
import sys
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import aclosing
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import localtime

from apps.access.families import family_of
from apps.events import cursor as cursors
from apps.events import feed
from apps.events.cursor import Cursor, CursorError, Last, StartingPlace
from apps.events.logged_event import BLANK, LoggedEvent
from apps.events.queries import LogUnavailable
from apps.transports.subscription import MAX_LAST

DEFAULT_LAST = 10  # as many as `tail` shows
HEARTBEAT_S = 3_600.0  # nobody looks at them here
USAGE_ERROR, TRY_AGAIN = 2, 75  # as argparse has it; EX_TEMPFAIL of sysexits.h

# What JSON leaves as it is and a terminal takes as a command, or a program as the end of a line.
_NOT_FOR_TERMINALS = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Command(BaseCommand):
    help = (
        "Follow a topic: print its last events, then each new one as it comes. Ctrl-C ends it and prints the place "
        "from which --after goes on."
    )
    requires_system_checks = []  # the pages need not be in order for the log to be read

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("topic", help="such as notifications or chat.lobby")
        place = parser.add_mutually_exclusive_group()
        place.add_argument("--after", metavar="CURSOR", help="print what follows this place: a cursor, start or now")
        place.add_argument(
            "--last", metavar="N", type=_count, help=f"print the last N events first, 0 to {MAX_LAST} ({DEFAULT_LAST})"
        )
        parser.add_argument("--json", action="store_true", help="one event a line, as JSON, as every door sends it")

    def handle(self, *args: Any, **options: Any) -> None:
        topic = options["topic"]
        if family_of(topic) is None:
            raise CommandError(f"there is no topic {topic!r}; try notifications or chat.lobby", returncode=USAGE_ERROR)
        place: StartingPlace = Last(DEFAULT_LAST if options["last"] is None else options["last"])
        if options["after"] is not None:
            try:
                place = cursors.parse(options["after"])
            except CursorError as error:
                raise CommandError(f"{error}; {error.hint}", returncode=USAGE_ERROR) from None
        self._as_json: bool = options["json"]
        self._cursor: Cursor | None = None
        try:
            asyncio.run(self._follow(topic, place, options["last"]))
        except LogUnavailable as error:
            raise CommandError(str(error), returncode=TRY_AGAIN) from None
        except (KeyboardInterrupt, asyncio.CancelledError):
            if self._cursor is not None:
                self.stderr.write(f"to go on from here: manage.py tail {topic} --after {self._cursor}", _as_it_is)
        except BrokenPipeError:
            # The reader of a pipe has seen enough (`| head`). Python flushes stdout once more as it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    async def _follow(self, topic: str, place: StartingPlace, last: int | None) -> None:
        # asyncio ends this task at the first Ctrl-C and, should a full pipe hold it up, at once at the second.
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
        reader_left = asyncio.get_running_loop().create_future()
        _watch_pipe(reader_left)
        log_feed = feed.current()
        self._cursor = await log_feed.resolve([topic], place)
        async with aclosing(
            log_feed.follow([topic], self._cursor, HEARTBEAT_S, last=last, until=reader_left)
        ) as batches:
            async for batch in batches:
                if batch.reset is not None:
                    self.stderr.write(
                        f"reset ({batch.reset.reason}): what came before can't be continued; "
                        f"going on from {batch.reset.cursor}",
                        self.style.WARNING,
                    )
                for event in batch.events:
                    self.stdout.write(self._line(event))
                    self.stdout.flush()
                    # After each line, so that what is printed and what --after goes on from always meet.
                    self._cursor = Cursor(self._cursor.epoch, {topic: event.seq})
                self._cursor = batch.cursor

    def _line(self, event: LoggedEvent) -> str:
        if self._as_json:
            return _for_terminals(event.json.decode())
        time = localtime(event.time).isoformat(" ", "milliseconds")[:23]
        data = "(taken back)" if event.data_json == BLANK else _for_terminals(event.data_json)
        return "  ".join(
            [self.style.HTTP_NOT_MODIFIED(time), f"{event.seq:>5}", self.style.MIGRATE_LABEL(event.type), data]
        )


def _watch_pipe(reader_left: asyncio.Future[None]) -> None:
    """Set `reader_left` once nobody reads the pipe that stdout is: else `tail | head` ends only with the next event."""
    try:
        is_pipe = stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
    except OSError:  # not a file at all, but a test's StringIO
        return
    if is_pipe:
        # The writing end of a pipe never becomes readable, but an error on it counts as that, and the reader's
        # leaving is such an error.
        loop = asyncio.get_running_loop()
        loop.add_reader(sys.stdout.fileno(), reader_left.set_result, None)
        reader_left.add_done_callback(lambda _: loop.remove_reader(sys.stdout.fileno()))


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_LAST):
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to {MAX_LAST}")
    return int(text)


def _for_terminals(json: str) -> str:
    """Return the same JSON with such characters as `\\uXXXX`."""
    return _NOT_FOR_TERMINALS.sub(lambda found: f"\\u{ord(found[0]):04x}", json)


def _as_it_is(text: str) -> str:
    return text
