"""What a client sends, as the document describes it and as it is checked.

A field's description is also what an error says was expected there.
"""

from typing import Annotated, Any, Literal

from django.conf import settings
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from apps.access import tokens
from apps.events import log
from apps.events.batch import DEFAULT_LIMIT, MAX_LIMIT, MIN_LIMIT
from apps.notifications.audience import MAX_PEOPLE
from apps.notifications.models import MAX_LINK_LENGTH, MAX_MESSAGE_LENGTH, MAX_TITLE_LENGTH

MAX_BODY_BYTES = 1024 * 1024
MAX_BATCH = 100
MAX_GROUPS = 100

_NOT_NULL = {"not": {"type": "null"}}


def _not_null(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("null", "null")
    return value


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("unprintable", "unprintable")
    return text


class Body(BaseModel):
    """Takes what it names and nothing else: a misspelt member is an error, not a default."""

    model_config = ConfigDict(extra="forbid", strict=True)


Key = Annotated[
    Annotated[str, Field(min_length=1, max_length=log.MAX_KEY_LENGTH), AfterValidator(_printable)] | None,
    Field(
        description=f"text of 1 to {log.MAX_KEY_LENGTH} printable characters, or none: your own name for it, with "
        "which it can be sent again and is written once",
        examples=["build-7"],
    ),
]


class NewEvent(Body):
    """An event to append."""

    type: Annotated[
        str,
        # Narrower than what the log takes (anything printable): a name to be compared, grepped and put into a URL.
        Field(
            pattern=r"^[a-z][a-z0-9_.-]{0,63}$",
            description="1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter",
            examples=["deploy.finished"],
        ),
    ]
    data: Annotated[
        Any,
        AfterValidator(_not_null),
        # Null is how the data of a recalled event reads.
        Field(
            description=f"any JSON value but null, {log.MAX_DATA_BYTES // 1024} KiB at most",
            json_schema_extra=_NOT_NULL,
            examples=[{"build": 7}],
        ),
    ]
    key: Key = None


class NewEventSomewhere(NewEvent):
    """An event to append, and the topic to append it to."""

    topic: Annotated[str, Field(description="the name of a topic, for example lab.demo", examples=["lab.demo"])]


class NewEvents(Body):
    """Several events to append, to one topic or to several: all or none."""

    events: Annotated[
        list[NewEventSomewhere],
        Field(
            min_length=1, max_length=MAX_BATCH, description=f"a list of 1 to {MAX_BATCH} events, each with its topic"
        ),
    ]


class HistoryQuery(BaseModel):
    """From where to read, and how much."""

    after: Annotated[
        str | None, Field(description="a cursor: that of the last batch; or 'start', or 'now'", examples=["start"])
    ] = None
    last: Annotated[
        int | None,
        Field(ge=0, le=MAX_LIMIT, description=f"one number from 0 to {MAX_LIMIT}: so many events before the newest"),
    ] = None
    limit: Annotated[
        int,
        Field(
            ge=MIN_LIMIT,
            le=MAX_LIMIT,
            description=f"one number from {MIN_LIMIT} to {MAX_LIMIT}: how many events at most",
        ),
    ] = DEFAULT_LIMIT


Title = Annotated[
    str, Field(min_length=1, max_length=MAX_TITLE_LENGTH, description=f"1 line of 1 to {MAX_TITLE_LENGTH} characters")
]
Message = Annotated[
    str, Field(max_length=MAX_MESSAGE_LENGTH, description=f"plain text of at most {MAX_MESSAGE_LENGTH} characters")
]
LevelName = Annotated[
    Literal["info", "success", "warning", "critical"], Field(description="info, success, warning or critical")
]
Link = Annotated[
    str,
    Field(
        max_length=MAX_LINK_LENGTH,
        description=f"https://…, http://… or a path of this site, of at most {MAX_LINK_LENGTH} characters; or empty",
    ),
]


Name = Annotated[
    str,
    Field(min_length=1, max_length=150),
    AfterValidator(_printable),  # PostgreSQL is asked for it, and takes no U+0000
]


class Audience(Body):
    """Whom a notification is for: groups, or chosen people. For everyone, leave the audience out."""

    groups: Annotated[
        list[Name] | None,
        Field(min_length=1, max_length=MAX_GROUPS, description=f"a list of 1 to {MAX_GROUPS} names of groups"),
    ] = None
    people: Annotated[
        list[Name] | None,
        Field(min_length=1, max_length=MAX_PEOPLE, description=f"a list of 1 to {MAX_PEOPLE} user names"),
    ] = None


AudienceOrEveryone = Annotated[
    Audience | Literal["everyone"],
    Field(description='"everyone", {"groups": ["editors"]} or {"people": ["ada"]}', examples=["everyone"]),
]


class NewNotification(Body):
    """A notification to post."""

    title: Title
    message: Message = ""
    level: LevelName = "info"
    link: Link = ""
    audience: AudienceOrEveryone = "everyone"
    key: Key = None


class Edit(Body):
    """What is to be different about a notification; what is left out stays."""

    title: Title | None = None
    message: Message | None = None
    level: LevelName | None = None
    link: Link | None = None
    audience: AudienceOrEveryone | None = None


class NewToken(Body):
    """A token to ask for."""

    topics: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=100)]],
        Field(
            min_length=1,
            max_length=20,
            description="a list of 1 to 20 topics, or beginnings of topics with a * after them",
            examples=[["user.7", "lab.*"]],
        ),
    ]
    rights: Annotated[
        list[Literal["read", "history", "publish"]],
        Field(min_length=1, max_length=3, description="a list of read, history and publish, at least one of them"),
    ]
    expires_in: Annotated[
        int,
        Field(
            ge=tokens.MIN_LIFE_S,
            le=settings.TOKEN_LIFE_MAX_S,
            description=f"{tokens.MIN_LIFE_S} to {settings.TOKEN_LIFE_MAX_S} seconds",
        ),
    ] = min(tokens.DEFAULT_LIFE_S, settings.TOKEN_LIFE_MAX_S)
