"""What a client gets, as the document describes it. The bytes are those of the doors, so they are made elsewhere."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class Event(BaseModel):
    """An event, as every door sends it."""

    topic: str
    seq: int = Field(description="its place in the topic: 1, 2, 3 … without gaps, in the order of commit", ge=1)
    type: str
    time: datetime = Field(description="when it was appended, UTC with milliseconds")
    data: Any = Field(description="any JSON value; null once its subject was recalled")


class Events(BaseModel):
    """Events that were appended together."""

    events: list[Event] = Field(description="in the order in which they were sent")
    repeated: list[int] = Field(description="which of them, counted from 0, were there already under their key")


class Reset(BaseModel):
    """An explicit break: what was read before does not lead to what comes next."""

    reason: str = Field(description="epoch, ahead or trimmed")
    topics: list[str]
    cursor: str = Field(description="where to go on")


class Batch(BaseModel):
    """What lies between the place that was asked from and `cursor`."""

    events: list[Event]
    cursor: str = Field(description="give it back as `after` to read on")
    reset: Reset | None
    more: bool = Field(description="whether there is more already")


class Notification(BaseModel):
    """A notification, as its events tell it."""

    id: int
    title: str
    message: str
    level: str
    link: str
    posted_by: str
    posted_at: datetime
    audience: str = Field(description="everyone, groups or people")


class Token(BaseModel):
    """A token, which nobody can tell again."""

    token: str
    expires_in: int = Field(description="seconds from now")
    expires_at: int = Field(description="seconds since 1970")


class Problem(BaseModel):
    """Why a request was not served (RFC 9457)."""

    type: str = Field(description="where the code is explained")
    title: str = Field(description="the same words for every problem with this code")
    status: int
    detail: str = Field(description="what arrived, and what was expected")
    code: str = Field(description="a short name for programs")
    hint: str = Field(description="what to do next")
    pointer: str | None = Field(None, description="which part of the body, where there is one to blame (RFC 6901)")
