"""From an ASGI scope to a subscription: topics, starting place, permission. The same for HTTP and WebSocket."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from apps.access.bearer import in_address
from apps.access.families import family_of, may
from apps.access.identity import Identity, Right, Unproven
from apps.events import cursor as cursors
from apps.events.batch import DEFAULT_LIMIT, MAX_LIMIT, MIN_LIMIT
from apps.events.cursor import MAX_TOPICS, NOW, CursorError, Last, StartingPlace
from apps.events.topic_names import TopicNameError, check_topic_name
from apps.transports.refusal import Refusal, bad_request, unavailable

MAX_LAST = MAX_LIMIT
DEFAULT_TIMEOUT_S, MAX_TIMEOUT_S = 25.0, 60.0
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class Subscription:
    """What a client asked for, and may have.

    Args:
        topics: 1 to 20 topics that `identity` may read.
        without_history: those of them that it may read only from the head on, see `beginning`.
        place: where to start.
        last: where to go on after a reset, see `Bounds.settle`.
        limit: events per batch, 1 to 500.
        timeout_s: how long a long poll waits, 0 to 60 seconds.
    """

    identity: Identity
    topics: tuple[str, ...]
    without_history: tuple[str, ...]
    place: StartingPlace
    last: int | None
    limit: int
    timeout_s: float


def subscribe(
    scope: Mapping[str, Any], *, topics: Sequence[str] | None = None, otherwise: StartingPlace = NOW
) -> Subscription:
    """Read the subscription out of an ASGI scope. See PROTOCOL.md#subscribing.

    The starting place is the first present of the header `Last-Event-ID`, the parameters `after` and `last`, and
    `otherwise`. The header comes first since an EventSource that reconnects by itself repeats its old address with it.

    Args:
        topics: these instead of those in the query, for an endpoint that has its own.

    Raises:
        Refusal: 400 for what can't be read, 404 for a topic that doesn't exist, 401 for a token that does not count,
            403 for a topic that the user may not read, 503 where it could not be found out who is asking.
    """
    try:
        query = parse_qs(scope["query_string"].decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError as error:
        raise bad_request(
            "bad_query", f"the query can't be read: {error}", "percent-encode it as UTF-8, with at most 100 fields"
        ) from None
    if (name := in_address(query)) is not None:
        raise bad_request(
            "token_in_address",
            f"a token or a key came in the address, as {name[:60]!r}, where logs and histories keep it",
            "have it revoked, or let it expire, and send another one as Authorization: Bearer …, or as a WebSocket's "
            "subprotocol bearer.…",
        )
    topics = _topics(query) if topics is None else tuple(topics)
    last = _number(query, "last", int, 0, MAX_LAST)
    place = _place(scope, query, last, otherwise)
    limit = _number(query, "limit", int, MIN_LIMIT, MAX_LIMIT) or DEFAULT_LIMIT
    timeout_s = _number(query, "timeout", float, 0, MAX_TIMEOUT_S)
    identity = permitted(scope.get("identity"), topics)
    without_history = tuple(topic for topic in topics if not may(identity, Right.HISTORY, topic))
    return Subscription(
        identity=identity,
        topics=topics,
        without_history=without_history,
        place=place,
        # A reset that goes back to the oldest kept event would hand out the history.
        last=0 if without_history else last,
        limit=limit,
        timeout_s=DEFAULT_TIMEOUT_S if timeout_s is None else timeout_s,
    )


def permitted(identity: Identity | None, topics: Sequence[str]) -> Identity:
    """Return `identity` if it may read all of `topics`.

    Raises:
        Refusal: 404 for a topic that doesn't exist, 401 for a token that does not count, 403 for a topic that may not
            be read, 503 if it is None: unknown.
    """
    for topic in topics:
        if family_of(topic) is None:
            raise Refusal(
                404, "no_such_topic", f"there is no topic {topic!r}", "check the name; docs list the families"
            )
    if identity is None:
        raise unavailable()
    if isinstance(identity, Unproven):
        raise Refusal(401, identity.code, identity.message, identity.hint)
    for topic in topics:
        if not identity.reaches(Right.READ, topic):
            message = f"you may not read {topic!r}: the token that you came with does not reach it"
            raise Refusal(403, "forbidden", message, "ask for a token with the right to read this topic")
        if not may(identity, Right.READ, topic):
            who = f"{identity.username!r} is signed in" if identity.is_signed_in else "nobody is signed in"
            raise Refusal(403, "forbidden", f"you may not read {topic!r}: {who}", "sign in as somebody who may")
    return identity


def _topics(query: dict[str, list[str]]) -> tuple[str, ...]:
    topics = tuple(dict.fromkeys(query.get("topic", ())))
    if not topics:
        raise bad_request("no_topic", "no topic was given", "name one to 20: ?topic=notifications&topic=chat.lobby")
    if len(topics) > MAX_TOPICS:
        raise bad_request(
            "too_many_topics", f"{len(topics)} topics were given; at most {MAX_TOPICS} fit", "open a second connection"
        )
    try:
        return tuple(check_topic_name(topic) for topic in topics)
    except TopicNameError as error:
        raise bad_request("bad_topic", str(error), "correct the topic's name") from None


def _place(
    scope: Mapping[str, Any], query: dict[str, list[str]], last: int | None, otherwise: StartingPlace
) -> StartingPlace:
    header = next((value for name, value in scope["headers"] if name == b"last-event-id" and value), None)
    after = query.get("after", [])
    if len(after) > 1:
        raise bad_request("two_cursors", f"'after' was given {len(after)} times", "give the newest cursor, once")
    text = header.decode("utf-8", "replace") if header is not None else after[0] if after else None
    if text is None:
        return otherwise if last is None else Last(last)
    try:
        return cursors.parse(text)
    except CursorError as error:
        raise bad_request("bad_cursor", str(error), error.hint) from None


def _number(query: dict[str, list[str]], name: str, kind: type, low: float, high: float) -> Any:
    values = query.get(name)
    if not values:
        return None
    try:
        # Python's own `int` and `float` take spaces, line breaks and underscores as well.
        number = kind(values[0]) if len(values) == 1 and _NUMBER.fullmatch(values[0]) else None
    except ValueError:
        number = None
    if number is None or not low <= number <= high:
        raise bad_request(
            f"bad_{name}",
            f"{name}={', '.join(values)[:60]!r} was given; expected one number from {low:g} to {high:g}",
            f"correct {name}, or leave it out",
        )
    return number
