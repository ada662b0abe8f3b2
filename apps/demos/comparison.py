"""The tables of the guide: all five side by side, and SSE against WebSocket."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Row:
    """A property, and what is true of it for each column of the table, in the table's order."""

    title: Promise
    cells: tuple[Promise, ...]


# Columns: short poll, long poll, SSE, fetch stream, WebSocket.
ALL_FIVE = (
    Row(
        _("Who speaks"),
        (
            _("Browser asks, server answers"),
            _("Browser asks, server answers when it can"),
            _("Server only, after one request"),
            _("Server only, after one request"),
            _("Both, whenever they like"),
        ),
    ),
    Row(
        _("An event arrives"),
        (
            _("at the next poll"),
            _("at once"),
            _("at once"),
            _("at once"),
            _("at once"),
        ),
    ),
    Row(
        _("What an event costs"),
        (
            _("a share of endless requests"),
            _("a request of its own"),
            _("a few lines of text"),
            _("a line of text"),
            _("a frame"),
        ),
    ),
    Row(
        _("In quiet times"),
        (
            _("a request every interval"),
            _("a request every timeout"),
            _("a heartbeat"),
            _("a heartbeat"),
            _("a heartbeat"),
        ),
    ),
    Row(
        _("Reconnects"),
        (
            _("by asking again"),
            _("by asking again"),
            _("by itself"),
            _("with code of yours"),
            _("with code of yours"),
        ),
    ),
    Row(
        _("Resumes from its place"),
        (
            _("cursor in the address"),
            _("cursor in the address"),
            _("Last-Event-ID, built in"),
            _("cursor in the address"),
            _("cursor in the address"),
        ),
    ),
    Row(
        _("Own headers, own body"),
        (
            _("yes"),
            _("yes"),
            _("no"),
            _("yes"),
            _("no; a subprotocol, and frames"),
        ),
    ),
    Row(
        _("Binary"),
        (
            _("yes"),
            _("yes"),
            _("no, text"),
            _("yes"),
            _("yes"),
        ),
    ),
    Row(
        _("Six connections a host (HTTP/1.1)"),
        (
            _("hardly matters"),
            _("counts"),
            _("counts"),
            _("counts"),
            _("a limit of its own, far higher"),
        ),
    ),
    Row(
        _("Proxies on the way"),
        (
            _("never in the way"),
            _("may cut a wait that is too long"),
            _("must not buffer"),
            _("must not buffer"),
            _("must know upgrades"),
        ),
    ),
)

# Columns: SSE, WebSocket.
SSE_OR_WEBSOCKET = (
    Row(_("Direction"), (_("server to browser"), _("both ways"))),
    Row(_("Protocol"), (_("HTTP from beginning to end"), _("begins as HTTP, goes on as its own"))),
    Row(_("Address"), (_("http:// or https://"), _("ws:// or wss://"))),
    Row(_("In the browser"), (_("EventSource, five lines"), _("WebSocket, and your own reconnecting"))),
    Row(_("Reconnecting"), (_("built in, with the place where it stopped"), _("to be written"))),
    Row(_("Data"), (_("UTF-8 text"), _("text and binary"))),
    Row(
        _("Headers"),
        (_("cookies only"), _("cookies and a subprotocol only")),
    ),
    Row(_("Connections"), (_("six a host over HTTP/1.1, about a hundred streams over HTTP/2"), _("hundreds"))),
    Row(
        _("Compression"),
        (_("possible, but a buffer on the way costs promptness"), _("per frame, where both sides agree")),
    ),
    Row(_("Made for"), (_("being told"), _("talking"))),
)


@dataclass(frozen=True, slots=True)
class Error:
    """A sentence one often reads, and what is true instead."""

    said: Promise
    true: Promise


OFTEN_SAID = (
    Error(
        _("“SSE keeps a two-way connection open.”"),
        _(
            "It is one way. The server writes, the browser reads. To say something the browser sends an ordinary "
            "request beside it, which is often all one needs."
        ),
    ),
    Error(
        _("“Long polling lets server and client talk both ways.”"),
        _(
            "It is a request with a slow answer. The server can't begin; it can only answer, once, a browser that "
            "asked before."
        ),
    ),
    Error(
        _("“WebSocket has nothing to do with HTTP.”"),
        _(
            "Every WebSocket begins as an HTTP GET with “Upgrade: websocket” and a 101 in answer. That is why cookies "
            "arrive with it, and why a proxy that doesn't know about upgrades breaks it."
        ),
    ),
    Error(
        _("“WebSocket is real-time, the others are not.”"),
        _(
            "Long poll, SSE and fetch stream deliver an event the moment it happens, too. What differs is the cost of "
            "an event and who may speak."
        ),
    ),
)
