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


class Problem(BaseModel):
    """Why a request was not served (RFC 9457)."""

    type: str = Field(description="where the code is explained")
    title: str = Field(description="the same words for every problem with this code")
    status: int
    detail: str = Field(description="what arrived, and what was expected")
    code: str = Field(description="a short name for programs")
    hint: str = Field(description="what to do next")
    pointer: str | None = Field(None, description="which part of the body, where there is one to blame (RFC 6901)")
