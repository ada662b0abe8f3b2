"""What the pages say about each of the five transports, in the order of the menu."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Explained:
    """One transport in words.

    Args:
        name: the registry's name of it, which is also the stem of its files (`sse.py`, `sse.js`).
        title: what the menu calls it.
        motto: the idea, in a sentence of a few words.
        waiting: who waits for whom, two or three sentences.
        advantages, drawbacks, uses: one point each, a sentence or less.
    """

    name: str
    title: Promise
    motto: Promise
    waiting: Promise
    advantages: tuple[Promise, ...]
    drawbacks: tuple[Promise, ...]
    uses: tuple[Promise, ...]

    @property
    def url(self) -> str:
        return reverse(f"demos:{self.name}")


TRANSPORTS = (
    Explained(
        name="short_poll",
        title=_("Short poll"),
        motto=_("The browser asks again and again."),
        waiting=_(
            "Nobody waits. A timer in the browser asks every few seconds, and the server answers at once, mostly "
            "with “nothing new”. An event waits on the server until the next question comes."
        ),
        advantages=(
            _("Plain requests: every proxy, cache and firewall lets them through."),
            _("No connection stays open, so a restart of the server disturbs nobody."),
            _("“Nothing new” can be a 304 without a body."),
        ),
        drawbacks=(
            _("An event is late by half the interval on average, and by all of it at worst."),
            _("Most requests bring nothing, and each costs a round trip all the same."),
            _("The load grows with the number of readers, not with the number of events."),
        ),
        uses=(
            _("Status panels and progress bars that may lag a few seconds"),
            _("A last resort where a network lets nothing else pass"),
        ),
    ),
    Explained(
        name="long_poll",
        title=_("Long poll"),
        motto=_("The server keeps the question until it has an answer."),
        waiting=_(
            "The server waits. It holds the request until an event arrives or time is up, answers, and the browser "
            "asks again at once. It is still one question, one answer; the answer just takes its time."
        ),
        advantages=(
            _("Events arrive at once, over plain requests."),
            _("Each answer ends, so a proxy that collects answers before passing them on does no harm."),
            _("In quiet times one request a timeout is all it costs."),
        ),
        drawbacks=(
            _("Every event costs a whole request, headers and all."),
            _("Between two requests nobody listens: without a cursor, what happens just then is lost."),
            _("The server holds an open request for every reader."),
        ),
        uses=(
            _("The fallback where a proxy holds streams back"),
            _("Rare events that still have to be prompt"),
        ),
    ),
    Explained(
        name="sse",
        title=_("SSE"),
        motto=_("One answer that never ends."),
        waiting=_(
            "The browser asks once and reads on. The server writes each event into the same open answer. Should it "
            "break, the browser's own EventSource comes back and says where it stopped."
        ),
        advantages=(
            _("EventSource reconnects by itself and sends Last-Event-ID: resuming is built in."),
            _("Plain HTTP: cookies, sign-in and HTTP/2 work as they always do."),
            _("Plain text: curl -N shows all there is."),
        ),
        drawbacks=(
            _("One way only, from server to browser; the other way takes an ordinary request."),
            _("EventSource can set no header and send no body."),
            _("Over HTTP/1.1 a browser opens six connections to a host, all tabs together."),
            _("Text only, and a proxy that buffers holds it back."),
        ),
        uses=(
            _("Notifications, feeds, scores, logs, progress"),
            _("Nearly everything that only the server has to say"),
        ),
    ),
    Explained(
        name="fetch_stream",
        title=_("Fetch stream"),
        motto=_("The same endless answer, read by hand."),
        waiting=_(
            "The browser asks once, with any method, headers and body, and reads the answer piece by piece as it "
            "comes. AbortController hangs up at any moment."
        ),
        advantages=(
            _("Any method, header and body: ask with POST, read the answer as it is written."),
            _("The status code and its error text can be read, which EventSource hides."),
            _("Stops at a word, and reads no faster than it can use."),
        ),
        drawbacks=(
            _("Framing, reconnecting and resuming are code of your own."),
            _("The limit of six connections and the buffering proxies are the same as for SSE."),
            _("Still one way: the request is over before the answer begins."),
        ),
        uses=(
            _("Answers that are typed out as a model writes them"),
            _("Large results, shown from the first row on"),
            _("Feeds that need a header of their own"),
        ),
    ),
    Explained(
        name="websocket",
        title=_("WebSocket"),
        motto=_("One connection on which both may speak."),
        waiting=_(
            "Nobody asks any more. It begins as an HTTP request, GET with Upgrade, answered by 101; from then on the "
            "connection carries frames both ways, whenever either side has something to say."
        ),
        advantages=(
            _("Both ways, at any time, with a few bytes of framing."),
            _("Text and binary."),
            _("Not bound by the six connections a host."),
        ),
        drawbacks=(
            _("After the handshake HTTP is gone: heartbeats, reconnecting and resuming are yours to write."),
            _("Every proxy on the way has to know about upgrades."),
            _("The browser can set no header, and can't slow down a server that talks too fast."),
        ),
        uses=(
            _("Chat, editing together, games, remote control"),
            _("Wherever the browser, too, speaks often"),
        ),
    ),
)

BY_NAME = {transport.name: transport for transport in TRANSPORTS}
