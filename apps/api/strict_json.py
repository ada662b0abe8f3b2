"""How ninja reads a body: as every JSON that clients send is read here, within limits."""

from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser

from apps.transports.client_json import BadJson, read_json
from apps.transports.refusal import bad_request


class StrictParser(Parser):
    """Reads the body of every request; ninja then holds the value to the operation's schema."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the JSON value in the body.

        Raises:
            Refusal: 400, it is none, or beyond the limits.
        """
        try:
            return read_json(request.body)
        except BadJson as error:
            raise bad_request(
                "bad_json",
                f"the body can't be read as JSON: {error}",
                "send one JSON value in UTF-8, with finite numbers, and each member of an object once",
            ) from None
