"""The pages. Each is rendered whole on the server; what is live about it is in its JavaScript module."""

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from apps.access.identity import identity_of
from apps.assistant.guide.reader import guide
from apps.demos.comparison import ALL_FIVE, OFTEN_SAID, SSE_OR_WEBSOCKET
from apps.demos.explained import BY_NAME, TRANSPORTS
from apps.demos.page_texts import ARTICLE_TEXTS, CHAT_TEXTS, LIVE_TEXTS, STATE_TEXTS, TYPEWRITER_TEXTS
from apps.demos.shown_source import shown_region, whole_file
from apps.demos.timelines import EVENT_XS, TIMELINES
from apps.notifications import snapshot

SHOWN_NOTIFICATIONS = 20


def home(request: HttpRequest) -> HttpResponse:
    """Explain the five in a minute."""
    lines = [(transport, TIMELINES[transport.name]) for transport in TRANSPORTS]
    context = {
        "lines": lines,
        "transports": TRANSPORTS,
        "event_xs": EVENT_XS,
        "often_said": OFTEN_SAID,
        "sse_or_websocket": SSE_OR_WEBSOCKET,
    }
    return render(request, "demos/home.html", context)


def guide_page(request: HttpRequest) -> HttpResponse:
    """Help to choose: the decision, the tables, and the guide that the typewriter answers from."""
    context = {
        "guide": guide(get_language() or "en"),
        "transports": TRANSPORTS,
        "all_five": ALL_FIVE,
        "sse_or_websocket": SSE_OR_WEBSOCKET,
    }
    return render(request, "demos/guide.html", context)


def transport(request: HttpRequest, name: str) -> HttpResponse:
    """Show one transport at work on the notifications.

    Args:
        name: the transport's name in the registry, for example `sse`.
    """
    latest = snapshot.latest(SHOWN_NOTIFICATIONS, identity_of(request.user))
    context = {
        "transport": BY_NAME[name],
        "transports": TRANSPORTS,
        "timeline": TIMELINES[name],
        "event_xs": EVENT_XS,
        "notifications": latest.notifications,
        "topics": json.dumps(latest.topics),
        "cursor": latest.cursor,
        "page_source": shown_region("demos/transport_page.js"),
        "twin_source": whole_file(f"transports/{name}.js"),
        "texts": {**STATE_TEXTS, **LIVE_TEXTS},
    }
    return render(request, "demos/transport.html", context)


def chat(request: HttpRequest) -> HttpResponse:
    """Offer a room to talk in."""
    return render(
        request, "demos/chat.html", {"texts": CHAT_TEXTS, "page_source": shown_region("demos/chat_socket.js")}
    )


def typewriter(request: HttpRequest) -> HttpResponse:
    """Offer to answer a question about the five, word by word."""
    context = {"texts": TYPEWRITER_TEXTS, "page_source": shown_region("demos/answer_stream.js")}
    return render(request, "demos/typewriter.html", context)


def article(request: HttpRequest) -> HttpResponse:
    """Show the smallest code that works: three endpoints without log or cursor."""
    context = {"texts": ARTICLE_TEXTS, "page_source": shown_region("demos/article.js")}
    return render(request, "demos/article.html", context)
