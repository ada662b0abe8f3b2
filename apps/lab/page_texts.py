"""The words of the lab that a template does not hold: faults, the guide's claims, and what its scripts say."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class FaultText:
    """A fault's button.

    Args:
        name: the fault's, see faults.py.
        title, says: on the button, and below it.
        duration_s: how long the button's fault lasts; 0: over at once.
    """

    name: str
    title: Promise
    says: Promise
    duration_s: int


FAULT_TEXTS = (
    FaultText("cut", _("Cut my connections"), _("Every connection of this run breaks without a word."), 0),
    FaultText(
        "buffer",
        _("A proxy that buffers"),
        _("For 10 s answers are passed on only when 16 KB are together or they end."),
        10,
    ),
    FaultText("slow", _("A slow reader"), _("For 10 s each connection takes 2 KB a second."), 10),
    FaultText(
        "sleep", _("A sleeping page"), _("For 20 s the browser freezes all five, as it does with a tab left alone."), 20
    ),
    FaultText("restart", _("A server restart"), _("Streams are told to come back: a close frame with a reason."), 0),
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of the guide, and the experiment that shows it.

    Args:
        need: what somebody needs.
        says: which transport serves that, and what it costs.
        lane: the one to look at.
        query: the experiment, as the page's address carries it.
    """

    need: Promise
    says: Promise
    lane: str
    query: str


CLAIMS = (
    Claim(
        _("News that may be some seconds late"),
        _(
            "Short polling will do. An event waits for the next question, half the interval on average; silence costs "
            "as many requests as news."
        ),
        "short_poll",
        "rate=1&seconds=12&poll=4000",
    ),
    Claim(
        _("Prompt news through a strange network"),
        _("Long polling passes every proxy, as prompt as a stream. Each event is a request with all its headers."),
        "long_poll",
        "rate=10&seconds=10",
    ),
    Claim(
        _("Notifications, feeds, progress"),
        _("SSE: one request, then nothing but events. Cut off, it comes back and goes on from its place."),
        "sse",
        "rate=10&seconds=10&faults=cut@3",
    ),
    Claim(
        _("One question with a long answer"),
        _("A fetch stream costs what SSE costs, and has the same weakness: a proxy that buffers delivers it in lumps."),
        "fetch_stream",
        "rate=10&seconds=12&faults=buffer@2-10",
    ),
    Claim(
        _("Both sides talk"),
        _("A WebSocket adds the fewest bytes to an event, and a proxy that buffers answers lets it through."),
        "websocket",
        "rate=10&seconds=12&faults=buffer@2-10",
    ),
    Claim(
        _("Much at once"),
        _("A poll that finds a hundred events brings them in one answer: under load, polls become thrifty."),
        "short_poll",
        "kind=burst",
    ),
    Claim(
        _("Nothing may be lost"),
        _("Then the transport does not matter; the cursor does. After a sleep all five fetch what they missed, once."),
        "websocket",
        "rate=5&seconds=14&faults=sleep@3-11",
    ),
)

LAB_TEXTS = {
    # States of a lane, see client.js.
    "connecting": _("connecting"),
    "live": _("live"),
    "waiting": _("cut off"),
    "closed": _("closed"),
    "refused": _("refused"),
    "asleep": _("asleep"),
    # What the lab is doing.
    "opening": _("Getting ready: all five connect …"),
    "resting": _("At rest, connected. Choose an experiment."),
    "idle": _("At rest. Choose an experiment."),
    "running": _("Running: {seconds} s"),
    "settling": _("Waiting until the last event has reached everybody …"),
    "done": _("Done. The summary is below."),
    "stopped": _("Stopped. The summary is below."),
    "failed": _("It did not work: {reason}"),
    "unreachable": _("the server can't be reached"),
    "elsewhere": _("The lab is open in another tab of this browser."),
    "linkOdd": _("The link asks for something that the lab does not do ({what}); the nearest it does was set."),
    "busy": _("The lab asks for patience: {message}; {hint}."),
    # What the server refuses, by its code.
    "too_often": _("the lab was asked for more than it does in a second"),
    "too_many_connections": _("too many of your connections are in the lab; close its other tabs"),
    "lab_full": _("the lab is full"),
    "already_publishing": _("a steady rate of yours is running already; let it end"),
    "lab_busy": _("other visitors' rates leave no room for this one"),
    "no_visitor": _("this page and its cookie have parted; load the page again"),
    "not_your_run": _("this run is another visitor's"),
    "tryAgain": _("try again in {seconds} s"),
    # Figures.
    "ms": _("{n} ms"),
    "s": _("{n} s"),
    "bytes": _("{n} B"),
    "kilobytes": _("{n} kB"),
    "megabytes": _("{n} MB"),
    "requestOne": _("1 request"),
    "requestMany": _("{n} requests"),
    "offset": _("{offset} ± {error}"),
    "allHere": _("all {n} arrived"),
    "missing": _("{n} missing"),
    # The summary.
    "sumAll": _("All five brought {events} events, in order, each once; none was lost."),
    "sumAllOne": _("All five brought the event, once."),
    "sumMissing": _("{lane} brought {got} of {events} events."),
    "sumCost": _("{costly} cost {requests} and {bytes} for what {frugal} did in {fewRequests} and {fewBytes}."),
    "sumPrompt": _("Half of the events arrived within {fast} by {fastest}, and within {slow} by {slowest}."),
    "sumPromptOne": _("{fastest} had it after {fast}, {slowest} after {slow}."),
    "sumFault": _("“{fault}” at {at}. The longest waits from then on: {waits}."),
    "sumRecovered": _("Connected again after: {times}."),
    "sumUntouched": _("Nobody lost a connection over it."),
    "sumServer": _(
        "The server spent {each} of processor time on each delivery, all five together, with {threads} threads and "
        "{memory} of memory in use."
    ),
    "listed": _("{lane} {value}"),
    "comma": _(", "),
    # Pictures in words.
    "timelineWords": _("{lane}: {events} events, {requests}; the longest wait was {longest}."),
    "axisSeconds": _("{n} s"),
    "copied": _("Copied."),
    "copyFailed": _("The browser did not allow copying."),
    "eventItself": _("the event itself"),
    "down": _("around it, received"),
    "up": _("sent by the browser"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A figure in a table: its word in scripts, and what people call it."""

    name: str
    title: Promise


ROWS = (
    Row("p50", _("Half of the events within")),
    Row("p99", _("99 of 100 within")),
    Row("longest", _("Longest wait")),
    Row("events", _("Events")),
    Row("missing", _("Missing")),
    Row("duplicates", _("Duplicates dropped")),
    Row("repairs", _("Gaps repaired")),
    Row("reconnects", _("Times it reconnected")),
    Row("requests", _("Requests")),
    Row("down", _("Received")),
    Row("body", _("of which bodies and frames")),
    Row("up", _("Sent")),
    Row("perEvent", _("Both ways, for each event")),
)

SERVER_FIGURES = (
    Row("clock", _("Server's clock ahead by")),
    Row("connections", _("Open connections")),
    Row("threads", _("Threads")),
    Row("memory", _("Memory")),
    Row("cpu", _("Processor time a delivery")),
    Row("processes", _("Processes")),
)
