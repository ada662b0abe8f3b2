"""The API as ninja has it: its operations, its errors, and the OpenAPI document that is made of them."""

from collections.abc import Sequence
from typing import Any, NoReturn

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationErrorContext
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from apps.api import faults, notifications, tokens, topics
from apps.api.answering import takes_json
from apps.api.credentials import not_signed_in
from apps.api.problems import MEDIA_TYPE, problem
from apps.api.strict_json import StrictParser
from apps.transports.refusal import Refusal


class PublishApi(NinjaAPI):
    """Ninja, with refusals that teach, and a document that says they are problems (RFC 9457)."""

    def validation_error_from_error_contexts(self, error_contexts: Sequence[ValidationErrorContext]) -> Any:
        return faults.refusal_of(error_contexts)

    def get_openapi_operation_id(self, operation: Operation) -> str:
        # What generated clients call their methods: not the path of a module of ours.
        return operation.view_func.__name__

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**options)
        for operations in document["paths"].values():
            for operation in operations.values():
                for status, response in operation["responses"].items():
                    if status >= 400 and "content" in response:
                        # Ninja knows one media type for all answers.
                        response["content"] = {MEDIA_TYPE: response["content"].pop("application/json")}
        return document


api = PublishApi(
    title="Five Doors",
    version="1",
    description="Publish events to topics, and read what was published. The five doors, over which pages and programs "
    "wait for the next event, are described in PROTOCOL.md.",
    parser=StrictParser(),
    urls_namespace="api",
    docs_url=None,
)
api.add_decorator(takes_json, mode="view")
api.add_router("", topics.router)
api.add_router("", notifications.router)
api.add_router("", tokens.router)


@api.exception_handler(Refusal)
def _refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    return problem(refusal)


@api.exception_handler(AuthenticationError)
def _unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problem(not_signed_in())


@api.exception_handler(HttpError)
def _told_by_ninja(request: HttpRequest, error: HttpError) -> HttpResponse:
    # What a parser raises comes wrapped.
    if isinstance(error.__cause__, Refusal):
        return problem(error.__cause__)
    raise error


@api.exception_handler(Exception)
def _broken(request: HttpRequest, error: Exception) -> NoReturn:
    # With DEBUG ninja would answer with the traceback, and hide from `answering` that the database is away.
    raise error
