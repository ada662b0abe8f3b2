"""From pydantic's complaint about a request to a refusal that teaches."""

from collections.abc import Sequence
from typing import Any, get_args

from ninja.errors import ValidationErrorContext
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from apps.transports.refusal import Refusal, bad_request

_LONGEST = 80  # characters of what arrived that a message repeats


def refusal_of(contexts: Sequence[ValidationErrorContext]) -> Refusal:
    """Return the first fault of a request that does not fit the schema of its operation, as a refusal."""
    context = contexts[0]
    error = context.pydantic_validation_error.errors(include_url=False)[0]
    source, place = context.model.__ninja_param_source__, error["loc"]
    if source != "body":
        name, expected = str(place[0]), _expected(context.model, place)
        return bad_request(
            "bad_query", f"{name}={_arrived(error)} was given; expected {expected}", f"correct {name}, or leave it out"
        )
    # The first part names the operation's argument, which the client knows nothing of.
    inside = place[1:]
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in inside)[:200]
    if error["type"] == "extra_forbidden":
        message = f"the body has the member {pointer!r}, which means nothing here"
        hint = f"leave it out; known: {', '.join(_members(context.model, place[:-1]))}"
    else:
        what = repr(pointer) if inside else "the body"
        expected = _expected(context.model, place)
        message, hint = f"{what} is {_arrived(error)}; expected {expected}", "the document says what fits: /api/docs"
    return Refusal(400, "bad_body", message, hint, pointer=pointer)


def kind(value: Any) -> str:
    """Return what kind of JSON value `value` is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return repr(value[:_LONGEST])
        case list():
            return "a list"
        case _:
            return "an object"


def _arrived(error: ErrorDetails) -> str:
    if error["type"] == "missing":
        return "missing"
    value = error["input"]
    if isinstance(value, list) and error["type"] in ("too_short", "too_long"):
        return f"a list of {len(value)}"
    return kind(value)


def _expected(model: Any, place: Sequence[int | str]) -> str:
    field = _field_at(model, place)
    if field is None:
        return "another value"
    inner = _model_in(field.annotation)
    if field.description is None and inner is not None:
        return f"an object with {', '.join(inner.model_fields)}"
    return field.description or "another value"


def _members(model: Any, place: Sequence[int | str]) -> list[str]:
    field = _field_at(model, place)
    inner = None if field is None else _model_in(field.annotation)
    return [] if inner is None else list(inner.model_fields)


def _field_at(model: type[BaseModel], place: Sequence[int | str]) -> FieldInfo | None:
    field: FieldInfo | None = None
    inside: type[BaseModel] | None = model
    for part in place:
        if isinstance(part, int):
            continue  # an element of the list that the part before it named
        if inside is None or part not in inside.model_fields:
            return field
        field = inside.model_fields[part]
        inside = _model_in(field.annotation)
    return field


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that `annotation` is, or holds: `Model`, `Model | None`, `list[Model]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner))), None)
