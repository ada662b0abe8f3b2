"""What a client sends, as the document describes it and as it is checked.

A field's description is also what an error says was expected there.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from apps.events import log

MAX_BODY_BYTES = 1024 * 1024

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
    key: Annotated[
        Annotated[str, Field(min_length=1, max_length=log.MAX_KEY_LENGTH), AfterValidator(_printable)] | None,
        Field(
            description=f"text of 1 to {log.MAX_KEY_LENGTH} printable characters, or none: your own name for the "
            "event, with which it can be sent again and is appended once",
            examples=["build-7"],
        ),
    ] = None
